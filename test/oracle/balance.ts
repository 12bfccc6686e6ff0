import { monthOfDay } from './calendar.ts'
import { nextInstalmentAmount } from './loans.ts'
import { type Feature, MS_PER_DAY, oncePerView, perWindow, type View, within } from './view.ts'

/** The balance as a staircase: each stated one stands until the next. */

const STEPS_DAYS = 180

type Step = { readonly time: number; readonly day: number; readonly balance: number }

/** Stated balances of the last 180 days in row order. */
const stepsOf = oncePerView((view): Step[] =>
  view.transactions.flatMap(({ time, data }) => {
    if (data.balance_after_minor === undefined || !within(time, STEPS_DAYS, view.time)) return []
    return [{ time, day: view.calendar.dayOf(time), balance: data.balance_after_minor }]
  }),
)

/** Mean over time, weighted by how long each balance stood. */
const balanceMean =
  (days: number): Feature =>
  (view) => {
    const steps = stepsOf(view)
    if (steps.length === 0) return null
    const start = Math.max(view.time - days * MS_PER_DAY, steps[0]!.time)
    if (view.time === start) return null
    let area = 0
    for (let i = steps.findLastIndex((step) => step.time <= start); i < steps.length; i++) {
      const from = Math.max(steps[i]!.time, start)
      const to = steps[i + 1]?.time ?? view.time
      area += steps[i]!.balance * (to - from)
    }
    return area / (view.time - start)
  }

/** Balance at the end of a date, `null` where none was stated by then. */
function closingBalance(view: View, day: number): number | null {
  return stepsOf(view).findLast((step) => step.day <= day)?.balance ?? null
}

/** Of the last 90 dates those that closed with less than `bound`. */
function daysBelow(view: View, bound: number | null): number | null {
  if (bound === null || stepsOf(view).length === 0) return null
  let days = 0
  for (let day = view.today - 89; day <= view.today; day++) {
    const balance = closingBalance(view, day)
    if (balance !== null && balance < bound) days++
  }
  return days
}

/** Months before this one, counted back, each of which closed lower than the month before it. */
const fallingBalanceMonths: Feature = (view) => {
  const closing = (month: number) => closingBalance(view, Date.UTC(1970, month + 1, 0) / MS_PER_DAY)
  const last = monthOfDay(view.today) - 1
  if (closing(last) === null || closing(last - 1) === null) return null
  let months = 0
  for (;;) {
    const [later, earlier] = [closing(last - months), closing(last - months - 1)]
    if (later === null || earlier === null || later >= earlier) return months
    months++
  }
}

export const BALANCE_FEATURES: Record<string, Feature> = {
  ...perWindow([30, 90], (days) => `balance_mean_${days}d`, balanceMean),
  days_below_zero_90d: (view) => daysBelow(view, 0),
  days_below_instalment_90d: (view) => daysBelow(view, nextInstalmentAmount(view)),
  falling_balance_months: fallingBalanceMonths,
}
