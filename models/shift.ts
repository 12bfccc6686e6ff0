import type { ModelCard } from './card.ts'

/** How far scores have moved from those that a model was tested on. */

/** Of each of a model's bands: rows of the baseline, and rows now. */
export type ShiftBin = { readonly band: string; readonly expected: number; readonly actual: number }

/** Stands for an empty bin, in rows: half a row, so that its logarithm exists (the usual correction of zero cells). */
const EMPTY_BIN_ROWS = 0.5

/**
 * Rows of the out-of-time test by band of the score, from the card's counts at or above each threshold; undefined where the card
 * does not have one of them. It is a baseline of as many bins as the model has bands, and no finer.
 */
export function baselineBands(card: ModelCard): ReadonlyMap<string, number> | undefined {
  const bands = new Map<string, number>()
  let above = 0
  for (const { lower, severity } of [...card.bands].reverse()) {
    const rows =
      lower === null ? card.test.rows : card.metrics.precision.find(({ threshold }) => threshold === lower)?.rows
    if (rows === undefined || rows < above) return undefined
    bands.set(severity, rows - above)
    above = rows
  }
  return bands
}

/**
 * Population stability index: the sum over bins of (a − e) · ln(a / e), a and e being the shares of the bin now and in the baseline
 * (Siddiqi, Credit Risk Scorecards, 2006). Both need a row.
 */
export function stabilityIndex(bins: readonly ShiftBin[]): number {
  const total = (read: (bin: ShiftBin) => number) => bins.reduce((sum, bin) => sum + read(bin), 0)
  const expected = total((bin) => bin.expected)
  const actual = total((bin) => bin.actual)
  if (!(expected > 0 && actual > 0)) throw new RangeError('a stability index needs rows on both sides')
  return bins.reduce((sum, bin) => {
    const e = Math.max(bin.expected, EMPTY_BIN_ROWS) / expected
    const a = Math.max(bin.actual, EMPTY_BIN_ROWS) / actual
    return sum + (a - e) * Math.log(a / e)
  }, 0)
}
