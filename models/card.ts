import { z } from 'zod'
import { type Band, bandsFault } from './bands.ts'
import { SEVERITIES } from './severity.ts'

/** Files of a model's folder. */
export const CARD_FILE = 'card.json'
export const GRAPH_FILE = 'model.onnx'
export const TEST_VECTORS_FILE = 'test_vectors.json'

const businessDate = z.iso.date()
const count = z.int().min(0)
const metric = z.strictObject({ value: z.number(), low: z.number(), high: z.number() })
const period = z.strictObject({ first_month_end: businessDate, last_month_end: businessDate })
const sample = z.strictObject({ rows: count, positives: count, borrowers: count })
const firingSeverity = z.enum(['blue', 'yellow', 'orange', 'red'])

/** Null edges are open: JSON has no infinity. */
const cardBand = z.strictObject({
  lower: z.number().nullable(),
  upper: z.number().nullable(),
  severity: z.enum(SEVERITIES),
})

/**
 * A model's card: what it reads, what it says, what it was made from and how good it was out of time. Strict: a field
 * that this version does not know is a fault, for it may mean that the card says something that nobody would heed.
 */
export const modelCard = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9_]*$/),
    version: z.int().min(1),
    label: z.string().min(1),
    /** `name@version` of the features, in the order of the graph's inputs. */
    inputs: z.array(z.string().regex(/^[a-z][a-z0-9_]*@[1-9]\d*$/)).min(1),
    bands: z.array(cardBand).min(2),
    windows: z.strictObject({
      /** Days after the month end in which the label may come true. */
      performance_days: z.int().min(1),
      /** Days between the last training month and the first test month, at least. */
      embargo_days: z.int().min(1),
    }),
    training: z.strictObject({ ...period.shape, ...sample.shape, description: z.string().min(1) }),
    test: z.strictObject({ ...period.shape, ...sample.shape }),
    /** Out of time and on other borrowers; the intervals are 95 % bootstrap percentiles over borrowers. */
    metrics: z.strictObject({
      auc: metric,
      ks: metric,
      brier: metric,
      /** Share of bad rows among those at or above each band's threshold; null where no test row is. */
      precision: z.array(
        z.strictObject({ severity: firingSeverity, threshold: z.number(), rows: count, share: metric.nullable() }),
      ),
    }),
    parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    export: z.strictObject({
      /** Largest difference between LightGBM and ONNX on the same float32 inputs. */
      score_difference_max: z.number().min(0),
      rows_checked: count,
      /** Rows that reach another leaf because inputs are rounded to float32. */
      float32_flips: count,
    }),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    libraries: z.record(z.string(), z.string()),
  })
  .refine((card) => new Set(card.inputs).size === card.inputs.length, 'lists an input twice')
  .superRefine((card, context) => {
    const fault = bandsFault(cardBands(card.bands))
    if (fault !== null) context.addIssue({ code: 'custom', path: ['bands'], message: `the list ${fault}` })
  })

export type ModelCard = z.output<typeof modelCard>

/** A model's known answers: each row of raw feature values (null is missing) and the score it has. */
export const testVectors = z.strictObject({
  model: z.string(),
  inputs: z.array(z.array(z.number().nullable())).min(1),
  scores: z.array(z.number()).min(1),
})

export type TestVectors = z.output<typeof testVectors>

/** A card's bands with infinities where their edges are open. */
export function cardBands(bands: readonly z.output<typeof cardBand>[]): Band[] {
  return bands.map((band) => ({
    lower: band.lower ?? Number.NEGATIVE_INFINITY,
    upper: band.upper ?? Number.POSITIVE_INFINITY,
    severity: band.severity,
  }))
}
