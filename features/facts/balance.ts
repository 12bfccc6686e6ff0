import { COLUMN } from '../state/borrower-columns.ts'
import { TRAIT } from '../streams/transactions.ts'
import { firstDayOfMonth, MS_PER_DAY, monthOfDay } from '../time.ts'
import { setAll } from './fill.ts'
import type { BalanceSteps } from './long/balance-steps.ts'
import { firstAfter } from './rows.ts'
import { type FactView, slotsOf } from './view.ts'

/** The balance as a step function of time: each stated one stands until the next. */

const NAMES = [
  'balance_last',
  'balance_mean_30d',
  'balance_mean_90d',
  'days_below_zero_90d',
  'days_below_instalment_90d',
  'falling_balance_months',
] as const
const SLOT = slotsOf(NAMES)

const DAYS = 90
const SHORT_DAYS = 30
/** Month ends within the lookback that can be compared. */
const MONTHS_MAX = 7

const NONE = -1
/** Closing balances of the months before the current one, the latest first. */
const closings = new Float64Array(MONTHS_MAX)

export const BALANCE_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    const { borrower } = view
    setAll(out, Number.NaN)
    out[SLOT.balance_last] = borrower.columns.get(borrower.index, COLUMN.LAST_BALANCE_MINOR)
    if (view.running !== null) {
      computeRunning(view, view.running.balances, out)
      return
    }
    const oldest = firstStep(view)
    if (oldest === NONE) return
    means(view, oldest, out)
    daysBelow(view, out)
    out[SLOT.falling_balance_months] = fallingMonths(view)
  },
}

/** The same of steps that are kept from one evaluation to the next. */
function computeRunning(view: FactView, balances: BalanceSteps, out: Float64Array): void {
  const { time, day, next_instalment_minor: instalment } = view
  if (balances.isEmpty) return
  const oldest = day - DAYS + 1
  out[SLOT.balance_mean_30d] = balances.mean30(time)
  out[SLOT.balance_mean_90d] = balances.mean90(time)
  out[SLOT.days_below_zero_90d] = balances.daysBelow(0, oldest, day)
  if (!Number.isNaN(instalment)) out[SLOT.days_below_instalment_90d] = balances.daysBelow(instalment, oldest, day)
  out[SLOT.falling_balance_months] = fallingOf(balances.monthClosings(day, closings))
}

/** The oldest row of the lookback that states a balance, a step of the function. */
function firstStep({ rows, first, end }: FactView): number {
  const { traits } = rows
  for (let i = first; i < end; i++) if (((traits[i] as number) & TRAIT.BALANCE) !== 0) return i
  return NONE
}

/**
 * Means over (s, T], weighted by how long each balance stood; s is the begin of the window, or the oldest step where that is
 * later. One walk for both windows: the shorter one's sum begins where its own begin is reached.
 */
function means({ rows, time, first, end, from90 }: FactView, oldest: number, out: Float64Array): void {
  const { times, balances, traits } = rows
  const oldestTime = times[oldest] as number
  if (oldestTime === time) return
  const since90 = time - DAYS * MS_PER_DAY
  const since30 = time - SHORT_DAYS * MS_PER_DAY
  const begin90 = Math.max(since90, oldestTime)
  const begin30 = Math.max(since30, oldestTime)
  const next = begin90 === since90 ? from90 : firstAfter(times, first, end, oldestTime)
  let inForce = next - 1
  while (((traits[inForce] as number) & TRAIT.BALANCE) === 0) inForce--
  let balance = balances[inForce] as number
  let begin = begin90
  let sum = 0
  let i = next
  for (; i < end && (times[i] as number) <= begin30; i++) {
    if (((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    sum += balance * ((times[i] as number) - begin)
    begin = times[i] as number
    balance = balances[i] as number
  }
  let shortBegin = begin30
  let shortSum = 0
  for (; i < end; i++) {
    if (((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    const changed = times[i] as number
    sum += balance * (changed - begin)
    shortSum += balance * (changed - shortBegin)
    begin = changed
    shortBegin = changed
    balance = balances[i] as number
  }
  sum += balance * (time - begin)
  shortSum += balance * (time - shortBegin)
  out[SLOT.balance_mean_30d] = shortSum / (time - begin30)
  out[SLOT.balance_mean_90d] = sum / (time - begin90)
}

/** Dates of the last 90 whose closing balance is known and below zero, and below the next instalment where there is one. */
function daysBelow({ rows, first, end, day, next_instalment_minor: instalment }: FactView, out: Float64Array): void {
  const { balances, days, traits } = rows
  let belowZero = 0
  let belowInstalment = 0
  let until = day + 1
  const oldest = day - DAYS + 1
  for (let i = end - 1; i >= first && until > oldest; i--) {
    if (((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    const from = Math.max(days[i] as number, oldest)
    // Dates that it closed, none where a later row of the same date did: said without a branch, as days are any length.
    const dates = (until - from) & ~((until - from) >> 31)
    const balance = balances[i] as number
    if (balance < 0) belowZero += dates
    if (balance < instalment) belowInstalment += dates
    until -= dates
  }
  out[SLOT.days_below_zero_90d] = belowZero
  if (!Number.isNaN(instalment)) out[SLOT.days_below_instalment_90d] = belowInstalment
}

/** Months in a row, up to the last whole one, that closed with less than the month before. */
function fallingMonths({ rows, first, end, day }: FactView): number {
  const { balances, days, traits } = rows
  const current = monthOfDay(day)
  let known = 0
  let closing = Number.NaN
  // The first day of the month after the one whose closing balance is looked for.
  let after = firstDayOfMonth(current)
  for (let i = end - 1; i >= first; i--) {
    if ((days[i] as number) >= after || ((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    const before = balances[i] as number
    while ((days[i] as number) < after) {
      // Whatever closed earlier, here the row of months ends.
      if (known > 0 && !(closing < before)) return known - 1
      closing = before
      known++
      if (known === MONTHS_MAX) return known - 1
      after = firstDayOfMonth(current - known)
    }
  }
  return known < 2 ? Number.NaN : known - 1
}

/** The same of the closing balances of all months. */
function fallingOf(known: number): number {
  if (known < 2) return Number.NaN
  let months = 0
  while (months + 1 < known && (closings[months] as number) < (closings[months + 1] as number)) months++
  return months
}
