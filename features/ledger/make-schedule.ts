import type { DayCount, RepaymentMethod } from '../events/loans.ts'
import { addMonths, dateOfDay, dayOfDate } from '../time.ts'
import { SCHEDULE_STRIDE, type Schedule } from './schedule.ts'

/** What a schedule is made from where none is given. */
export type ScheduleTerms = {
  readonly principal_minor: number
  readonly disbursed_day: number
  readonly repayment_method: RepaymentMethod
  readonly instalments: number
  readonly first_due_date: string
  /** As a share of a year. */
  readonly annual_rate: number
  readonly day_count: DayCount
  readonly minimum_share?: number | undefined
}

const MONTHS_PER_YEAR = 12
const MINIMUM_SHARE_DEFAULT = 0.1

/**
 * The schedule of monthly instalments that follows from terms. Due on the day of the month of the first due date, in a
 * shorter month on its last. Interest of a period is what is owed × annual rate × days / days of the year, rounded half up to
 * the minor unit: 30/360 counts months of 30 days (the 31st as the 30th), the others the days there are. The last
 * instalment carries the rest of the principal.
 *
 * equal_instalment: each asks for P·r / (1 − (1 + r)^−n) rounded half up (r = annual rate / 12, n instalments; P / n at no
 *   rate), of which interest comes first.
 * equal_principal: each asks for P / n, rounded down, and interest.
 * interest_only: interest, and all principal at the end.
 * bullet: nothing before the end; then principal and the interest of all periods, which bears none itself.
 * revolving: the minimum payment, `minimum_share` of what is owed, rounded half up but at least one minor unit, and interest.
 */
export function makeSchedule(terms: ScheduleTerms): Schedule {
  const { instalments, repayment_method, principal_minor } = terms
  const first = dayOfDate(terms.first_due_date)
  const schedule = new Float64Array(instalments * SCHEDULE_STRIDE)
  const principalOf = principalBy(terms)
  let owed = principal_minor
  let from = terms.disbursed_day
  let deferred = 0
  for (let k = 0; k < instalments; k++) {
    const isLast = k === instalments - 1
    const due = addMonths(first, k)
    // The zone in which the first due date was checked is not the tenant's: it may lie a day before the loan.
    const years = Math.max(0, yearsBetween(from, due, terms.day_count))
    const interest = Math.round(owed * terms.annual_rate * years)
    const principal = isLast ? owed : Math.min(owed, principalOf(owed, interest))
    const isDeferred = repayment_method === 'bullet' && !isLast
    if (isDeferred) deferred += interest
    schedule.set([due, principal, isDeferred ? 0 : interest + deferred, 0], k * SCHEDULE_STRIDE)
    owed -= principal
    from = due
  }
  return withoutEmpty(schedule)
}

function principalBy(terms: ScheduleTerms): (owed: number, interest: number) => number {
  const { principal_minor, instalments, annual_rate } = terms
  switch (terms.repayment_method) {
    case 'equal_instalment': {
      const payment = annuity(principal_minor, annual_rate / MONTHS_PER_YEAR, instalments)
      return (_, interest) => Math.max(0, payment - interest)
    }
    case 'equal_principal':
      return () => Math.floor(principal_minor / instalments)
    case 'revolving': {
      const share = terms.minimum_share ?? MINIMUM_SHARE_DEFAULT
      return (owed) => Math.max(1, Math.round(owed * share))
    }
    default:
      return () => 0
  }
}

/** Multiplied out: a power function need not be the same to the last bit everywhere. */
function annuity(principal: number, rate: number, instalments: number): number {
  if (rate === 0) return Math.round(principal / instalments)
  let discount = 1
  for (let k = 0; k < instalments; k++) discount /= 1 + rate
  return Math.round((principal * rate) / (1 - discount))
}

/** Days of a period as a share of the year. */
function yearsBetween(from: number, to: number, dayCount: DayCount): number {
  if (dayCount === 'actual/360') return (to - from) / 360
  if (dayCount === 'actual/365') return (to - from) / 365
  const [a, b] = [dateOfDay(from), dateOfDay(to)]
  const days30 = (date: string) =>
    Number(date.slice(0, 4)) * 360 + Number(date.slice(5, 7)) * 30 + Math.min(30, Number(date.slice(8, 10)))
  return (days30(b) - days30(a)) / 360
}

/** An instalment of nothing is none. */
function withoutEmpty(schedule: Schedule): Schedule {
  const kept: number[] = []
  for (let at = 0; at < schedule.length; at += SCHEDULE_STRIDE) {
    const numbers = schedule.slice(at, at + SCHEDULE_STRIDE)
    if ((numbers[1] as number) + (numbers[2] as number) > 0) kept.push(...numbers)
  }
  return Float64Array.from(kept)
}
