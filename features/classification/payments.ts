import { addMonths } from '../time.ts'
import type { Restructuring } from './assessment.ts'
import { CURED_DUE_DATES, CURED_MONTHS, OBSERVED_DUE_DATES, OBSERVED_MONTHS } from './tables.ts'

/** What the classification reads of a loan's instalments, oldest first: the ledger's own columns. */
export type Instalments = {
  readonly instalment_count: number
  readonly due_day: Int32Array
  /** Business date on which it was fully paid, or a number above all dates. */
  readonly settled_day: Int32Array
}

/** DPD of a raw number of days past due, with the tenant's grace. */
export type DaysPastDue = (rawDays: number) => number

/** Largest DPD that an instalment had at the end of a day up to `day`. */
function latenessOf(loan: Instalments, i: number, day: number, daysPastDue: DaysPastDue): number {
  const due = loan.due_day[i] as number
  const last = Math.min((loan.settled_day[i] as number) - 1, day)
  return last > due ? daysPastDue(last - due) : 0
}

/** Whether a restructured loan is under observation at the end of a day that is not before the restructuring: article 20. */
export function isObserved(loan: Instalments, one: Restructuring, day: number, daysPastDue: DaysPastDue): boolean {
  let end = observationFrom(loan, one.first_due_day)
  for (let i = 0; i < loan.instalment_count; i++) {
    const due = loan.due_day[i] as number
    if (due < one.first_due_day || latenessOf(loan, i, day, daysPastDue) === 0) continue
    // It was over before, or what was not paid in time begins it anew, from there.
    if (firstDayPastDue(due, daysPastDue) > end) break
    end = observationFrom(loan, due)
  }
  return day < end
}

function observationFrom(loan: Instalments, start: number): number {
  return Math.max(addMonths(start, OBSERVED_MONTHS), dueDateAfter(loan, start, OBSERVED_DUE_DATES))
}

/** The due date that is the `count`th after a day; where there are fewer, the last one, or the day itself. */
function dueDateAfter(loan: Instalments, day: number, count: number): number {
  let left = count
  let found = day
  for (let i = 0; i < loan.instalment_count && left > 0; i++) {
    const due = loan.due_day[i] as number
    if (due <= found) continue
    found = due
    left--
  }
  return found
}

/**
 * Whether payments have come in time for long enough, at the end of `day`, since `from`: nothing past due, and both
 * `CURED_MONTHS` and `CURED_DUE_DATES` behind. Article 14(1).
 */
export function isCured(loan: Instalments, from: number, day: number, daysPastDue: DaysPastDue): boolean {
  let since = from
  for (let i = 0; i < loan.instalment_count; i++) {
    if (latenessOf(loan, i, day, daysPastDue) === 0) continue
    const settled = loan.settled_day[i] as number
    if (settled > day) return false
    since = Math.max(since, settled)
  }
  if (day < addMonths(since, CURED_MONTHS)) return false
  let paid = 0
  let isAllPaid = true
  for (let i = 0; i < loan.instalment_count; i++) {
    const isPaid = (loan.settled_day[i] as number) <= day
    if (!isPaid) isAllPaid = false
    const due = loan.due_day[i] as number
    if (isPaid && due > since && due <= day) paid++
  }
  return paid >= CURED_DUE_DATES || isAllPaid
}

/**
 * Whether a loan that is not past due was non-performing by its days past due and has not been cured since. The spells in
 * which something was past due, oldest first; between two of them it may have been cured.
 */
export function isStillNonPerforming(
  loan: Instalments,
  day: number,
  substandardAbove: number,
  daysPastDue: DaysPastDue,
): boolean {
  let isHeld = false
  let end = Number.NEGATIVE_INFINITY
  for (let i = 0; i < loan.instalment_count; i++) {
    const due = loan.due_day[i] as number
    if (due >= day) break
    const lateness = latenessOf(loan, i, day, daysPastDue)
    if (lateness === 0) continue
    const first = firstDayPastDue(due, daysPastDue)
    if (isHeld && first > end && isCured(loan, end, first - 1, daysPastDue)) isHeld = false
    if (lateness > substandardAbove) isHeld = true
    end = Math.max(end, loan.settled_day[i] as number)
  }
  return isHeld && !isCured(loan, end, day, daysPastDue)
}

function firstDayPastDue(due: number, daysPastDue: DaysPastDue): number {
  let day = due + 1
  while (daysPastDue(day - due) === 0) day++
  return day
}
