import type { TenantConfiguration } from '../../features/events/contract.ts'
import { monthOfDay, naiveCalendar } from './calendar.ts'
import type { History, LedgerEntry } from './history.ts'
import {
  bucketOf,
  daysPastDue,
  type Loan,
  loanOnDay,
  loansOnDay,
  outstandingPrincipal,
  overdueInstalments,
  unpaid,
} from './ledger.ts'
import { receive } from './reception.ts'

/** Loans by business date as they were known when the date closed: what `loan_days` and `loan_months` are compared with. */

export type LoanStatus = 'open' | 'closed' | 'written_off'

/** One loan at one tick, also where nothing changed since the day before. */
export type OracleLoanDay = {
  /** Place of the tick. */
  readonly offset: number
  readonly day: number
  readonly loan: string
  readonly status: LoanStatus
  /** 0 for a loan that is closed. */
  readonly dpd: number
  /** `written_off`, else the bucket of `dpd`. */
  readonly bucket: string
  /** Largest `dpd` of the loan at the ticks so far, this one included. */
  readonly worst_dpd: number
  readonly outstanding_principal_minor: number
  /** Unpaid parts of instalments due before the day, 0 for a loan that is closed. */
  readonly overdue_minor: number
  /** Paid by value dates up to the day, overpayment and penalty included, reversed payments not. */
  readonly paid_minor: number
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
 * Every loan at every tick from its disbursement's date on, in order of ticks, then of loans in the log. A loan that is
 * closed or written off stays as the first tick found it that knew: it ages no more, and what is still paid on it later
 * is recovery, not repayment. So a loan written off keeps the DPD and the overdue amount of that day.
 */
export function oracleLoanDays(history: History, configuration: TenantConfiguration): OracleLoanDay[] {
  const calendar = naiveCalendar(configuration.zone)
  const worst = new Map<string, number>()
  const last = new Map<string, OracleLoanDay>()
  const rows: OracleLoanDay[] = []
  for (const { item, received } of receive(history, configuration).receptions) {
    if (item.kind !== 'tick') continue
    for (const loan of loansOnDay(received.ledger, item.day, configuration)) {
      if (calendar.dayOf(loan.disbursed.data.disbursed_at) > item.day) continue
      const before = last.get(loan.loan)
      const row = before !== undefined && before.status !== 'open' ? before : loanDay(loan, item.day)
      last.set(loan.loan, row)
      rows.push({ ...row, offset: item.offset, day: item.day })
    }
  }
  return rows

  function loanDay(loan: Loan, day: number): OracleLoanDay {
    const status = statusOnDay(loan, day)
    const dpd = status === 'closed' ? 0 : daysPastDue(loan, day, configuration)
    const overdue = status === 'closed' ? [] : overdueInstalments(loan, day)
    worst.set(loan.loan, Math.max(dpd, worst.get(loan.loan) ?? 0))
    return {
      offset: 0,
      day,
      loan: loan.loan,
      status,
      dpd,
      bucket: status === 'written_off' ? 'written_off' : bucketOf(dpd, configuration),
      worst_dpd: worst.get(loan.loan)!,
      outstanding_principal_minor: outstandingPrincipal(loan),
      overdue_minor: overdue.reduce((sum, one) => sum + unpaid(one), 0),
      paid_minor: loan.paid_minor,
    }
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
    const entries = byOffset.get(row.offset)!.ledger.filter(({ event }) => event.data.loan === row.loan)
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
      balance_minor:
        row.status === 'written_off' ? balanceAtWriteOff(entries, configuration) : row.outstanding_principal_minor,
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

/** Outstanding principal at the place of the write-off, as of its date of T. */
function balanceAtWriteOff(entries: readonly LedgerEntry[], configuration: TenantConfiguration): number {
  const { ended } = loanOnDay(entries, 0, configuration)
  const place = entries.slice(0, ended!.index + 1)
  return outstandingPrincipal(loanOnDay(place, place.at(-1)!.appliedDay, configuration))
}
