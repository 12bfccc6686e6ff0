import type { EventOf } from '../events/contract.ts'
import type { Borrower, LoanEventType } from '../state/borrower.ts'
import { dateOfDay } from '../time.ts'
import { valueDayOf } from './change.ts'
import type { Loan } from './loan.ts'

/** Why the engine refused an event that decoded well. */
export type RefusalReason =
  | 'currency_mismatch'
  | 'loan_conflict'
  | 'loan_not_open'
  | 'before_loan'
  | 'more_than_owed'
  | 'unknown_repayment'
  | 'already_reversed'
  | 'held_full'
  | 'unknown_loan'

export type Refusal = {
  readonly reason: RefusalReason
  readonly detail: string
}

/**
 * Why an event of a known loan cannot take effect: it reverses nothing, changes a loan that has ended, moves money before
 * the loan began, or gives up or bills more than is owed.
 */
export function refusalOf(
  borrower: Borrower,
  loan: Loan,
  event: EventOf<LoanEventType>,
  day: number,
): Refusal | undefined {
  if (event.type === 'repayment.reversed') return refusalOfReversal(loan, event)
  if (event.type !== 'repayment.received' && loan.status !== 'open') {
    return { reason: 'loan_not_open', detail: `loan ${loan.token} is ${loan.status}` }
  }
  const valueDay = valueDayOf(event, borrower.tenant.calendar) as number
  if (isBeforeLoan(loan, event, valueDay)) {
    const began = loan.is_taken_over ? 'was taken over as of the end of' : 'was disbursed on'
    const detail = `${dateOfDay(valueDay)}, but loan ${loan.token} ${began} ${dateOfDay(loan.start_day)}`
    return { reason: 'before_loan', detail }
  }
  if (event.type !== 'loan.waived' && event.type !== 'loan.billed') return undefined
  return asOf(loan, day, borrower.day, () =>
    event.type === 'loan.waived' ? refusalOfWaiver(loan, event) : refusalOfBill(loan, event),
  )
}

function refusalOfReversal(loan: Loan, { data }: EventOf<'repayment.reversed'>): Refusal | undefined {
  const payment = loan.findPayment(data.repayment)
  if (payment === undefined) {
    return { reason: 'unknown_repayment', detail: `loan ${data.loan} has no repayment ${data.repayment}` }
  }
  if (!payment.reversed) return undefined
  return { reason: 'already_reversed', detail: `repayment ${data.repayment} was reversed before` }
}

/** What a takeover says holds at the end of its date: the money of that date is in it. */
function isBeforeLoan(loan: Loan, { type }: EventOf<LoanEventType>, valueDay: number): boolean {
  if (loan.is_taken_over) return valueDay <= loan.start_day
  if (
    type === 'loan.restructured' ||
    type === 'loan.classified' ||
    type === 'loan.closed' ||
    type === 'loan.written_off'
  )
    return false
  return valueDay < loan.start_day
}

/** Asks something of the loan as of `day`, and leaves its allocation as it was. */
function asOf<Answer>(loan: Loan, day: number, dayBefore: number, answer: () => Answer): Answer {
  loan.reallocate(day)
  const given = answer()
  loan.reallocate(dayBefore)
  return given
}

function refusalOfWaiver(loan: Loan, { data }: EventOf<'loan.waived'>): Refusal | undefined {
  let [interest, fee] = [0, 0]
  for (let i = loan.first_open; i < loan.instalment_count; i++) {
    interest += loan.interest_unpaid[i] as number
    fee += loan.fee_unpaid[i] as number
  }
  const owed = {
    principal_minor: loan.outstandingPrincipal(),
    interest_minor: interest,
    fee_minor: fee,
    penalty_minor: loan.outstandingPenalty(),
  }
  for (const part of Object.keys(owed) as (keyof typeof owed)[]) {
    if (data[part] > owed[part]) return moreThanOwed(loan, `${part} ${data[part]}, but ${owed[part]} is owed`)
  }
  return undefined
}

function refusalOfBill(loan: Loan, { data }: EventOf<'loan.billed'>): Refusal | undefined {
  const last = loan.instalment_count - 1
  const unbilled = last < 0 ? 0 : (loan.principal_unpaid[last] as number)
  if (data.principal_minor <= unbilled) return undefined
  return moreThanOwed(loan, `principal_minor ${data.principal_minor}, but ${unbilled} is not billed yet`)
}

function moreThanOwed(loan: Loan, detail: string): Refusal {
  return { reason: 'more_than_owed', detail: `${detail} of loan ${loan.token}` }
}
