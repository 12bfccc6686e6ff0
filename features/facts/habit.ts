import { type Loan, UNSETTLED } from '../ledger/loan.ts'
import type { Contact } from '../state/reports.ts'
import { CONTACT_DAYS } from '../state/reports.ts'
import { MS_PER_DAY } from '../time.ts'
import { sortFew } from './few-numbers.ts'
import { setAll } from './fill.ts'
import { type FactView, hideUnknown, NEVER, slotsOf } from './view.ts'

/** Repayment habit: the instalments in the order they were settled, ties by due date, then by loan. */

const NAMES = [
  'days_late_last',
  'days_late_mean_3',
  'days_late_mean_6',
  'days_late_max_6',
  'days_late_spread_6',
  'days_late_trend_6',
  'partial_payment_share_6',
  'payments_per_instalment_6',
  'on_time_streak',
  'late_1_3_count_365d',
  'late_4_15_count_365d',
  'late_16_30_count_365d',
  'cured_without_contact_count_365d',
  'early_payoff_count',
] as const
const SLOT = slotsOf(NAMES)

const KEPT = 6
const COUNTED_DAYS = 365

/** The six instalments settled last, newest first: days late and touches; reused between calls. */
const settledDays = new Float64Array(KEPT)
const dueDays = new Float64Array(KEPT)
const late = new Float64Array(KEPT)
const touches = new Float64Array(KEPT)
const slopes = new Float64Array((KEPT * (KEPT - 1)) / 2)

export const HABIT_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    if (view.loans.length === 0) {
      setAll(out, Number.NaN)
      return
    }
    const kept = keepLatest(view.loans)
    out[SLOT.days_late_last] = kept >= 1 ? (late[0] as number) : Number.NaN
    out[SLOT.days_late_mean_3] = kept >= 3 ? meanLate(3) : Number.NaN
    overSix(kept === KEPT, out)
    out[SLOT.on_time_streak] = kept === 0 ? Number.NaN : onTimeStreak(view.loans)
    countLate(view, out)
    out[SLOT.early_payoff_count] = countEarlyPayoffs(view.loans)
    if (view.taken_over_day !== NEVER) hideUnknownHabit(view, kept, out)
  },
}

const COUNTS = [
  SLOT.late_1_3_count_365d,
  SLOT.late_4_15_count_365d,
  SLOT.late_16_30_count_365d,
  SLOT.cured_without_contact_count_365d,
].map((slot) => ({ slot, days: COUNTED_DAYS }))

/** What was settled before a takeover is not known: the last so many are, where all of them came after it. */
function hideUnknownHabit(view: FactView, kept: number, out: Float64Array): void {
  const isKnown = (count: number) => kept >= count && (settledDays[count - 1] as number) > view.taken_over_day
  if (!isKnown(1)) out[SLOT.days_late_last] = Number.NaN
  if (!isKnown(3)) out[SLOT.days_late_mean_3] = Number.NaN
  if (!isKnown(KEPT)) overSix(false, out)
  if (lastLateSettled(view.loans) <= view.taken_over_day) out[SLOT.on_time_streak] = Number.NaN
  hideUnknown(view, out, COUNTS)
}

/** Day on which an instalment was settled late for the last time. */
function lastLateSettled(loans: readonly Loan[]): number {
  let last = NEVER
  for (const loan of loans) {
    for (let i = 0; i < loan.instalment_count; i++) {
      const settled = loan.settled_day[i] as number
      if (settled !== UNSETTLED && settled > (loan.due_day[i] as number) && settled > last) last = settled
    }
  }
  return last
}

function keepLatest(loans: readonly Loan[]): number {
  let kept = 0
  for (const loan of loans) {
    for (let i = 0; i < loan.instalment_count; i++) {
      const settled = loan.settled_day[i] as number
      if (settled === UNSETTLED) continue
      const due = loan.due_day[i] as number
      if (kept === KEPT && isBefore(settled, due, KEPT - 1)) continue
      let at = kept < KEPT ? kept++ : KEPT - 1
      while (at > 0 && !isBefore(settled, due, at - 1)) {
        settledDays[at] = settledDays[at - 1] as number
        dueDays[at] = dueDays[at - 1] as number
        late[at] = late[at - 1] as number
        touches[at] = touches[at - 1] as number
        at--
      }
      settledDays[at] = settled
      dueDays[at] = due
      late[at] = settled - due
      touches[at] = loan.touches[i] as number
    }
  }
  return kept
}

