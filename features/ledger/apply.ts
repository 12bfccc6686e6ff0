import { noteJudgement, noteRestructuring } from '../classification/classify.ts'
import type { EventOf } from '../events/contract.ts'
import { hash48, hash64 } from '../hash.ts'
import type { Borrower, HeldEvent, LoanEventType } from '../state/borrower.ts'
import { dayOfDate } from '../time.ts'
import type { Loan } from './loan.ts'
import type { Operation } from './operation.ts'
import { scheduleOf } from './schedule.ts'

/** Events of loans not known yet that one borrower may have waiting. */
export const HELD_EVENTS_MAX = 64
/** Days that must close before a held event is given up. */
export const HELD_CLOSINGS_MAX = 7
/** The `kind` of a restructuring that only gives more time. */
const EXTENSION = 'extension'
const halves = new Uint32Array(2)

/** Why the engine refused an event that decoded well. */
export type RefusalReason =
  | 'currency_mismatch'
  | 'loan_conflict'
  | 'loan_not_open'
  | 'unknown_repayment'
  | 'already_reversed'
  | 'held_full'
  | 'unknown_loan'

export type Refusal = {
  readonly reason: RefusalReason
  readonly detail: string
}

export type LedgerEventType = LoanEventType | 'loan.disbursed'

/** Told of an event that was held and is refused later than its own place. */
export type RefuseHeld = (held: HeldEvent, refusal: Refusal) => void

/**
 * Applies a ledger event at its place; `day` is the business date of the evaluation. Returns why it was refused, or
 * undefined when it was applied or is held.
 */
export function applyLedgerEvent(
  borrower: Borrower,
  event: EventOf<LedgerEventType>,
  offset: number,
  closings: number,
  day: number,
  refuseHeld: RefuseHeld,
): Refusal | undefined {
  if (event.type === 'loan.disbursed') return disburse(borrower, event, day, refuseHeld)
  const loan = borrower.findLoan(event.data.loan)
  if (loan !== undefined) return applyToLoan(borrower, loan, event, day)
  if (borrower.held !== null && borrower.held.length >= HELD_EVENTS_MAX) {
    return {
      reason: 'held_full',
      detail: `${HELD_EVENTS_MAX} events already wait for loans not known yet`,
    }
  }
  borrower.held ??= []
  borrower.held.push({
    offset,
    event,
    expires_after_closings: closings + HELD_CLOSINGS_MAX,
  })
  return undefined
}

/** Gives up what has waited for a loan through `HELD_CLOSINGS_MAX` closed days. */
export function expireHeld(borrower: Borrower, closings: number, refuseHeld: RefuseHeld): void {
  if (borrower.held === null) return
  const kept: HeldEvent[] = []
  for (const held of borrower.held) {
    if (held.expires_after_closings > closings) kept.push(held)
    else {
      const detail = `loan ${held.event.data.loan} was not disbursed within ${HELD_CLOSINGS_MAX} closed days`
      refuseHeld(held, { reason: 'unknown_loan', detail })
    }
  }
  borrower.held = kept.length === 0 ? null : kept
}

/** What the ledger can tell of an event before anything is changed: a payment that has another currency. */
function disburse(
  borrower: Borrower,
  event: EventOf<'loan.disbursed'>,
  day: number,
  refuseHeld: RefuseHeld,
): Refusal | undefined {
  const { data } = event
  if (borrower.findLoan(data.loan) !== undefined) {
    return {
      reason: 'loan_conflict',
      detail: `loan ${data.loan} was disbursed before`,
    }
  }
  const loan = borrower.addLoan()
  loan.disburse(data, borrower.tenant.calendar.dayOf(data.disbursed_at))
  borrower.loansChanged()
  if (borrower.held === null) return undefined
  const waiting = borrower.held
  borrower.held = null
  const others: HeldEvent[] = []
  for (const held of waiting) {
    if (held.event.data.loan !== data.loan) others.push(held)
    else {
      const refusal = applyToLoan(borrower, loan, held.event, day)
      if (refusal !== undefined) refuseHeld(held, refusal)
    }
  }
  if (others.length > 0) borrower.held = others
  return undefined
}

function applyToLoan(borrower: Borrower, loan: Loan, event: EventOf<LoanEventType>, day: number): Refusal | undefined {
  // A refused event leaves no trace: it does not even bring the allocation to its day.
  const refusal = refusalOf(loan, event)
  if (refusal !== undefined) return refusal
  // What falls due up to this place counts before the event does: it may settle what a restructuring would drop.
  loan.advance(day)
  changeLoan(borrower, loan, event, day)
  borrower.loansChanged()
  return undefined
}

/** Why an event of a known loan cannot take effect: it reverses nothing, or changes a loan that has ended. */
function refusalOf(loan: Loan, event: EventOf<LoanEventType>): Refusal | undefined {
  switch (event.type) {
    case 'repayment.received':
      return undefined
    case 'repayment.reversed': {
      const { repayment } = event.data
      const payment = loan.findPayment(repayment)
      if (payment === undefined) {
        return { reason: 'unknown_repayment', detail: `loan ${event.data.loan} has no repayment ${repayment}` }
      }
      if (!payment.reversed) return undefined
      return { reason: 'already_reversed', detail: `repayment ${repayment} was reversed before` }
    }
    default:
      if (loan.status === 'open') return undefined
      return { reason: 'loan_not_open', detail: `loan ${loan.token} is ${loan.status}` }
  }
}

function changeLoan(borrower: Borrower, loan: Loan, event: EventOf<LoanEventType>, day: number): void {
  const { calendar } = borrower.tenant
  switch (event.type) {
    case 'repayment.received': {
      const payment = loan.nextOperation()
      describePayment(payment, event, calendar.dayOf(event.data.paid_at), loan)
      loan.add(payment, day)
      return
    }
    case 'repayment.reversed':
      loan.reverse(loan.findPayment(event.data.repayment) as Operation, event.time, day)
      return
    case 'loan.restructured': {
      const { schedule, effective_date, kind } = event.data
      noteRestructuring(borrower, loan, event.data, day)
      const restructuring = loan.nextOperation()
      restructuring.schedule = scheduleOf(schedule)
      restructuring.value_day = dayOfDate(effective_date)
      restructuring.is_extension = kind === EXTENSION
      loan.add(restructuring, day)
      return
    }
    case 'loan.classified':
      noteJudgement(loan, event.data, calendar.dayOf(event.data.classified_at))
      return
    case 'loan.closed':
    case 'loan.written_off': {
      const isClosed = event.type === 'loan.closed'
      loan.status = isClosed ? 'closed' : 'written_off'
      loan.status_day = calendar.dayOf(isClosed ? event.data.closed_at : event.data.written_off_at)
      if (!isClosed) loan.written_off_balance_minor = loan.outstandingPrincipal()
    }
  }
}

function describePayment(
  payment: Operation,
  { id, time, data }: EventOf<'repayment.received'>,
  valueDay: number,
  loan: Loan,
): void {
  hash64(id, halves, 0)
  payment.id_high = halves[0] as number
  payment.id_low = halves[1] as number
  payment.time = time
  payment.value_day = valueDay
  payment.amount_minor = data.amount_minor
  payment.split = data.split ?? null
  payment.account = data.account === undefined ? 0 : hash48(data.account)
  payment.payer = data.payer === undefined ? 0 : hash48(data.payer)
  payment.channel = data.channel === undefined ? 0 : loan.names.numberOf(data.channel)
}
