import { groupBy, median, ratio, sum } from './numbers.ts'
import { amountsOf, isIn, isSalary, partyOf, rowsWith, type Transaction } from './transactions.ts'
import { type Feature, oncePerView, type View, within } from './view.ts'

/** Income by its rhythm: regular payers, found from the receipts themselves, and the salary. */

const WINDOW_DAYS = 180
const DATES_MAX = 6
const DATES_MIN = 3
const CADENCE_MIN_DAYS = 5

/** Receipts by date; only the last six dates count. */
type Receipts = {
  /** Rising day numbers. */
  readonly days: readonly number[]
  /** Sum of each of these dates. */
  readonly amounts: readonly number[]
}

function datedReceipts(view: View, rows: readonly Transaction[]): Receipts {
  const byDay = groupBy(rows, (row) => view.calendar.dayOf(row.time))
  const days = [...byDay.keys()].sort((a, b) => a - b).slice(-DATES_MAX)
  return { days, amounts: days.map((day) => sum(amountsOf(byDay.get(day)!))) }
}

function gapsOf({ days }: Receipts): number[] {
  return days.slice(1).map((day, before) => day - days[before]!)
}

function cadenceOf(receipts: Receipts): number {
  return median(gapsOf(receipts))
}

function isRegular(receipts: Receipts): boolean {
  if (receipts.days.length < DATES_MIN) return false
  const cadence = cadenceOf(receipts)
  const isSteady = gapsOf(receipts).every((gap) => Math.abs(gap - cadence) <= Math.max(3, cadence / 4))
  return cadence >= CADENCE_MIN_DAYS && isSteady
}

function recent(view: View, rows: readonly Transaction[]): Transaction[] {
  return rows.filter((row) => within(row.time, WINDOW_DAYS, view.time))
}

/** The receipts of each regular payer, in row order of the payers' last rows. */
const regularPayers = oncePerView((view): Receipts[] => {
  const rows = recent(view, rowsWith(view, isIn)).filter((row) => partyOf(row) !== undefined)
  // Grouped from the last row backwards, the party whose last row is the latest comes first.
  const parties = [...groupBy([...rows].reverse(), partyOf).values()].reverse()
  return parties.map((own) => datedReceipts(view, own)).filter(isRegular)
})

/** The one that paid most over those dates; of equals the one whose last row comes later. */
const regularPayer = oncePerView((view): Receipts | null => {
  let best: Receipts | null = null
  for (const payer of regularPayers(view)) {
    if (best === null || sum(payer.amounts) >= sum(best.amounts)) best = payer
  }
  return best
})

const salary = oncePerView((view) => datedReceipts(view, recent(view, rowsWith(view, isSalary))))

const daysSince = (view: View, receipts: Receipts): number => view.today - receipts.days.at(-1)!

/** The last date's amount against the mean of the three before it. */
function lastToMeanOf3({ amounts }: Receipts): number | null {
  if (amounts.length < 4) return null
  return ratio(amounts.at(-1)!, sum(amounts.slice(-4, -1)) / 3)
}

const ofRegularPayer =
  (of: (view: View, payer: Receipts) => number | null): Feature =>
  (view) => {
    const payer = regularPayer(view)
    return payer === null ? null : of(view, payer)
  }

export const INCOME_FEATURES: Record<string, Feature> = {
  regular_payer_count: (view) => (view.transactions.length === 0 ? null : regularPayers(view).length),
  regular_income_cadence_days: ofRegularPayer((_, payer) => cadenceOf(payer)),
  days_since_regular_income: ofRegularPayer(daysSince),
  regular_income_overdue: ofRegularPayer((view, payer) => ratio(daysSince(view, payer), cadenceOf(payer))),
  regular_income_last_to_mean_3: ofRegularPayer((_, payer) => lastToMeanOf3(payer)),
  salary_overdue: (view) => {
    const receipts = salary(view)
    return receipts.days.length < DATES_MIN ? null : ratio(daysSince(view, receipts), cadenceOf(receipts))
  },
  salary_last_to_mean_3: (view) => lastToMeanOf3(salary(view)),
}
