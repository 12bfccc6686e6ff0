/**
 * Rows of many borrowers in shared column chunks: a borrower's rows of one stream are one contiguous segment, sorted by
 * time, ties in log order. No object per row, and one small object per segment.
 */

/** Rows of one chunk. A segment lies within one chunk; a larger one gets a chunk of its own. */
const CHUNK_ROWS = 65_536
const CAPACITY_FIRST = 4

export type Chunk = {
  readonly f64: readonly Float64Array[]
  readonly u32: readonly Uint32Array[]
}

export type Segment = {
  chunk: Chunk | null
  start: number
  length: number
  capacity: number
}

export function emptySegment(): Segment {
  return { chunk: null, start: 0, length: 0, capacity: 0 }
}

/** Sizes 4, 6, 8, 12, 16, 24 …: at most a third of a segment is unused after growing. */
function capacityFor(rows: number): number {
  let capacity = CAPACITY_FIRST
  while (capacity < rows) capacity = capacity % 3 === 0 ? (capacity / 3) * 4 : (capacity / 2) * 3
  return capacity
}

export class SegmentStore {
  readonly #f64: number
  readonly #u32: number
  #current: Chunk | null = null
  #used = 0
  readonly #free = new Map<number, { chunk: Chunk; start: number }[]>()

  /** Column 0 of the doubles is the time axis. */
  constructor(doubles: number, integers: number) {
    this.#f64 = doubles
    this.#u32 = integers
  }

  /**
   * Makes room for a row at `time`, after the rows of the same time, and returns its index in the chunk's columns.
   * Rows at or before `expired` may be dropped from the front to make that room.
   */
  insert(segment: Segment, time: number, expired: number): number {
    if (segment.length === segment.capacity) this.#makeRoom(segment, expired)
    const chunk = segment.chunk as Chunk
    const times = chunk.f64[0] as Float64Array
    const end = segment.start + segment.length
    let at = end
    while (at > segment.start && (times[at - 1] as number) > time) at--
    if (at < end) {
      for (const column of chunk.f64) column.copyWithin(at + 1, at, end)
      for (const column of chunk.u32) column.copyWithin(at + 1, at, end)
    }
    segment.length++
    times[at] = time
    return at
  }

  /** Room for exactly these rows, for a segment that is being restored. */
  allocate(segment: Segment, rows: number): void {
    segment.capacity = capacityFor(rows)
    this.#place(segment)
    segment.length = rows
  }

  #makeRoom(segment: Segment, expired: number): void {
    const { chunk, start, length } = segment
    if (chunk !== null) {
      const times = chunk.f64[0] as Float64Array
      let dead = 0
      while (dead < length && (times[start + dead] as number) <= expired) dead++
      // Moving down for a handful of rows would be done again at once, so a quarter must be gone.
      if (dead * 4 >= length) {
        for (const column of chunk.f64) column.copyWithin(start, start + dead, start + length)
        for (const column of chunk.u32) column.copyWithin(start, start + dead, start + length)
        segment.length -= dead
        return
      }
    }
    const old = { chunk, start, capacity: segment.capacity }
    segment.capacity = capacityFor(segment.capacity + 1)
    this.#place(segment)
    if (old.chunk === null) return
    const target = segment.chunk as Chunk
    for (let k = 0; k < this.#f64; k++) {
      const from = old.chunk.f64[k] as Float64Array
      ;(target.f64[k] as Float64Array).set(from.subarray(old.start, old.start + length), segment.start)
    }
    for (let k = 0; k < this.#u32; k++) {
      const from = old.chunk.u32[k] as Uint32Array
      ;(target.u32[k] as Uint32Array).set(from.subarray(old.start, old.start + length), segment.start)
    }
    const free = this.#free.get(old.capacity)
    const place = { chunk: old.chunk, start: old.start }
    if (free === undefined) this.#free.set(old.capacity, [place])
    else free.push(place)
  }

  #place(segment: Segment): void {
    const free = this.#free.get(segment.capacity)?.pop()
    if (free !== undefined) {
      segment.chunk = free.chunk
      segment.start = free.start
    } else if (segment.capacity > CHUNK_ROWS / 4) {
      segment.chunk = this.#createChunk(segment.capacity)
      segment.start = 0
    } else {
      if (this.#current === null || this.#used + segment.capacity > CHUNK_ROWS) {
        this.#current = this.#createChunk(CHUNK_ROWS)
        this.#used = 0
      }
      segment.chunk = this.#current
      segment.start = this.#used
      this.#used += segment.capacity
    }
  }

  #createChunk(rows: number): Chunk {
    return {
      f64: Array.from({ length: this.#f64 }, () => new Float64Array(rows)),
      u32: Array.from({ length: this.#u32 }, () => new Uint32Array(rows)),
    }
  }
}
