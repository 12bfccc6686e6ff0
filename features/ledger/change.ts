import { noteJudgement, noteRestructuring } from '../classification/classify.ts'
import type { EventOf } from '../events/contract.ts'
import { hash48, hash64 } from '../hash.ts'
import type { Borrower, LoanEventType } from '../state/borrower.ts'
import { type Calendar, dayOfDate } from '../time.ts'
import type { Loan } from './loan.ts'
import { KIND, type Operation } from './operation.ts'
import { scheduleOf } from './schedule.ts'

/** The `kind` of a restructuring that only gives more time. */
const EXTENSION = 'extension'
const halves = new Uint32Array(2)

/** Business date from which an event of a loan counts; of a reversal that of the payment it takes back. */
export function valueDayOf(event: EventOf<LoanEventType>, calendar: Calendar): number | undefined {
  switch (event.type) {
    case 'repayment.received':
      return calendar.dayOf(event.data.paid_at)
    case 'repayment.reversed':
      return undefined
    case 'loan.charged':
      return calendar.dayOf(event.data.charged_at)
    case 'loan.waived':
      return calendar.dayOf(event.data.waived_at)
    case 'loan.drawn':
      return calendar.dayOf(event.data.drawn_at)
    case 'loan.billed':
      return calendar.dayOf(event.data.billed_at)
    case 'loan.paused':
      return dayOfDate(event.data.from_date)
    case 'loan.restructured':
      return dayOfDate(event.data.effective_date)
    case 'loan.classified':
      return calendar.dayOf(event.data.classified_at)
    case 'loan.closed':
      return calendar.dayOf(event.data.closed_at)
    case 'loan.written_off':
      return calendar.dayOf(event.data.written_off_at)
  }
}

/** The first business date that may be another by an event which is not refused. */
export function firstDayChanged({ tenant }: Borrower, loan: Loan, event: EventOf<LoanEventType>): number {
  if (event.type !== 'repayment.reversed') return valueDayOf(event, tenant.calendar) as number
  return (loan.findPayment(event.data.repayment) as Operation).value_day
}

/** Does to a loan what an event says that was not refused; `day` is the business date of its place. */
export function changeLoan(borrower: Borrower, loan: Loan, event: EventOf<LoanEventType>, day: number): void {
  const { calendar } = borrower.tenant
  const value_day = valueDayOf(event, calendar) ?? day
  if (event.type === 'loan.restructured') noteRestructuring(borrower, loan, event.data, day)
  if (event.type === 'loan.classified') noteJudgement(loan, event.data, value_day)
  else if (event.type === 'repayment.reversed') {
    loan.reverse(loan.findPayment(event.data.repayment) as Operation, event.time, day)
  } else if (event.type === 'loan.closed' || event.type === 'loan.written_off') {
    loan.status = event.type === 'loan.closed' ? 'closed' : 'written_off'
    loan.status_day = value_day
    loan.status_operations = loan.operation_count
  } else {
    const operation = loan.nextOperation()
    operation.value_day = value_day
    describe(operation, event, loan)
    loan.add(operation, day)
  }
  if (loan.status === 'written_off') setWrittenOffBalance(loan, day)
}

/** What was still owed on the date of the write-off, which a reversal may change later. */
function setWrittenOffBalance(loan: Loan, day: number): void {
  loan.reallocate(loan.status_day, true)
  loan.written_off_balance_minor = loan.outstandingPrincipal()
  loan.reallocate(day)
}

type OperationEvent = EventOf<
  Exclude<LoanEventType, 'repayment.reversed' | 'loan.closed' | 'loan.classified' | 'loan.written_off'>
>

function describe(operation: Operation, event: OperationEvent, loan: Loan): void {
  switch (event.type) {
    case 'repayment.received':
      return describePayment(operation, event, loan)
    case 'loan.restructured':
      operation.kind = KIND.RESTRUCTURING
      operation.schedule = scheduleOf(event.data.schedule)
      operation.is_extension = event.data.kind === EXTENSION
      operation.carries_dpd = event.data.dpd === 'carried'
      return
    case 'loan.charged':
      return describeCharge(operation, event)
    case 'loan.waived': {
      const { principal_minor, interest_minor, fee_minor, penalty_minor } = event.data
      operation.kind = KIND.WAIVER
      operation.split = { principal_minor, interest_minor, fee_minor, penalty_minor }
      return
    }
    case 'loan.paused':
      operation.kind = KIND.PAUSE
      operation.until_day = dayOfDate(event.data.until_date)
      return
    case 'loan.drawn':
      operation.kind = KIND.DRAWING
      operation.amount_minor = event.data.amount_minor
      return
    case 'loan.billed': {
      const { due_date, principal_minor, interest_minor, fee_minor } = event.data
      operation.kind = KIND.BILL
      operation.schedule = scheduleOf([{ due_date, principal_minor, interest_minor, fee_minor }])
    }
  }
}

function describeCharge(operation: Operation, { data }: EventOf<'loan.charged'>): void {
  operation.kind = data.kind === 'penalty' ? KIND.PENALTY : KIND.FEE
  operation.amount_minor = data.amount_minor
  if (operation.kind === KIND.PENALTY) return
  const due = data.due_date === undefined ? operation.value_day : dayOfDate(data.due_date)
  operation.schedule = Float64Array.of(due, 0, 0, data.amount_minor)
}

function describePayment(payment: Operation, { id, time, data }: EventOf<'repayment.received'>, loan: Loan): void {
  hash64(id, halves, 0)
  payment.id_high = halves[0] as number
  payment.id_low = halves[1] as number
  payment.time = time
  payment.amount_minor = data.amount_minor
  payment.split = data.split ?? null
  payment.account = data.account === undefined ? 0 : hash48(data.account)
  payment.payer = data.payer === undefined ? 0 : hash48(data.payer)
  payment.channel = data.channel === undefined ? 0 : loan.names.numberOf(data.channel)
}
