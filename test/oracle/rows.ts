import type { TenantConfiguration } from '../../features/events/contract.ts'
import { monthOfDay, naiveCalendar } from './calendar.ts'
import type { History, LedgerEntry } from './history.ts'
import {
  balanceOf,
  bucketOf,
  daysPastDue,
  type Flow,
  type Loan,
  loanOnDay,
  outstandingPrincipal,
  overdueInstalments,
  type Part,
  untilOf,
} from './ledger.ts'
import { isFirst } from './ledger-changes.ts'
import { BALANCES, type Balance } from './ledger-money.ts'
import { receive } from './reception.ts'

/** Loans by business date as they were known when the date closed: what `loan_days` and `loan_months` are compared with. */

export type LoanStatus = 'open' | 'closed' | 'written_off'

/** How a loan stands at the end of a day. */
export type OracleDay = {
  readonly status: LoanStatus
  /** 0 for a loan that is closed. */
  readonly dpd: number
  /** `written_off`, else the bucket of `dpd`. */
  readonly bucket: string
  readonly outstanding_principal_minor: number
  readonly interest_minor: number
  readonly fee_minor: number
  readonly penalty_minor: number
  /** Unpaid parts of instalments due before the day, 0 for a loan that is closed. */
  readonly overdue_principal_minor: number
  readonly overdue_interest_minor: number
  readonly overdue_fee_minor: number
  /** Paid by value dates up to the day, overpayment and penalty included, reversed payments and recoveries not. */
  readonly paid_minor: number
  readonly overpaid_minor: number
  readonly recovered_minor: number
}

/** One loan at one tick, also where nothing changed since the day before. */
export type OracleLoanDay = OracleDay & {
  /** Place of the tick. */
  readonly offset: number
  readonly day: number
  readonly loan: string
  /** Largest `dpd` of the loan on any closed day so far, as it was known at any place so far. */
  readonly worst_dpd: number
}

/** One loan that is open or written off at a month's end. */
export type OracleMonthEnd = {
  /** Place of the tick that closed the month. */
  readonly offset: number
  /** Months since January 1970. */
  readonly month: number
  readonly loan: string
  readonly mob: number
  /** Month of disbursement. */
  readonly cohort: number
  readonly status: 'open' | 'written_off'
  readonly dpd: number
  readonly bucket: string
  readonly worst_dpd: number
  /** Outstanding principal; of a loan written off that at its write-off. */
  readonly balance_minor: number
}

/**
 * Every loan at every tick from its first date on, in order of ticks, then of loans in the log. A loan that is closed or
 * written off ages no more: what was due on that date is due. Of one that was written off all stays as it was then, and
 * what is paid later is recovered.
 */
export function oracleLoanDays(history: History, configuration: TenantConfiguration): OracleLoanDay[] {
  const worst = new Map<string, number>()
  const firstDay = new Map<string, number>()
  const entriesSeen = new Map<string, number>()
  const rows: OracleLoanDay[] = []
  let closed = Number.NEGATIVE_INFINITY
  for (const { item, received } of receive(history, configuration).receptions) {
    for (const [loan, entries] of byLoan(received.ledger)) {
      const first = firstDay.get(loan)
      if (first === undefined || entriesSeen.get(loan) === entries.length) continue
      entriesSeen.set(loan, entries.length)
      // An event may change what closed days were.
      for (let day = first; day <= closed; day++) note(loan, oracleDay(entries, day, configuration).dpd)
    }
    if (item.kind !== 'tick') continue
    closed = item.day
    for (const [loan, entries] of byLoan(received.ledger)) {
      if (loanOnDay(entries, item.day, configuration).start > item.day) continue
      if (!firstDay.has(loan)) {
        firstDay.set(loan, item.day)
        const { event } = entries[0]!
        worst.set(loan, event.type === 'loan.opened' ? (event.data.worst_dpd ?? 0) : 0)
      }
      entriesSeen.set(loan, entries.length)
      const row = oracleDay(entries, item.day, configuration)
      note(loan, row.dpd)
      rows.push({ ...row, offset: item.offset, day: item.day, loan, worst_dpd: worst.get(loan)! })
    }
  }
  return rows

  function note(loan: string, dpd: number): void {
    worst.set(loan, Math.max(dpd, worst.get(loan)!))
  }
}

/** The entries of each loan, loans in the order of their first events. */
export function byLoan(ledger: readonly LedgerEntry[]): Map<string, LedgerEntry[]> {
  const firsts = ledger.filter(({ event }) => isFirst(event))
  return new Map(
    firsts.map(({ event: { data } }) => [data.loan, ledger.filter(({ event }) => event.data.loan === data.loan)]),
  )
}

/** A loan at the end of a business date, as known after these entries of its. */
export function oracleDay(entries: readonly LedgerEntry[], day: number, configuration: TenantConfiguration): OracleDay {
  return describeLoan(loanOnDay(entries, day, configuration, 'books'), day, configuration)
}

