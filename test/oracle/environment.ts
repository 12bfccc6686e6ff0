import { outstandingOfAll } from './exposure.ts'
import { newestLoan } from './loans.ts'
import { groupBy, less, ratio, sum } from './numbers.ts'
import { byTime, type Feature, MS_PER_DAY, oncePerView, type View } from './view.ts'

/** What stands behind a loan and around it: collateral, and the indices of its industry and its region. */

/** Of more references only the first in the log count. */
const REFERENCES_MAX = 16
const INDEX_DAYS = 90

/** Values of each collateral by time, ties by log order. Those without a reference are of one collateral. */
const valuations = oncePerView((view): number[][] => {
  const valued = view.signals.filter(
    ({ data }) => data.kind === 'collateral_valuation' && data.amount_minor !== undefined,
  )
  const references = [...groupBy(valued, ({ data }) => data.reference).values()].slice(0, REFERENCES_MAX)
  return references.map((own) => byTime(own).map(({ data }) => data.amount_minor!))
})

const collateralCover: Feature = (view) => {
  if (valuations(view).length === 0) return null
  return ratio(sum(valuations(view).map((values) => values.at(-1)!)), outstandingOfAll(view))
}

const collateralChange: Feature = (view) => {
  const twice = valuations(view).filter((values) => values.length > 1)
  const latest = sum(twice.map((values) => values.at(-1)!))
  return less(ratio(latest, sum(twice.map((values) => values.at(-2)!))), 1)
}

/** What an index said last by some time, ties by log order; `null` where it said nothing. */
function indexAt(view: View, kind: string, reference: string, time: number): number | null {
  const said = view.indices.filter(
    (one) => one.time <= time && one.data.kind === kind && one.data.reference === reference,
  )
  return byTime(said.filter(({ data }) => data.value !== undefined)).at(-1)?.data.value ?? null
}

const indexChange =
  (kind: string, of: 'industry' | 'region'): Feature =>
  (view) => {
    const reference = newestLoan(view)?.[of]
    if (reference === undefined) return null
    const now = indexAt(view, kind, reference, view.time)
    return less(ratio(now, indexAt(view, kind, reference, view.time - INDEX_DAYS * MS_PER_DAY)), 1)
  }

export const ENVIRONMENT_FEATURES: Record<string, Feature> = {
  collateral_cover: collateralCover,
  collateral_change: collateralChange,
  industry_index_change_90d: indexChange('industry_index', 'industry'),
  region_index_change_90d: indexChange('region_index', 'region'),
}
