import { type FeatureDefinition, featureId } from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'

/** Releases after this one: the next has one entry more, the one after it a second version of that entry. */

const [model] = CATALOGUE.filter((entry) => featureId(entry) === 'outstanding_principal@1')
// Never missing, so that a row which lacks it is one that it was not brought to.
const timesOf = (factor: number) => (value: number) => (Number.isNaN(value) ? -factor : value * factor + 0.25)
const entryOf = (version: number): FeatureDefinition => ({
  ...(model as FeatureDefinition),
  name: 'new_one',
  version,
  compute: timesOf(version),
})

export const NEXT: readonly FeatureDefinition[] = [...CATALOGUE, entryOf(1)]
export const AFTER_NEXT: readonly FeatureDefinition[] = [...NEXT, entryOf(2)]

/** The release before: without an entry that no rule reads. The model reads them all, so it runs without one. */
export const LACKING = 'inflow_count_7d@1'
export const BEFORE = CATALOGUE.filter((entry) => featureId(entry) !== LACKING)
