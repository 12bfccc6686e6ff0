import type { RowLayout } from '../../../features/window/accumulators.ts'
import type { WindowAggregate, WindowExtent } from '../../../features/window/aggregate.ts'
import { compileWindowPass } from '../../../features/window/compile.ts'

/**
 * The window engine over rows of any shape, keyed by anything: what its own tests and benchmarks use, so that how rows lie
 * in memory is known here alone. Value columns are numbered from 1.
 *
 * A row is a few doubles side by side: time, traits (a 32-bit integer in the place of one), then the values. The rows of a
 * key lie side by side too, sorted by time, ties in the order in which they came.
 */
export type WindowRows = {
  doubles: Float64Array
  words: Uint32Array
  /** First double of the first row. */
  start: number
  length: number
  /** Its size is the capacity of this class. */
  sizeClass: number
}

/** A window aggregate without the stream's name, which means nothing here. */
export type RowAggregate = WindowExtent & Pick<WindowAggregate, 'where' | 'fold' | 'column'>

export type RowStore = {
  /** The rows of a new key. */
  open(): WindowRows
  /** Adds a row after those of its time. */
  insert(rows: WindowRows, time: number, traits: number, values: ArrayLike<number>): void
  /**
   * Adds a row that carries `bit` if no later row has the same value in `column`, and takes the bit from the row that
   * had it: rows with the bit in (T − w, T] are then as many as distinct values, if no row is later than T.
   */
  insertLast(
    rows: WindowRows,
    time: number,
    traits: number,
    values: ArrayLike<number>,
    column: number,
    bit: number,
  ): void
}

/** Computes the aggregates over the windows that end at `end` into `slots`, in their order. */
export type RowPass = (rows: WindowRows, end: number, slots: Float64Array) => void

/** Chunks double up to this size. */
const CHUNK_DOUBLES_MAX = 1 << 20
const CHUNK_DOUBLES_FIRST = 256
const TRAITS = 1
const FIRST_VALUE = 2
const NO_CLASS = -1

/** Rows that a key of each size class has room for: 4, 6, 8, 12, 16 …, so that at most a third is unused. */
const CAPACITIES = Array.from({ length: 48 }, (_, k) => (k % 2 === 0 ? 4 : 6) * 2 ** Math.floor(k / 2))

const NO_DOUBLES = new Float64Array(0)
const NO_WORDS = new Uint32Array(0)

export function createRowStore(columns: number): RowStore {
  const stride = FIRST_VALUE + columns
  const free: { doubles: Float64Array; words: Uint32Array; start: number }[][] = CAPACITIES.map(() => [])
  let chunk = NO_DOUBLES
  let chunkWords = NO_WORDS
  let used = 0

  /** Moves the rows to a place of the next size. */
  function grow(rows: WindowRows): void {
    const { doubles, words, start, sizeClass } = rows
    const size = CAPACITIES[sizeClass + 1]! * stride
    const place = free[sizeClass + 1]!.pop() ?? take(size)
    const end = rows.length * stride
    for (let k = 0; k < end; k++) place.doubles[place.start + k] = doubles[start + k]!
    if (sizeClass !== NO_CLASS) free[sizeClass]!.push({ doubles, words, start })
    rows.doubles = place.doubles
    rows.words = place.words
    rows.start = place.start
    rows.sizeClass = sizeClass + 1
  }

  function take(size: number) {
    if (used + size > chunk.length) {
      chunk = new Float64Array(Math.max(size, Math.min(chunk.length * 2, CHUNK_DOUBLES_MAX), CHUNK_DOUBLES_FIRST))
      chunkWords = new Uint32Array(chunk.buffer)
      used = 0
    }
    const place = { doubles: chunk, words: chunkWords, start: used }
    used += size
    return place
  }

  function insert(rows: WindowRows, time: number, traits: number, values: ArrayLike<number>): void {
    if (rows.sizeClass === NO_CLASS || rows.length === CAPACITIES[rows.sizeClass]) grow(rows)
    const { doubles, words, start } = rows
    const end = start + rows.length * stride
    let at = end
    while (at > start && doubles[at - stride]! > time) at -= stride
    if (at < end) doubles.copyWithin(at + stride, at, end)
    doubles[at] = time
    words[(at + TRAITS) * 2] = traits
    for (let column = 0; column < columns; column++) doubles[at + FIRST_VALUE + column] = values[column]!
    rows.length++
  }

  /** Takes the bit from the row of this value that has it, unless that row is later than `time`: then false. */
  function takeBit(rows: WindowRows, time: number, column: number, value: number, bit: number): boolean {
    const { doubles, words, start } = rows
    for (let at = start + (rows.length - 1) * stride; at >= start; at -= stride) {
      const traits = words[(at + TRAITS) * 2]!
      if ((traits & bit) === 0 || doubles[at + TRAITS + column] !== value) continue
      if (doubles[at]! > time) return false
      words[(at + TRAITS) * 2] = traits & ~bit
      return true
    }
    return true
  }

  return {
    open: () => ({ doubles: NO_DOUBLES, words: NO_WORDS, start: 0, length: 0, sizeClass: NO_CLASS }),
    insert,
    insertLast(rows, time, traits, values, column, bit) {
      const isLast = takeBit(rows, time, column, values[column - 1]!, bit)
      insert(rows, time, isLast ? traits | bit : traits, values)
    },
  }
}

function layoutOf(columns: number): RowLayout {
  const stride = FIRST_VALUE + columns
  return {
    isEmpty: 'rows.length === 0',
    prepare: () => ['const { doubles, words } = rows'],
    first: 'rows.start',
    last: `first + (rows.length - 1) * ${stride}`,
    step: stride,
    length: 'rows.length',
    time: 'doubles[i]',
    traits: `words[i * 2 + ${TRAITS * 2}]`,
    value: (column) => `doubles[i + ${TRAITS + column}]`,
  }
}

/** A pass over rows of a store of so many columns. */
export function compileRowPass(columns: number, aggregates: readonly RowAggregate[]): RowPass {
  return compileWindowPass<WindowRows>(
    aggregates.map((one) => ({ stream: 'transactions', ...one })),
    aggregates.map((_, slot) => slot),
    layoutOf(columns),
  )
}