function describeLoan(loan: Loan, day: number, configuration: TenantConfiguration): OracleDay {
  const status = statusOnDay(loan, day)
  const until = status === 'open' ? day : Math.min(day, loan.ended!.day)
  const dpd = status === 'closed' ? 0 : daysPastDue(loan, until, configuration)
  const overdue = status === 'closed' ? [] : overdueInstalments(loan, until)
  const overduePart = (part: Part) => overdue.reduce((sum, one) => sum + one.owed[part] - one.paid[part], 0)
  return {
    status,
    dpd,
    bucket: status === 'written_off' ? 'written_off' : bucketOf(dpd, configuration),
    outstanding_principal_minor: outstandingPrincipal(loan),
    interest_minor: balanceOf(loan, 'interest', until),
    fee_minor: balanceOf(loan, 'fee', until),
    penalty_minor: balanceOf(loan, 'penalty', until),
    overdue_principal_minor: overduePart('principal'),
    overdue_interest_minor: overduePart('interest'),
    overdue_fee_minor: overduePart('fee'),
    paid_minor: loan.paid_minor,
    overpaid_minor: loan.overpaid_minor,
    recovered_minor: loan.recovered_minor,
  }
}

export type OracleMovement = { readonly opening: number; readonly closing: number } & Record<
  Flow | 'written_off',
  number
>

/**
 * A loan on each of these dates and what moved on it since the date before, as known after these entries. The first date
 * is the first of which anything is known.
 */
export function oracleMovements(
  entries: readonly LedgerEntry[],
  days: readonly number[],
  configuration: TenantConfiguration,
): { readonly row: OracleDay; readonly movements: Record<Balance, OracleMovement> }[] {
  let before: ReturnType<typeof sumsOn> | undefined
  return days.map((day) => {
    const loan = loanOnDay(entries, day, configuration, 'books')
    const now = sumsOn(loan, day)
    const movements = BALANCES.map((part) => {
      const moved = Object.entries(now[part].sums).map(([flow, sum]) => [
        flow,
        sum - (before?.[part].sums[flow as Flow] ?? 0),
      ])
      const balances = { opening: before?.[part].balance ?? 0, closing: now[part].balance }
      const flows = Object.fromEntries(moved) as Record<Flow | 'written_off', number>
      return [part, { ...flows, ...balances }] as const
    })
    before = now
    return {
      row: describeLoan(loan, day, configuration),
      movements: Object.fromEntries(movements) as Record<Balance, OracleMovement>,
    }
  })
}

/** What went through each part up to a day's end, and what is left of it on the books. */
function sumsOn(loan: Loan, day: number) {
  const isWrittenOff = statusOnDay(loan, day) === 'written_off'
  const ofPart = (part: Balance) => {
    const owed = balanceOf(loan, part, untilOf(loan.ended, day))
    const flows = Object.entries(loan.flows).map(([flow, taken]) => [flow, taken[part]])
    const sums = { ...(Object.fromEntries(flows) as Record<Flow, number>), written_off: isWrittenOff ? owed : 0 }
    return { sums, balance: isWrittenOff ? 0 : owed }
  }
  return {
    principal: ofPart('principal'),
    interest: ofPart('interest'),
    fee: ofPart('fee'),
    penalty: ofPart('penalty'),
  }
}

/** The loans open or written off at each month's end that the ticks closed. */
export function oracleMonthEnds(history: History, configuration: TenantConfiguration): OracleMonthEnd[] {
  const calendar = naiveCalendar(configuration.zone)
  const byOffset = new Map(receive(history, configuration).receptions.map((one) => [one.item.offset, one.received]))
  const rows: OracleMonthEnd[] = []
  for (const row of oracleLoanDays(history, configuration)) {
    const month = monthOfDay(row.day)
    if (row.status === 'closed' || monthOfDay(row.day + 1) === month) continue
    const entries = byLoan(byOffset.get(row.offset)!.ledger).get(row.loan)!
    const disbursed = loanOnDay(entries, row.day, configuration).disbursed
    const cohort = monthOfDay(calendar.dayOf(disbursed.data.disbursed_at))
    rows.push({
      offset: row.offset,
      month,
      loan: row.loan,
      mob: month - cohort,
      cohort,
      status: row.status,
      dpd: row.dpd,
      bucket: row.bucket,
      worst_dpd: row.worst_dpd,
      // Of one written off what was owed then.
      balance_minor: row.outstanding_principal_minor,
    })
  }
  return rows
}

/** One loan as of any day, as known right after the item at `offset`; `null` while the loan is not known. */
export function oracleLoanOnDay(
  history: History,
  configuration: TenantConfiguration,
  question: { readonly loan: string; readonly day: number; readonly offset: number },
): (Loan & { readonly dpd: number; readonly status: LoanStatus }) | null {
  const reception = receive(history, configuration).receptions.find((one) => one.item.offset === question.offset)
  const entries = reception?.received.ledger.filter(({ event }) => event.data.loan === question.loan) ?? []
  if (entries.length === 0) return null
  const loan = loanOnDay(entries, question.day, configuration)
  const status = statusOnDay(loan, question.day)
  return { ...loan, status, dpd: status === 'open' ? daysPastDue(loan, question.day, configuration) : 0 }
}

/** A closing or write-off counts from its own date on, as every value date does. */
function statusOnDay(loan: Loan, day: number): LoanStatus {
  return loan.ended === null || loan.ended.day > day ? 'open' : loan.ended.status
}
