import type { EventData, EventOf } from '../events/contract.ts'
import { arrearsOf } from '../events/loans.ts'
import type { Tenant } from '../state/tenant.ts'
import { dayOfDate } from '../time.ts'
import type { Loan, Takeover } from './loan.ts'
import { makeSchedule, type ScheduleTerms } from './make-schedule.ts'
import { type Schedule, scheduleOf } from './schedule.ts'

/** Makes a loan of the event that makes it known. */
export function beginLoan(loan: Loan, event: EventOf<'loan.disbursed' | 'loan.opened'>, tenant: Tenant): void {
  const { data } = event
  const disbursed_day = tenant.calendar.dayOf(data.disbursed_at)
  loan.assessment = null
  loan.is_self_directed = event.type === 'loan.disbursed' && event.data.payment_mode === 'self_directed'
  const is_by_part = tenant.configuration.allocation === 'by_part'
  if (event.type === 'loan.disbursed') {
    const schedule = scheduleAsDisbursed(event.data, disbursed_day)
    loan.begin({ ...data, schedule, disbursed_day, is_by_part }, null)
    return
  }
  const takeover: Takeover = {
    day: Math.max(dayOfDate(event.data.as_of), disbursed_day),
    penalty_minor: event.data.outstanding.penalty_minor,
    worst_dpd: event.data.worst_dpd,
  }
  loan.begin({ ...data, schedule: scheduleTakenOver(event.data), disbursed_day, is_by_part }, takeover)
}

/** The schedule that the event gives, else the one that its terms make: decoding has seen that they are all there. */
export function scheduleAsDisbursed(data: EventData<'loan.disbursed'>, disbursed_day: number): Schedule {
  if (data.schedule !== undefined) return scheduleOf(data.schedule)
  return makeSchedule({ ...data, disbursed_day } as ScheduleTerms)
}

/** What is still to be paid: first the arrears in one, then the schedule. */
function scheduleTakenOver(data: EventData<'loan.opened'>): Schedule {
  const arrears = arrearsOf(data)
  const due_date = data.oldest_unpaid_due_date
  return scheduleOf([...(due_date === undefined ? [] : [{ due_date, ...arrears }]), ...(data.schedule ?? [])])
}
