/** Columns of rows sorted by time, ties in log order: the time axis is the first of the doubles, traits the first of the integers. */
export type Chunk = {
  readonly f64: readonly Float64Array[]
  readonly u32: readonly Uint32Array[]
}

/** Some rows of a chunk, from `start` on. */
export type Segment = {
  chunk: Chunk | null
  start: number
  length: number
  capacity: number
}