/** Whether (settled, due) comes before the kept instalment `k`; equal ones of a later loan come after it. */
function isBefore(settled: number, due: number, k: number): boolean {
  const other = settledDays[k] as number
  return settled < other || (settled === other && due < (dueDays[k] as number))
}

function meanLate(count: number): number {
  let sum = 0
  for (let k = 0; k < count; k++) sum += late[k] as number
  return sum / count
}

function overSix(isFull: boolean, out: Float64Array): void {
  if (!isFull) {
    setAll(out, Number.NaN, SLOT.days_late_mean_6, SLOT.on_time_streak)
    return
  }
  let worst = Number.NEGATIVE_INFINITY
  let best = Number.POSITIVE_INFINITY
  let partial = 0
  let paid = 0
  for (let k = 0; k < KEPT; k++) {
    if ((late[k] as number) > worst) worst = late[k] as number
    if ((late[k] as number) < best) best = late[k] as number
    if ((touches[k] as number) > 1) partial++
    paid += touches[k] as number
  }
  out[SLOT.days_late_mean_6] = meanLate(KEPT)
  out[SLOT.days_late_max_6] = worst
  out[SLOT.days_late_spread_6] = worst - best
  out[SLOT.days_late_trend_6] = theilSen()
  out[SLOT.partial_payment_share_6] = partial / KEPT
  out[SLOT.payments_per_instalment_6] = paid / KEPT
}

/** Theil-Sen estimator: the median of the slopes between all pairs, robust against one odd instalment. */
function theilSen(): number {
  let count = 0
  // The newest stands first, so that index i counts from the end.
  for (let i = KEPT - 1; i > 0; i--) {
    for (let j = i - 1; j >= 0; j--) slopes[count++] = ((late[j] as number) - (late[i] as number)) / (i - j)
  }
  sortFew(slopes, count)
  // A slope of −0 is none.
  return (slopes[count >> 1] as number) + 0
}

/** Instalments settled after the last late one, in the order of settlement. */
function onTimeStreak(loans: readonly Loan[]): number {
  let lateSettled = Number.NEGATIVE_INFINITY
  let lateDue = Number.NEGATIVE_INFINITY
  let lateLoan = -1
  for (let l = 0; l < loans.length; l++) {
    const loan = loans[l] as Loan
    for (let i = 0; i < loan.instalment_count; i++) {
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
    for (let i = 0; i < loan.instalment_count; i++) {
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

function countLate(view: FactView, out: Float64Array): void {
  let upTo3 = 0
  let upTo15 = 0
  let upTo30 = 0
  let cured = 0
  const contacts = view.borrower.reports?.contacts ?? []
  for (const loan of view.loans) {
    for (let i = 0; i < loan.instalment_count; i++) {
      const settled = loan.settled_day[i] as number
      const due = loan.due_day[i] as number
      if (settled === UNSETTLED || settled <= due || settled <= view.day - COUNTED_DAYS) continue
      const daysLate = settled - due
      if (daysLate <= 3) upTo3++
      else if (daysLate <= 15) upTo15++
      else if (daysLate <= 30) upTo30++
      if (!hasContact(view, contacts, loan, due, settled)) cured++
    }
  }
  out[SLOT.late_1_3_count_365d] = upTo3
  out[SLOT.late_4_15_count_365d] = upTo15
  out[SLOT.late_16_30_count_365d] = upTo30
  out[SLOT.cured_without_contact_count_365d] = cured
}

/** Whether collection spoke to the borrower between due date and settlement, about this loan or in general. */
function hasContact(
  { time, calendar }: FactView,
  contacts: readonly Contact[],
  loan: Loan,
  due: number,
  settled: number,
): boolean {
  for (const contact of contacts) {
    if (contact.time > time || contact.time <= time - CONTACT_DAYS * MS_PER_DAY) continue
    const day = calendar.dayOf(contact.time)
    if (day >= due && day <= settled && (contact.loan === '' || loan.isOf(contact.loan))) return true
  }
  return false
}

/** Loans paid off while two or more instalments still lay ahead. */
function countEarlyPayoffs(loans: readonly Loan[]): number {
  let count = 0
  for (const loan of loans) {
    if (loan.first_open < loan.instalment_count || loan.instalment_count === 0) continue
    let last = Number.NEGATIVE_INFINITY
    for (let i = 0; i < loan.instalment_count; i++) last = Math.max(last, loan.settled_day[i] as number)
    let ahead = 0
    for (let i = 0; i < loan.instalment_count; i++) if ((loan.due_day[i] as number) > last) ahead++
    if (ahead >= 2) count++
  }
  return count
}
