import type { Model } from '../../models/model.ts'
import { baselineBands, type ShiftBin, stabilityIndex } from '../../models/shift.ts'
import type { Sql } from '../../sql/client.ts'
import { type BandCount, readScoreBands } from '../../sql/queries/score-bands.ts'
import type { Job, JobKind } from './job.ts'

/** Fewer scores than these say nothing of a distribution. */
export const WATCHED_ROWS_MIN = 200

/** What the scores of a month end are beside those of a model's test. `psi` is null where there is none, and `reason` says why. */
export type ModelShift = {
  readonly model: string
  /** Scores looked at, and rows of the baseline. */
  readonly n: number
  readonly baseline_n: number
  readonly psi: number | null
  readonly bins: readonly ShiftBin[]
  readonly reason?: string
}

export const MODEL_WATCH: JobKind = {
  name: 'model-watch',
  description: 'compares the scores of the month end with those that the model was tested on (PSI)',
  cadence: 'month',
  schedule: '20 7 * * *',
}

/** Compares the scores at each month end with those of the model's out-of-time test, band by band. */
export function createModelWatch(sql: Sql, models: readonly Model[]): Job {
  return {
    ...MODEL_WATCH,
    async run({ tenant, date }) {
      const counts = await readScoreBands(sql, tenant, date)
      const ids = [...new Set(counts.map(({ model }) => model))]
      return { ok: true, result: { models: ids.map((id) => shiftOf(id, counts, models)) } }
    },
  }
}

function shiftOf(id: string, counts: readonly BandCount[], models: readonly Model[]): ModelShift {
  const actual = new Map(counts.filter(({ model }) => model === id).map(({ band, rows }) => [band, rows]))
  const n = [...actual.values()].reduce((sum, rows) => sum + rows, 0)
  const card = models.find((model) => model.id === id)?.card
  const baseline = card === undefined ? undefined : baselineBands(card)
  if (card === undefined || baseline === undefined) {
    const reason = card === undefined ? 'this release does not have the model' : 'its card has no rows per band'
    return { model: id, n, baseline_n: 0, psi: null, bins: [], reason }
  }
  const bins = [...baseline].map(([band, expected]) => ({ band, expected, actual: actual.get(band) ?? 0 }))
  const said = { model: id, n, baseline_n: card.test.rows, bins }
  if (n < WATCHED_ROWS_MIN) {
    return { ...said, psi: null, reason: `${n} scores are too few: ${WATCHED_ROWS_MIN} are needed` }
  }
  return { ...said, psi: stabilityIndex(bins) }
}
