import type { Borrower } from '../state/borrower.ts'
import { MS_PER_DAY, monthOfDay } from '../time.ts'
import { type Loan, UNSETTLED } from './loan.ts'

/** Values of the ledger that features read, one slot each. All are NaN where PLAN of the entry says missing. */
export const LEDGER_FACTS = [
  'dpd_now',
  'dpd_max_30d',
  'dpd_max_90d',
  'dpd_max_180d',
  'dpd_max_365d',
  'days_since_past_due',
  'days_late_last',
  'days_late_mean_3',
  'days_late_mean_6',
  'days_late_max_6',
  'partial_payment_share_6',
  'payments_per_instalment_6',
  'on_time_streak',
  'repayment_count_30d',
  'repayment_count_90d',
  'repayment_sum_30d',
  'repayment_sum_90d',
  'reversal_count_90d',
  'paying_account_count_180d',
  'outstanding_principal',
  'overdue_amount',
  'overdue_instalment_count',
  'active_loan_count',
  'remaining_instalment_count',
  'months_on_book',
  'next_instalment_amount',
  'scheduled_last_30d',
  'limited_outstanding',
  'limit_total',
  'restructured_count',
] as const
export type LedgerFact = (typeof LEDGER_FACTS)[number]

const SLOT = Object.fromEntries(LEDGER_FACTS.map((name, i) => [name, i])) as Record<LedgerFact, number>

const DPD_WINDOWS = [30, 90, 180, 365] as const
const LAST_PAST_DUE_DAYS = 365
const SETTLED_KEPT = 6

/** The six instalments settled last, newest first: days late and touches; reused between calls. */
const settledOrder = new Float64Array(SETTLED_KEPT)
const settledDue = new Float64Array(SETTLED_KEPT)
const settledLate = new Float64Array(SETTLED_KEPT)
const settledTouches = new Float64Array(SETTLED_KEPT)
const accounts = new Set<string>()

/**
 * Writes the ledger's facts of a borrower at as-of time `time`, whose business date is `day`.
 * The loans must have been advanced to `day`.
 */
export function ledgerFacts(borrower: Borrower, time: number, day: number, facts: Float64Array): void {
  if (borrower.loans.length === 0) {
    facts.fill(Number.NaN)
    return
  }
  delinquencyFacts(borrower, day, facts)
  habitFacts(borrower, facts)
  paymentFacts(borrower, time, facts)
  exposureFacts(borrower, day, facts)
}

function delinquencyFacts(borrower: Borrower, day: number, facts: Float64Array): void {
  let now = 0
  let latest = Number.NEGATIVE_INFINITY
  let max30 = 0
  let max90 = 0
  let max180 = 0
  let max365 = 0
  const { tenant } = borrower
  for (const loan of borrower.loans) {
    if (loan.status === 'open') now = Math.max(now, tenant.daysPastDue(loan.rawDaysPastDue(day)))
    const lastDay = loan.status === 'open' ? day : Math.min(day, loan.status_day - 1)
    for (let i = 0; i < loan.due_day.length; i++) {
      const due = loan.due_day[i] as number
      if (due >= day) continue
      const settled = loan.settled_day[i] as number
      const end = settled === UNSETTLED ? lastDay : Math.min(settled - 1, lastDay)
      const daysPastDue = tenant.daysPastDue(end - due)
      if (daysPastDue <= 0) continue
      if (end > latest) latest = end
      if (end > day - DPD_WINDOWS[3]) {
        if (daysPastDue > max365) max365 = daysPastDue
        if (end > day - DPD_WINDOWS[2] && daysPastDue > max180) max180 = daysPastDue
        if (end > day - DPD_WINDOWS[1] && daysPastDue > max90) max90 = daysPastDue
        if (end > day - DPD_WINDOWS[0] && daysPastDue > max30) max30 = daysPastDue
      }
    }
  }
  facts[SLOT.dpd_now] = now
  facts[SLOT.dpd_max_30d] = max30
  facts[SLOT.dpd_max_90d] = max90
  facts[SLOT.dpd_max_180d] = max180
  facts[SLOT.dpd_max_365d] = max365
  facts[SLOT.days_since_past_due] = latest > day - LAST_PAST_DUE_DAYS ? day - latest : Number.NaN
}

