import { type Loan, UNSETTLED } from '../ledger/loan.ts'
import { monthOfDay } from '../time.ts'
import { ExactSums } from './exact-sums.ts'
import { setAll } from './fill.ts'
import { type FactView, NEVER, slotsOf } from './view.ts'

/** What is owed, when, and against which limits. Missing where no loan is known. */

const NAMES = [
  'outstanding_principal',
  'overdue_amount',
  'overdue_principal',
  'overdue_interest',
  'overdue_fee',
  'overdue_instalment_count',
  'active_loan_count',
  'remaining_instalment_count',
  'remaining_term_days',
  'months_on_book',
  'next_instalment_amount',
  'scheduled_last_30d',
  'limited_outstanding',
  'limit_total',
  'restructured_count',
  'extension_count',
  'utilisation_change_30d',
] as const
const SLOT = slotsOf(NAMES)

const SCHEDULED_DAYS = 30
const CHANGE_DAYS = 30

/** Sums over the loans of one evaluation. */
const sums = new ExactSums(NAMES.length)
/** What falls due next. */
const next = new ExactSums(1)
/** Sums of the change and of the limits. */
const use = new ExactSums(2)

export const EXPOSURE_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    view.next_instalment_minor = Number.NaN
    if (view.loans.length === 0) {
      setAll(out, Number.NaN)
      return
    }
    const { day } = view
    sums.clear()
    let oldest = Number.POSITIVE_INFINITY
    let nextDue = UNSETTLED
    let lastDue = Number.NEGATIVE_INFINITY
    for (const loan of view.loans) {
      count(SLOT.restructured_count, loan.restructured_count)
      count(SLOT.extension_count, loan.extension_count)
      if (loan.status !== 'open') continue
      count(SLOT.active_loan_count, 1)
      oldest = Math.min(oldest, loan.disbursed_day)
      sumLoan(loan)
      const { due_day, settled_day, instalment_count } = loan
      for (let i = 0; i < instalment_count; i++) {
        const due = due_day[i] as number
        if (due <= day && due > day - SCHEDULED_DAYS) count(SLOT.scheduled_last_30d, loan.scheduled[i] as number)
        if (settled_day[i] !== UNSETTLED) continue
        count(SLOT.remaining_instalment_count, 1)
        if (due > lastDue) lastDue = due
        if (due < day) sumOverdue(loan, i)
        else if (due < nextDue) {
          nextDue = due
          next.clear()
          next.add(0, loan.unpaid(i))
        } else if (due === nextDue) next.add(0, loan.unpaid(i))
      }
    }
    for (let slot = 0; slot < NAMES.length; slot++) out[slot] = sums.of(slot)
    const nextAmount = nextDue === UNSETTLED ? Number.NaN : next.of(0)
    out[SLOT.remaining_term_days] = lastDue === Number.NEGATIVE_INFINITY ? Number.NaN : lastDue - day
    out[SLOT.months_on_book] = sums.of(SLOT.active_loan_count) === 0 ? Number.NaN : monthOfDay(day) - monthOfDay(oldest)
    out[SLOT.next_instalment_amount] = nextAmount
    if (sums.of(SLOT.limit_total) === 0) {
      out[SLOT.limited_outstanding] = Number.NaN
      out[SLOT.limit_total] = Number.NaN
    }
    if (view.taken_over_day !== NEVER) {
      // How often it was restructured before, and what was asked for and paid, nobody told.
      out[SLOT.restructured_count] = Number.NaN
      out[SLOT.extension_count] = Number.NaN
      if (view.taken_over_day > day - SCHEDULED_DAYS) out[SLOT.scheduled_last_30d] = Number.NaN
    }
    out[SLOT.utilisation_change_30d] = utilisationChange(view)
    view.next_instalment_minor = nextAmount
  },
}

function count(slot: number, amount: number): void {
  sums.add(slot, amount)
}

function sumLoan(loan: Loan): void {
  const principal = loan.outstandingPrincipal()
  count(SLOT.outstanding_principal, principal)
  if (Number.isNaN(loan.credit_limit_minor)) return
  count(SLOT.limited_outstanding, principal)
  count(SLOT.limit_total, loan.credit_limit_minor)
}

function sumOverdue(loan: Loan, i: number): void {
  count(SLOT.overdue_amount, loan.unpaid(i))
  count(SLOT.overdue_principal, loan.principal_unpaid[i] as number)
  count(SLOT.overdue_interest, loan.interest_unpaid[i] as number)
  count(SLOT.overdue_fee, loan.fee_unpaid[i] as number)
  count(SLOT.overdue_instalment_count, 1)
}

/** Change of the use of the limits within 30 days, over the open loans that had one then. */
function utilisationChange({ loans, day }: FactView): number {
  use.clear()
  for (const loan of loans) {
    if (loan.status !== 'open' || Number.isNaN(loan.credit_limit_minor) || loan.start_day > day - CHANGE_DAYS) continue
    use.add(1, loan.credit_limit_minor)
    const now = loan.outstandingPrincipal()
    loan.reallocate(day - CHANGE_DAYS)
    use.add(0, now - loan.outstandingPrincipal())
    loan.reallocate(day)
  }
  return use.of(1) === 0 ? Number.NaN : use.of(0) / use.of(1)
}
