import { TRAIT } from '../streams/transactions.ts'
import { dayInMonth, firstDayOfMonth, MS_PER_DAY, monthOfDay } from '../time.ts'
import { type FactView, RowList, slotsOf } from './view.ts'

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

/** Rows that state a balance, oldest first, and their dates. */
const steps = new RowList()
/** Closing balances of the months before the current one, the latest first. */
const closings = new Float64Array(MONTHS_MAX)

export const BALANCE_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    const { borrower, time } = view
    out.fill(Number.NaN)
    out[SLOT.balance_last] = borrower.columns.last_balance_minor[borrower.index] as number
    listSteps(view)
    if (steps.length === 0) return
    out[SLOT.balance_mean_30d] = meanSince(view, time - SHORT_DAYS * MS_PER_DAY)
    out[SLOT.balance_mean_90d] = meanSince(view, time - DAYS * MS_PER_DAY)
    out[SLOT.days_below_zero_90d] = daysBelow(view, 0)
    const instalment = view.next_instalment_minor
    if (!Number.isNaN(instalment)) out[SLOT.days_below_instalment_90d] = daysBelow(view, instalment)
    out[SLOT.falling_balance_months] = fallingMonths(view)
  },
}

function listSteps({ rows, first, end }: FactView): void {
  const { traits } = rows
  steps.length = 0
  for (let i = first; i < end; i++) if (((traits[i] as number) & TRAIT.BALANCE) !== 0) steps.push(i)
}

/** Mean over (s, T], weighted by how long each balance stood; s is `since`, or the first step where that is later. */
function meanSince({ rows, time }: FactView, since: number): number {
  const { times, balances } = rows
  const firstTime = times[steps.rows[0] as number] as number
  const from = Math.max(since, firstTime)
  if (time === from) return Number.NaN
  let k = steps.length - 1
  while (k > 0 && (times[steps.rows[k] as number] as number) > from) k--
  let sum = 0
  let begin = from
  for (; k < steps.length; k++) {
    const next = k + 1 < steps.length ? (times[steps.rows[k + 1] as number] as number) : time
    if (next <= begin && k + 1 < steps.length) continue
    sum += (balances[steps.rows[k] as number] as number) * (next - begin)
    begin = next
  }
  return sum / (time - from)
}

/** Dates of the last 90 whose closing balance is known and below `limit`. */
function daysBelow({ rows, day }: FactView, limit: number): number {
  const { balances, days } = rows
  let below = 0
  let until = day + 1
  const oldest = day - DAYS + 1
  for (let k = steps.length - 1; k >= 0 && until > oldest; k--) {
    const row = steps.rows[k] as number
    const from = Math.max(days[row] as number, oldest)
    if (from < until) {
      if ((balances[row] as number) < limit) below += until - from
      until = from
    }
  }
  return below
}

/** Months in a row, up to the last whole one, that closed with less than the month before. */
function fallingMonths({ rows, day }: FactView): number {
  const { balances, days } = rows
  const current = monthOfDay(day)
  let known = 0
  // The first day of the month after the one whose closing balance is looked for.
  let after = day - dayInMonth(day) + 1
  for (let k = steps.length - 1; k >= 0 && known < MONTHS_MAX; k--) {
    const row = steps.rows[k] as number
    while (known < MONTHS_MAX && (days[row] as number) < after) {
      closings[known++] = balances[row] as number
      after = firstDayOfMonth(current - known)
    }
  }
  if (known < 2) return Number.NaN
  let months = 0
  while (months + 1 < known && (closings[months] as number) < (closings[months + 1] as number)) months++
  return months
}
