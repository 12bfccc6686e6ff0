/** Columns of rows sorted by time, ties in log order: the time axis is the first of the doubles, traits the first of the integers. */
export type Chunk = {
  readonly f64: readonly Float64Array[]
  readonly u32: readonly Uint32Array[]
}

/**
 * Keeps something beside a segment's rows and is told how they change; a row's number counts from the segment's first row,
 * as it stands after the change. A row behind all others need not be told.
 */
export type RowFollower = {
  /** A row came between others and stands there. */
  inserted(row: number): void
  /** The first rows were dropped. */
  droppedRows(rows: number): void
}

/** Some rows of a chunk, from `start` on. */
export type Segment = {
  chunk: Chunk | null
  start: number
  length: number
  capacity: number
}