/** Repayment habit: the instalments in the order they were settled, ties by due date, then by loan. */
function habitFacts(borrower: Borrower, facts: Float64Array): void {
  let kept = 0
  for (const loan of borrower.loans) {
    for (let i = 0; i < loan.due_day.length; i++) {
      const settled = loan.settled_day[i] as number
      if (settled === UNSETTLED) continue
      const due = loan.due_day[i] as number
      if (kept === SETTLED_KEPT && isBefore(settled, due, SETTLED_KEPT - 1)) continue
      let at = kept < SETTLED_KEPT ? kept++ : SETTLED_KEPT - 1
      while (at > 0 && !isBefore(settled, due, at - 1)) {
        settledOrder[at] = settledOrder[at - 1] as number
        settledDue[at] = settledDue[at - 1] as number
        settledLate[at] = settledLate[at - 1] as number
        settledTouches[at] = settledTouches[at - 1] as number
        at--
      }
      settledOrder[at] = settled
      settledDue[at] = due
      settledLate[at] = settled - due
      settledTouches[at] = loan.touches[i] as number
    }
  }
  facts[SLOT.days_late_last] = kept >= 1 ? (settledLate[0] as number) : Number.NaN
  facts[SLOT.days_late_mean_3] = kept >= 3 ? meanLate(3) : Number.NaN
  const full = kept === SETTLED_KEPT
  let worst = Number.NEGATIVE_INFINITY
  let partial = 0
  let touches = 0
  for (let k = 0; k < kept; k++) {
    if ((settledLate[k] as number) > worst) worst = settledLate[k] as number
    if ((settledTouches[k] as number) > 1) partial++
    touches += settledTouches[k] as number
  }
  facts[SLOT.days_late_mean_6] = full ? meanLate(SETTLED_KEPT) : Number.NaN
  facts[SLOT.days_late_max_6] = full ? worst : Number.NaN
  facts[SLOT.partial_payment_share_6] = full ? partial / SETTLED_KEPT : Number.NaN
  facts[SLOT.payments_per_instalment_6] = full ? touches / SETTLED_KEPT : Number.NaN
  facts[SLOT.on_time_streak] = kept === 0 ? Number.NaN : onTimeStreak(borrower)
}

/** Whether (settled, due) comes before the kept instalment `k`; equal ones of a later loan come after it. */
function isBefore(settled: number, due: number, k: number): boolean {
  const other = settledOrder[k] as number
  return settled < other || (settled === other && due < (settledDue[k] as number))
}

function meanLate(count: number): number {
  let sum = 0
  for (let k = 0; k < count; k++) sum += settledLate[k] as number
  return sum / count
}

/** Instalments settled after the last late one, in the order of settlement. */
function onTimeStreak(borrower: Borrower): number {
  let lateSettled = Number.NEGATIVE_INFINITY
  let lateDue = Number.NEGATIVE_INFINITY
  let lateLoan = -1
  const { loans } = borrower
  for (let l = 0; l < loans.length; l++) {
    const loan = loans[l] as Loan
    for (let i = 0; i < loan.due_day.length; i++) {
      const settled = loan.settled_day[i] as number
      const due = loan.due_day[i] as number
      if (settled === UNSETTLED || settled <= due) continue
      if (settled > lateSettled || (settled === lateSettled && (due > lateDue || (due === lateDue && l > lateLoan)))) {
        lateSettled = settled
        lateDue = due
        lateLoan = l
      }
    }
  }
  let streak = 0
  for (let l = 0; l < loans.length; l++) {
    const loan = loans[l] as Loan
    for (let i = 0; i < loan.due_day.length; i++) {
      const settled = loan.settled_day[i] as number
      const due = loan.due_day[i] as number
      if (settled === UNSETTLED) continue
      const isAfter =
        settled > lateSettled || (settled === lateSettled && (due > lateDue || (due === lateDue && l > lateLoan)))
      if (isAfter) streak++
    }
  }
  return streak
}

