import { readdir } from 'node:fs/promises'
import { dateOfDay } from '../../../features/time.ts'
import { type AscTable, type BerkaFailure, type Refused, readAsc, unreadable } from './asc.ts'
import {
  createClock,
  type IncomingEvent,
  loanDisbursed,
  regionIndexReported,
  repaymentReceived,
  tenantConfigured,
  transactionPosted,
} from './events.ts'
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
import { type RegionIndex, readRegionIndices } from './region-index.ts'
import type { BerkaSummary } from './summary.ts'
import { type PlacedTransaction, placeTransactions, readTransactions, TRANSACTION_COLUMNS } from './transactions.ts'

export type BerkaOptions = {
  /** Folder with the `.asc` files. */
  readonly directory: string
  /** Takes one event as JSON, without a line break. It is awaited before the next one. */
  readonly write: (line: string) => Promise<void> | void
}

/**
 * Turns the Berka data (PKDD'99 "Financial") in a folder into foreshock's events, in time order: the tenant's
 * configuration, then `loan.disbursed`, `transaction.posted`, `repayment.received` and `signal.reported`. Rules: this folder's README.
 *
 * Nothing is written unless all files could be read and have the right header; otherwise the outcome says in one line
 * what is missing. Rows that cannot be turned into events are listed in the summary and stop nothing. An error that
 * `write` throws is passed on.
 */
export async function importBerka(
  options: BerkaOptions,
): Promise<{ readonly ok: true; readonly summary: BerkaSummary } | BerkaFailure> {
  const refused: Refused[] = []
  const tables = await readTables(options.directory, refused)
  if (!tables.ok) return tables
  const owners = readOwners(tables.dispositions)
  const regions = readRegions(tables.accounts, tables.districts)
  const indices = readRegionIndices(tables.districts)
  const transactions = readTransactions(tables.transactions, owners)
  if (transactions.length === 0) {
    return { ok: false, reason: 'no_transactions', detail: `${tables.transactions.file} has no whole transaction row` }
  }
  const firstDay = transactions.reduce((first, one) => Math.min(first, one.day), Number.POSITIVE_INFINITY)
  const lastDay = transactions.reduce((last, one) => Math.max(last, one.day), Number.NEGATIVE_INFINITY)
  const known = readLoans(tables.loans, tables.orders)
  const loans = grantedLoans(known, lastDay, owners, tables.loans)
  const { placed, counts } = placeTransactions(transactions)

  const totals = { events: 0, inflow_minor: 0, outflow_minor: 0, repayments: 0, repayments_minor: 0 }
  for (const event of inTimeOrder(placed, loans, owners, regions, indices)) {
    await options.write(JSON.stringify(event))
    totals.events++
    if (event.type === 'repayment.received') {
      totals.repayments++
      totals.repayments_minor += event.data.amount_minor
    } else if (event.type === 'transaction.posted') {
      totals[event.data.direction === 'in' ? 'inflow_minor' : 'outflow_minor'] += event.data.amount_minor
    }
  }
  for (const one of transactions) {
    if (one.is_loan_payment && !loans.has(one.account_id)) tables.transactions.refuse(one, 'repayment_without_loan')
  }
  return {
    ok: true,
    summary: {
      transaction_file: tables.transactions.file,
      first_date: dateOfDay(firstDay),
      last_date: dateOfDay(lastDay),
      borrowers: new Set(transactions.map((one) => one.client_id)).size,
      transactions: transactions.length,
      ...totals,
      loans: loans.size,
      loans_principal_minor: [...loans.values()].reduce((sum, loan) => sum + loan.principal_minor, 0),
      loans_later: [...known.values()].filter((loan) => loan.granted_day > lastDay).length,
      account_days: counts.account_days,
      account_days_closed: counts.exactly,
      account_days_within_rounding: counts.within_rounding,
      account_days_not_closed: counts.not,
      account_days_not_searched: counts.not_searched,
      refused: refused.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line)),
    },
  }
}

/**
 * The events in time order, the tenant's configuration first. At one time loans come before transactions, these in file
 * order, and a repayment right after its transaction; a day begins with the indices reported on it.
 */
function* inTimeOrder(
  placed: readonly PlacedTransaction[],
  loansByAccount: ReadonlyMap<string, BerkaLoan>,
  owners: ReadonlyMap<string, string>,
  regions: ReadonlyMap<string, string>,
  indices: readonly RegionIndex[],
): Generator<IncomingEvent> {
  const clock = createClock()
  const bookings = placed
    .map((one) => ({ transaction: one.transaction, time: clock.transactionTime(one) }))
    .sort((a, b) => a.time - b.time)
  const loans = [...loansByAccount.values()]
  const firstDay = loans.reduce((first, loan) => Math.min(first, loan.granted_day), bookings[0]!.transaction.day)
  yield tenantConfigured(clock.startOfDay(firstDay))
  const granted = loans.map((loan) => {
    const time = clock.loanTime(loan)
    const event = loanDisbursed(loan, owners.get(loan.account_id)!, regions.get(loan.account_id), time)
    return { time, event }
  })
  // An index from before the first day would come before the tenant.
  const reported = indices
    .filter(({ reported_day }) => reported_day >= firstDay)
    .map((index) => {
      const time = clock.startOfDay(index.reported_day)
      return { time, event: regionIndexReported(index, time) }
    })
  const others = [...reported, ...granted].sort((a, b) => a.time - b.time)
  let next = 0
  for (const { transaction, time } of bookings) {
    // No loan is left over: none was granted after the last booking's day, and on a day loans come before bookings.
    // An index that is left over was not known yet.
    for (; next < others.length && others[next]!.time <= time; next++) yield others[next]!.event
    yield transactionPosted(transaction, time)
    const loan = transaction.is_loan_payment ? loansByAccount.get(transaction.account_id) : undefined
    if (loan !== undefined) yield repaymentReceived(transaction, loan, time)
  }
}

/** All tables, or what is wrong with the first one that cannot be read. */
async function readTables(directory: string, refused: Refused[]) {
  const found = await findTransactionFile(directory)
  if (!found.ok) return found
  const transactions = await readAsc(directory, found.file, TRANSACTION_COLUMNS, refused)
  if (!transactions.ok) return transactions
  const loans = await readAsc(directory, 'loan.asc', LOAN_COLUMNS, refused)
  if (!loans.ok) return loans
  const orders = await readAsc(directory, 'order.asc', ORDER_COLUMNS, refused)
  if (!orders.ok) return orders
  const dispositions = await readAsc(directory, 'disp.asc', DISPOSITION_COLUMNS, refused)
  if (!dispositions.ok) return dispositions
  const accounts = await readAsc(directory, 'account.asc', ACCOUNT_COLUMNS, refused)
  if (!accounts.ok) return accounts
  const districts = await readAsc(directory, 'district.asc', DISTRICT_COLUMNS, refused)
  if (!districts.ok) return districts
  return { ok: true, transactions, loans, orders, dispositions, accounts, districts } as const
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
