import type { EventOf } from '../../features/events/contract.ts'
import { dayOfDate } from './calendar.ts'
import { distinct, type Feature, MS_PER_DAY, perWindow, ratio, times, type View, within } from './view.ts'

/** Features of bureau queries: multi-lender 多头. */

type Query = EventOf<'bureau.queried'>

const HARD_REASONS = 'loan_approval card_approval guarantee_review 贷款审批 信用卡审批 担保资格审查'.split(' ')

/** R: how far the bureau's reports reach. T itself where no query says, or where one says more than T. */
function asOf(view: View): number {
  const reaches: number[] = []
  for (const { data } of view.queries) {
    if (data.report_date === undefined) continue
    reaches.push(Math.min(view.calendar.endOfDay(dayOfDate(data.report_date)), view.time))
  }
  return reaches.length === 0 ? view.time : Math.max(...reaches)
}

function isHardReason(query: Query, view: View): boolean {
  return HARD_REASONS.includes(query.data.reason) && query.data.institution !== view.configuration.institution
}

/** HARD rows: of one institution and one local date only the first received. */
function hardQueries(view: View): Query[] {
  const rows: Query[] = []
  for (const query of view.queries) {
    if (!isHardReason(query, view)) continue
    const day = view.calendar.dayOf(query.data.queried_at)
    const earlier = rows.some(
      ({ data }) => data.institution === query.data.institution && view.calendar.dayOf(data.queried_at) === day,
    )
    if (!earlier) rows.push(query)
  }
  return rows
}

/** HARD rows in (R − days, R], or `null` while no query of any kind was received. */
function hardIn(view: View, days: number): Query[] | null {
  if (view.queries.length === 0) return null
  const end = asOf(view)
  return hardQueries(view).filter(({ data }) => within(data.queried_at, days, end))
}

const hardCount =
  (days: number, isCounted: (query: Query, view: View) => boolean = () => true): Feature =>
  (view) =>
    hardIn(view, days)?.filter((query) => isCounted(query, view)).length ?? null

const institutionCount =
  (days: number): Feature =>
  (view) => {
    const rows = hardIn(view, days)
    return rows === null ? null : distinct(rows.map(({ data }) => data.institution))
  }

const daysSinceHardQuery: Feature = (view) => {
  const rows = hardIn(view, 365)
  if (rows === null || rows.length === 0) return null
  return (asOf(view) - Math.max(...rows.map(({ data }) => data.queried_at))) / MS_PER_DAY
}

export const MULTI_LENDER_FEATURES: Record<string, Feature> = {
  ...perWindow(
    [7, 15, 30, 90, 180],
    (days) => `hard_query_count_${days}d`,
    (days) => hardCount(days),
  ),
  ...perWindow([30, 90, 180], (days) => `query_institution_count_${days}d`, institutionCount),
  non_bank_query_count_90d: hardCount(
    90,
    ({ data }) => data.institution_type !== undefined && data.institution_type !== 'bank',
  ),
  microloan_query_count_90d: hardCount(
    90,
    ({ data }) => data.institution_type === 'microloan' || data.institution_type === 'online',
  ),
  query_night_count_90d: hardCount(90, ({ data }, view) => view.calendar.hourOf(data.queried_at) <= 4),
  query_acceleration_30d_90d: (view) => ratio(times(hardCount(30)(view), 3), hardCount(90)(view)),
  days_since_hard_query: daysSinceHardQuery,
}
