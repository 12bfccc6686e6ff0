import { TRAIT } from '../streams/transactions.ts'
import { firstDayOfMonth, MS_PER_DAY, monthOfDay } from '../time.ts'
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

/** Closing balances of the months before the current one, the latest first. */
const closings = new Float64Array(MONTHS_MAX)
const NONE = -1

export const BALANCE_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    const { borrower, time } = view
    out.fill(Number.NaN)
    out[SLOT.balance_last] = borrower.columns.last_balance_minor[borrower.index] as number
    if (view.running !== null) {
      computeRunning(view, view.running.balances, out)
      return
    }
    const oldest = firstStep(view)
    if (oldest === NONE) return
    out[SLOT.balance_mean_30d] = meanSince(view, oldest, time - SHORT_DAYS * MS_PER_DAY)
    out[SLOT.balance_mean_90d] = meanSince(view, oldest, time - DAYS * MS_PER_DAY)
    out[SLOT.days_below_zero_90d] = daysBelow(view, 0)
    const instalment = view.next_instalment_minor
    if (!Number.isNaN(instalment)) out[SLOT.days_below_instalment_90d] = daysBelow(view, instalment)
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

/** Mean over (s, T], weighted by how long each balance stood; s is `since`, or the oldest step where that is later. */
function meanSince({ rows, time, first, end }: FactView, oldest: number, since: number): number {
  const { times, balances, traits } = rows
  const from = Math.max(since, times[oldest] as number)
  if (time === from) return Number.NaN
  const next = firstAfter(times, first, end, from)
  let inForce = next - 1
  while (((traits[inForce] as number) & TRAIT.BALANCE) === 0) inForce--
  let balance = balances[inForce] as number
  let begin = from
  let sum = 0
  for (let i = next; i < end; i++) {
    if (((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    sum += balance * ((times[i] as number) - begin)
    begin = times[i] as number
    balance = balances[i] as number
  }
  sum += balance * (time - begin)
  return sum / (time - from)
}

/** Dates of the last 90 whose closing balance is known and below `limit`. */
function daysBelow({ rows, first, end, day }: FactView, limit: number): number {
  const { balances, days, traits } = rows
  let below = 0
  let until = day + 1
  const oldest = day - DAYS + 1
  for (let i = end - 1; i >= first && until > oldest; i--) {
    const from = Math.max(days[i] as number, oldest)
    if (from >= until || ((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    if ((balances[i] as number) < limit) below += until - from
    until = from
  }
  return below
}

/** Months in a row, up to the last whole one, that closed with less than the month before. */
function fallingMonths({ rows, first, end, day }: FactView): number {
  const { balances, days, traits } = rows
  const current = monthOfDay(day)
  let known = 0
  // The first day of the month after the one whose closing balance is looked for.
  let after = firstDayOfMonth(current)
  for (let i = end - 1; i >= first && known < MONTHS_MAX; i--) {
    if ((days[i] as number) >= after || ((traits[i] as number) & TRAIT.BALANCE) === 0) continue
    while (known < MONTHS_MAX && (days[i] as number) < after) {
      closings[known++] = balances[i] as number
      after = firstDayOfMonth(current - known)
    }
  }
  return fallingOf(known)
}

function fallingOf(known: number): number {
  if (known < 2) return Number.NaN
  let months = 0
  while (months + 1 < known && (closings[months] as number) < (closings[months + 1] as number)) months++
  return months
}
