/**
 * What backfills brought to rows that were written before a feature was in force: which columns a place has besides
 * those in force there, and the generation of its row.
 */
export type Coverage = {
  has(partition: number, offset: number, column: number): boolean
  generationAt(partition: number, offset: number): number
}

/** As rows are first written. */
export const NOTHING_BACKFILLED: Coverage = { has: () => false, generationAt: () => 0 }

/** Makes the columns missing that a row has no value for: not in force at its place, nor brought there later. */
export function withhold(
  matrix: Float64Array,
  base: number,
  withheld: Int32Array,
  coverage: Coverage,
  partition: number,
  offset: number,
): void {
  for (const column of withheld) {
    if (!coverage.has(partition, offset, column)) matrix[base + column] = Number.NaN
  }
}
