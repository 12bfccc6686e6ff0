import { readdir } from 'node:fs/promises'
import { dateOfDay } from '../../../features/time.ts'
import { type AscTable, type BerkaFailure, type Refused, readAsc, unreadable } from './asc.ts'
import { createClock, loanDisbursed, repaymentReceived, tenantConfigured, transactionPosted } from './events.ts'
import {
  ACCOUNT_COLUMNS,
  type BerkaLoan,
  DISPOSITION_COLUMNS,
  DISTRICT_COLUMNS,
  LOAN_COLUMNS,
  ORDER_COLUMNS,
  readLoans,
  readOwners,
  readRegions,
} from './loans.ts'
import type { BerkaSummary } from './summary.ts'
import { placeTransactions, readTransactions, TRANSACTION_COLUMNS } from './transactions.ts'

export type BerkaOptions = {
  /** Folder with the `.asc` files. */
  readonly directory: string
  /** Takes one event as JSON, without a line break. It is awaited before the next one. */
  readonly write: (line: string) => Promise<void> | void
}

/**
 * Turns the Berka data (PKDD'99 "Financial") in a folder into foreshock's events, in time order: the tenant's
 * configuration, then `loan.disbursed`, `transaction.posted` and `repayment.received`. Rules: this folder's README.
 *
 * Nothing is written unless all files could be read and have the right header; otherwise the outcome says in one line
 * what is missing. Rows that cannot be turned into events are listed in the summary and stop nothing. An error that
 * `write` throws is passed on.
 */
export async function importBerka(
  options: BerkaOptions,
): Promise<{ readonly ok: true; readonly summary: BerkaSummary } | BerkaFailure> {
  const { directory, write } = options
  const refused: Refused[] = []
  const transactionFile = await findTransactionFile(directory)
  if (!transactionFile.ok) return transactionFile
  const transactionTable = await readAsc(directory, transactionFile.file, TRANSACTION_COLUMNS, refused)
  if (!transactionTable.ok) return transactionTable
  const loanTable = await readAsc(directory, 'loan.asc', LOAN_COLUMNS, refused)
  if (!loanTable.ok) return loanTable
  const orderTable = await readAsc(directory, 'order.asc', ORDER_COLUMNS, refused)
  if (!orderTable.ok) return orderTable
  const dispositionTable = await readAsc(directory, 'disp.asc', DISPOSITION_COLUMNS, refused)
  if (!dispositionTable.ok) return dispositionTable
  const accountTable = await readAsc(directory, 'account.asc', ACCOUNT_COLUMNS, refused)
  if (!accountTable.ok) return accountTable
  const districtTable = await readAsc(directory, 'district.asc', DISTRICT_COLUMNS, refused)
  if (!districtTable.ok) return districtTable

  const owners = readOwners(dispositionTable)
  const regions = readRegions(accountTable, districtTable)
  const transactions = readTransactions(transactionTable, owners)
  if (transactions.length === 0) {
    return { ok: false, reason: 'no_transactions', detail: `${transactionFile.file} has no whole transaction row` }
  }
  const days = transactions.map((one) => one.day).sort((a, b) => a - b)
  const lastDay = days.at(-1)!
  const known = readLoans(loanTable, orderTable)
  const granted = grantedLoans(known, lastDay, owners, loanTable)
  const { placed, counts } = placeTransactions(transactions)

  const clock = createClock()
  const loans = [...granted.values()]
    .map((loan) => ({ loan, time: clock.loanTime(loan) }))
    .sort((a, b) => a.time - b.time)
  // Sorting is stable: rows of one time stay in file order.
  const bookings = placed
    .map((one) => ({ transaction: one.transaction, time: clock.transactionTime(one) }))
    .sort((a, b) => a.time - b.time)
  const firstDay = Math.min(days[0]!, loans[0]?.loan.granted_day ?? days[0]!)

  const totals = { events: 0, inflow_minor: 0, outflow_minor: 0, repayments: 0, repayments_minor: 0 }
  const emit = (event: object) => {
    totals.events++
    return write(JSON.stringify(event))
  }
  const emitLoan = ({ loan, time }: (typeof loans)[number]) => {
    return emit(loanDisbursed(loan, owners.get(loan.account_id)!, regions.get(loan.account_id), time))
  }
  await emit(tenantConfigured(clock.startOfDay(firstDay)))
  let nextLoan = 0
  for (const { transaction, time } of bookings) {
    while (nextLoan < loans.length && loans[nextLoan]!.time <= time) await emitLoan(loans[nextLoan++]!)
    await emit(transactionPosted(transaction, time))
    if (transaction.movement.direction === 'in') totals.inflow_minor += transaction.amount_minor
    else totals.outflow_minor += transaction.amount_minor
    if (!transaction.is_loan_payment) continue
    const loan = granted.get(transaction.account_id)
    if (loan === undefined) {
      transactionTable.refuse(transaction, 'repayment_without_loan')
      continue
    }
    await emit(repaymentReceived(transaction, loan, time))
    totals.repayments++
    totals.repayments_minor += transaction.amount_minor
  }
  return {
    ok: true,
    summary: {
      transaction_file: transactionFile.file,
      first_date: dateOfDay(days[0]!),
      last_date: dateOfDay(lastDay),
      events: totals.events,
      borrowers: new Set(transactions.map((one) => one.client_id)).size,
      transactions: transactions.length,
      inflow_minor: totals.inflow_minor,
      outflow_minor: totals.outflow_minor,
      loans: loans.length,
      loans_principal_minor: loans.reduce((sum, { loan }) => sum + loan.principal_minor, 0),
      loans_later: [...known.values()].filter((loan) => loan.granted_day > lastDay).length,
      repayments: totals.repayments,
      repayments_minor: totals.repayments_minor,
      account_days: counts.account_days,
      account_days_closed: counts.exactly,
      account_days_within_rounding: counts.within_rounding,
      account_days_not_closed: counts.not,
      account_days_not_searched: counts.not_searched,
      refused,
    },
  }
}

/** `trans.asc`, or the one `trans_….asc` of a folder that holds a part of it. */
async function findTransactionFile(
  directory: string,
): Promise<{ readonly ok: true; readonly file: string } | BerkaFailure> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    const failure = unreadable(error, 'the folder', directory)
    if (failure.reason !== 'missing_file') return failure
    return { ok: false, reason: 'missing_directory', detail: `there is no folder ${directory}` }
  }
  const found = names.filter((name) => /^trans(_.*)?\.asc$/.test(name)).sort()
  const file = found[0]
  if (file === undefined) {
    return { ok: false, reason: 'missing_file', detail: `trans.asc (or trans_….asc) is not in ${directory}` }
  }
  if (found.length > 1) {
    const detail = `${directory} has ${found.length} transaction files (${found.slice(0, 3).join(', ')}): leave one`
    return { ok: false, reason: 'several_transaction_files', detail }
  }
  return { ok: true, file }
}

/** The loans granted up to the last day, in order of their grant; one whose account has no owner is refused. */
function grantedLoans(
  known: ReadonlyMap<string, BerkaLoan>,
  lastDay: number,
  owners: ReadonlyMap<string, string>,
  table: AscTable<(typeof LOAN_COLUMNS)[number]>,
): Map<string, BerkaLoan> {
  const granted = new Map<string, BerkaLoan>()
  for (const loan of known.values()) {
    if (loan.granted_day > lastDay) continue
    if (owners.has(loan.account_id)) granted.set(loan.account_id, loan)
    else table.refuse(loan, 'no_owner')
  }
  return granted
}
