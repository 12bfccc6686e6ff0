import { firstDayOfMonth, monthOfDay } from '../../features/time.ts'
import { dateText } from './calendar.ts'
import type { Product } from './portfolio.ts'
import { PRODUCTS } from './portfolio.ts'

/** A loan's terms and what is paid of them. Instalments are computed from the terms, not kept. */

/** What the lender waits for next. */
export const STEP = { plan: 0, pay: 1, wait: 2 } as const

export type Loan = {
  readonly number: number
  readonly product: number
  /** Principal of the running schedule: the disbursed one, or what was rescheduled. */
  principal: number
  /** What was paid out at first. */
  readonly disbursed: number
  annual_rate: number
  flat: boolean
  fee: number
  terms: number
  first_due_month: number
  readonly due_day_of_month: number
  readonly opened_day: number
  /** Instalments settled, and what is paid of the next one. */
  settled: number
  paid_into: number
  /** Due day of the oldest instalment that is not settled. */
  next_due: number
  step: number
  action_day: number
  restructured: boolean
  /** A person has found it worse than its days past due. */
  is_judged: boolean
  /** Number of the guarantor's token, or 0. */
  readonly guarantor: number
  /** When collection next gets in touch, while the loan is overdue. */
  contact_day: number
  /** The borrower means to let the next direct debit fail. */
  dodges: boolean
  /** DPD at which the lender writes it off. */
  readonly write_off_dpd: number
  /** A payment that the paying bank will take back: day, event number, and what was paid before it. */
  returned_day: number
  returned_event: number
  returned_settled: number
  returned_paid_into: number
}

/** Due day of an instalment (0 is the first). */
export function dueDay(loan: Loan, index: number): number {
  return firstDayOfMonth(loan.first_due_month + index) + loan.due_day_of_month - 1
}

/** Principal of an instalment; the last carries the rest. */
export function principalOf(loan: Loan, index: number): number {
  const even = Math.floor(loan.principal / loan.terms)
  return index === loan.terms - 1 ? loan.principal - even * (loan.terms - 1) : even
}

/** Interest of an instalment, on the principal or on what is scheduled to be left of it. */
export function interestOf(loan: Loan, index: number): number {
  const base = loan.flat ? loan.principal : loan.principal - Math.floor(loan.principal / loan.terms) * index
  return Math.round((base * loan.annual_rate) / 12)
}

export function totalOf(loan: Loan, index: number): number {
  return principalOf(loan, index) + interestOf(loan, index) + loan.fee
}

/** Unpaid total of all instalments due on or before a day. */
export function dueBy(loan: Loan, day: number): number {
  let sum = -loan.paid_into
  let index = loan.settled
  while (index < loan.terms && dueDay(loan, index) <= day) sum += totalOf(loan, index++)
  return index === loan.settled ? 0 : sum
}

/** Number of instalments not settled that were due before a day. */
export function overdueCount(loan: Loan, day: number): number {
  let index = loan.settled
  while (index < loan.terms && dueDay(loan, index) < day) index++
  return index - loan.settled
}

/** Days past due at the end of a day. */
export function dpdOf(loan: Loan, day: number): number {
  return loan.settled < loan.terms && loan.next_due < day ? day - loan.next_due : 0
}

export function remainingPrincipal(loan: Loan): number {
  return loan.principal - Math.floor(loan.principal / loan.terms) * loan.settled
}

/** What the loan asks for in a month, for the borrower's budget. */
export function amountDueMonthly(loan: Loan): number {
  return loan.settled < loan.terms ? totalOf(loan, loan.settled) : 0
}

/** How an amount falls on the next instalments: oldest first; fee, interest, principal in each. */
export type Allocation = { principal: number; interest: number; fee: number; settled: number; paid_into: number }

export function allocate(loan: Loan, amount: number): Allocation {
  const result = { principal: 0, interest: 0, fee: 0, settled: loan.settled, paid_into: loan.paid_into }
  let left = amount
  while (left > 0 && result.settled < loan.terms) {
    const index = result.settled
    const interest = interestOf(loan, index)
    const from = result.paid_into
    const to = Math.min(totalOf(loan, index), from + left)
    result.fee += Math.min(to, loan.fee) - Math.min(from, loan.fee)
    const interestAt = (paid: number) => Math.min(Math.max(paid - loan.fee, 0), interest)
    result.interest += interestAt(to) - interestAt(from)
    result.principal += Math.max(to - loan.fee - interest, 0) - Math.max(from - loan.fee - interest, 0)
    left -= to - from
    result.paid_into = to
    if (to === totalOf(loan, index)) {
      result.settled += 1
      result.paid_into = 0
    }
  }
  if (left > 0) throw new RangeError(`a payment of ${amount} is ${left} more than loan ${loan.number} asks for`)
  return result
}

/** Takes the loan to another state of payment. */
export function setPaid(loan: Loan, settled: number, paidInto: number): void {
  loan.settled = settled
  loan.paid_into = paidInto
  if (settled < loan.terms) loan.next_due = dueDay(loan, settled)
}

/** The schedule as it stands in events: `[{...},…]`. */
export function scheduleText(loan: Loan): string {
  let text = '['
  for (let index = 0; index < loan.terms; index++) {
    const fee = loan.fee > 0 ? `,"fee_minor":${loan.fee}` : ''
    text +=
      `${index === 0 ? '' : ','}{"due_date":"${dateText(dueDay(loan, index))}","principal_minor":${principalOf(loan, index)},` +
      `"interest_minor":${interestOf(loan, index)}${fee}}`
  }
  return `${text}]`
}

/** A new loan; its first instalment is due 20 to 50 days later. */
export function newLoan(
  number: number,
  product: number,
  principal: number,
  terms: number,
  day: number,
  dueDayOfMonth: number,
  writeOffDpd: number,
  guarantor: number,
): Loan {
  const { annual_rate, flat, fee_share }: Product = PRODUCTS[product]!
  let firstDueMonth = monthOfDay(day)
  while (firstDayOfMonth(firstDueMonth) + dueDayOfMonth - 1 < day + 20) firstDueMonth++
  const firstDue = firstDayOfMonth(firstDueMonth) + dueDayOfMonth - 1
  return {
    number,
    product,
    principal,
    disbursed: principal,
    annual_rate,
    flat,
    fee: Math.round(principal * fee_share),
    terms,
    first_due_month: firstDueMonth,
    due_day_of_month: dueDayOfMonth,
    opened_day: day,
    settled: 0,
    paid_into: 0,
    next_due: firstDue,
    step: STEP.plan,
    action_day: firstDue - 5,
    restructured: false,
    is_judged: false,
    guarantor,
    contact_day: 0,
    dodges: false,
    write_off_dpd: writeOffDpd,
    returned_day: 0,
    returned_event: 0,
    returned_settled: 0,
    returned_paid_into: 0,
  }
}
