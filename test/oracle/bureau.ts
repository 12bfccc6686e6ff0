import type { EventOf } from '../../features/events/contract.ts'
import { dayOfDate } from './calendar.ts'
import { distinct, groupBy, largest, less, ratio, smallest, times } from './numbers.ts'
import { isOtherLenderIn, rowsWith } from './transactions.ts'
import { type Feature, MS_PER_DAY, oncePerView, perWindow, type View, within } from './view.ts'

/** Features of bureau queries: multi-lender 多头. */

type Query = EventOf<'bureau.queried'>
type IsCounted = (query: Query, view: View) => boolean

const HARD_REASONS = 'loan_approval card_approval guarantee_review 贷款审批 信用卡审批 担保资格审查'.split(' ')
const TYPES = ['bank', 'consumer_finance', 'microloan', 'online']
const CONVERSION_DAYS = 30

/** R: how far the bureau's reports reach. T itself where no query says, or where one says more than T. */
const asOf = oncePerView((view): number => {
  const reaches: number[] = []
  for (const { data } of view.queries) {
    if (data.report_date === undefined) continue
    reaches.push(Math.min(view.calendar.endOfDay(dayOfDate(data.report_date)), view.time))
  }
  return reaches.length === 0 ? view.time : Math.max(...reaches)
})

function isHardReason(query: Query, view: View): boolean {
  return HARD_REASONS.includes(query.data.reason) && query.data.institution !== view.configuration.institution
}

const dayOf = (query: Query, view: View): number => view.calendar.dayOf(query.data.queried_at)

/** HARD rows: of one institution and one local date only the first received. */
const hardQueries = oncePerView((view): Query[] => {
  const rows = view.queries.filter((query) => isHardReason(query, view))
  const sameDay = groupBy(rows, (query) => `${dayOf(query, view)} ${query.data.institution}`)
  return [...sameDay.values()].map(([first]) => first!)
})

/** HARD rows in (R − days, R], or `null` while no query of any kind was received. */
function hardIn(view: View, days: number, isCounted: IsCounted = () => true): Query[] | null {
  if (view.queries.length === 0) return null
  const end = asOf(view)
  return hardQueries(view).filter((query) => within(query.data.queried_at, days, end) && isCounted(query, view))
}

const hardCount =
  (days: number, isCounted?: IsCounted): Feature =>
  (view) =>
    hardIn(view, days, isCounted)?.length ?? null

const institutionCount =
  (days: number, isCounted?: IsCounted): Feature =>
  (view) => {
    const rows = hardIn(view, days, isCounted)
    return rows === null ? null : distinct(rows.map(({ data }) => data.institution))
  }

const isOfType =
  (...types: readonly string[]): IsCounted =>
  ({ data }) =>
    data.institution_type !== undefined && types.includes(data.institution_type)

const isNonBank: IsCounted = ({ data }) => data.institution_type !== undefined && data.institution_type !== 'bank'
const isAtNight: IsCounted = ({ data }, view) => view.calendar.hourOf(data.queried_at) <= 4
/** Day 0, 1970-01-01, was a Thursday. */
const isOnWeekend: IsCounted = (query, view) => [2, 3].includes(dayOf(query, view) % 7)

const daysSinceHardQuery: Feature = (view) => {
  const rows = hardIn(view, 365)
  if (rows === null || rows.length === 0) return null
  return (asOf(view) - Math.max(...rows.map(({ data }) => data.queried_at))) / MS_PER_DAY
}

const queryDayMax: Feature = (view) => {
  const rows = hardIn(view, 90)
  if (rows === null) return null
  const days = groupBy(rows, (query) => dayOf(query, view))
  return largest([...days.values()].map((same) => same.length)) ?? 0
}

/** Instants of the HARD rows of a year, rising; `null` with fewer than two. */
function timesOfYear(view: View): number[] | null {
  const rows = hardIn(view, 365)
  if (rows === null || rows.length < 2) return null
  return rows.map(({ data }) => data.queried_at).sort((a, b) => a - b)
}

const queryGapMin: Feature = (view) => {
  const queried = timesOfYear(view)
  if (queried === null) return null
  return smallest(queried.slice(1).map((time, before) => time - queried[before]!))! / MS_PER_DAY
}

const queryGapMean: Feature = (view) => {
  const queried = timesOfYear(view)
  if (queried === null) return null
  return (queried.at(-1)! - queried[0]!) / MS_PER_DAY / (queried.length - 1)
}

const queryAcceleration15: Feature = (view) => {
  const recent = hardCount(15)(view)
  return ratio(recent, less(hardCount(30)(view), recent))
}

/** Whether within 30 days another lender's money came in or we lent. */
function isConverted(view: View, query: Query): boolean {
  const from = query.data.queried_at
  const follows = (time: number) => time > from && time <= from + CONVERSION_DAYS * MS_PER_DAY
  return (
    rowsWith(view, isOtherLenderIn).some((row) => follows(row.time)) ||
    view.loans.some((loan) => follows(loan.disbursed.data.disbursed_at))
  )
}

const unconvertedShare: Feature = (view) => {
  const end = view.time - CONVERSION_DAYS * MS_PER_DAY
  const rows = hardQueries(view).filter(
    ({ data }) => within(data.queried_at, 150, end) && data.queried_at <= asOf(view),
  )
  return ratio(rows.filter((query) => !isConverted(view, query)).length, rows.length)
}

export const MULTI_LENDER_FEATURES: Record<string, Feature> = {
  ...perWindow(
    [7, 15, 30, 90, 180, 365],
    (days) => `hard_query_count_${days}d`,
    (days) => hardCount(days),
  ),
  ...perWindow(
    [7, 15, 30, 90, 180, 365],
    (days) => `query_institution_count_${days}d`,
    (days) => institutionCount(days),
  ),
  ...Object.fromEntries(
    TYPES.flatMap((type) =>
      [7, 15, 30, 90, 180, 365].flatMap((days) => [
        [`${type}_hard_query_count_${days}d`, hardCount(days, isOfType(type))],
        [`${type}_institution_count_${days}d`, institutionCount(days, isOfType(type))],
      ]),
    ),
  ),
  non_bank_query_count_90d: hardCount(90, isNonBank),
  microloan_query_count_90d: hardCount(90, isOfType('microloan', 'online')),
  debt_consolidation_query_count_365d: hardCount(365, isOfType('debt_consolidation')),
  query_night_count_90d: hardCount(90, isAtNight),
  weekend_query_count_90d: hardCount(90, isOnWeekend),
  query_day_max_90d: queryDayMax,
  query_gap_min_365d: queryGapMin,
  query_gap_mean_365d: queryGapMean,
  query_acceleration_30d_90d: (view) => ratio(times(hardCount(30)(view), 3), hardCount(90)(view)),
  query_acceleration_15d: queryAcceleration15,
  unconverted_query_share_180d: unconvertedShare,
  days_since_hard_query: daysSinceHardQuery,
}