function paymentFacts(borrower: Borrower, time: number, facts: Float64Array): void {
  let count30 = 0
  let count90 = 0
  let sum30 = 0
  let sum90 = 0
  let reversals = 0
  accounts.clear()
  for (const loan of borrower.loans) {
    for (const operation of loan.operations) {
      if (operation.kind !== 'payment' || operation.reversed) continue
      const age = time - operation.time
      if (age < 30 * MS_PER_DAY) {
        count30++
        sum30 += operation.amount_minor
      }
      if (age < 90 * MS_PER_DAY) {
        count90++
        sum90 += operation.amount_minor
      }
      if (age < 180 * MS_PER_DAY && operation.account !== null) accounts.add(operation.account)
    }
    for (const reversal of loan.reversals) if (time - reversal < 90 * MS_PER_DAY) reversals++
  }
  facts[SLOT.repayment_count_30d] = count30
  facts[SLOT.repayment_count_90d] = count90
  facts[SLOT.repayment_sum_30d] = sum30
  facts[SLOT.repayment_sum_90d] = sum90
  facts[SLOT.reversal_count_90d] = reversals
  facts[SLOT.paying_account_count_180d] = accounts.size === 0 ? Number.NaN : accounts.size
}

function exposureFacts(borrower: Borrower, day: number, facts: Float64Array): void {
  let outstanding = 0
  let overdue = 0
  let overdueInstalments = 0
  let active = 0
  let remaining = 0
  let oldest = Number.POSITIVE_INFINITY
  let nextDue = UNSETTLED
  let nextAmount = Number.NaN
  let scheduled = 0
  let limitedOutstanding = 0
  let limits = 0
  let restructured = 0
  for (const loan of borrower.loans) {
    restructured += loan.restructured_count
    if (loan.status !== 'open') continue
    active++
    oldest = Math.min(oldest, loan.terms.disbursed_day)
    const principal = loan.outstandingPrincipal()
    outstanding += principal
    if (loan.terms.credit_limit_minor !== null) {
      limitedOutstanding += principal
      limits += loan.terms.credit_limit_minor
    }
    for (let i = 0; i < loan.due_day.length; i++) {
      const due = loan.due_day[i] as number
      if (due <= day && due > day - 30) scheduled += loan.scheduled[i] as number
      if (loan.settled_day[i] !== UNSETTLED) continue
      remaining++
      if (due < day) {
        overdue += loan.unpaid(i)
        overdueInstalments++
      } else if (due < nextDue) {
        nextDue = due
        nextAmount = loan.unpaid(i)
      } else if (due === nextDue) nextAmount += loan.unpaid(i)
    }
  }
  facts[SLOT.outstanding_principal] = outstanding
  facts[SLOT.overdue_amount] = overdue
  facts[SLOT.overdue_instalment_count] = overdueInstalments
  facts[SLOT.active_loan_count] = active
  facts[SLOT.remaining_instalment_count] = remaining
  facts[SLOT.months_on_book] = active === 0 ? Number.NaN : monthOfDay(day) - monthOfDay(oldest)
  facts[SLOT.next_instalment_amount] = nextAmount
  facts[SLOT.scheduled_last_30d] = scheduled
  facts[SLOT.limited_outstanding] = limits === 0 ? Number.NaN : limitedOutstanding
  facts[SLOT.limit_total] = limits === 0 ? Number.NaN : limits
  facts[SLOT.restructured_count] = restructured
}
