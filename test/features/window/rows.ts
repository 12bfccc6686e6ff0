import { emptySegment, type Segment, SegmentStore } from '../../../features/state/segments.ts'
import type { WindowAggregate, WindowExtent } from '../../../features/window/aggregate.ts'
import { compileWindowPass } from '../../../features/window/compile.ts'

/**
 * The window engine over rows of any shape, keyed by anything: what tests and benchmarks use, so that how rows lie in
 * memory is known here alone. Value columns are numbered from 1, as column 0 is the time.
 */
export type WindowRows = {
  readonly segment: Segment
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

export function createRowStore(columns: number): RowStore {
  const store = new SegmentStore(1 + columns, 1)

  function insert(rows: WindowRows, time: number, traits: number, values: ArrayLike<number>): void {
    const { segment } = rows
    const at = store.insert(segment, time, Number.NEGATIVE_INFINITY)
    const { f64, u32 } = segment.chunk!
    for (let column = 1; column <= columns; column++) f64[column]![at] = values[column - 1]!
    u32[0]![at] = traits
  }

  return {
    open: () => ({ segment: emptySegment() }),
    insert,
    insertLast(rows, time, traits, values, column, bit) {
      const isLast = takeBit(rows.segment, time, column, values[column - 1]!, bit)
      insert(rows, time, isLast ? traits | bit : traits, values)
    },
  }
}

/** Takes the bit from the row of this value that has it, unless that row is later than `time`: then false. */
function takeBit(segment: Segment, time: number, column: number, value: number, bit: number): boolean {
  if (segment.chunk === null) return true
  const times = segment.chunk.f64[0]!
  const values = segment.chunk.f64[column]!
  const traits = segment.chunk.u32[0]!
  for (let i = segment.start + segment.length - 1; i >= segment.start; i--) {
    if ((traits[i]! & bit) === 0 || values[i] !== value) continue
    if (times[i]! > time) return false
    traits[i]! &= ~bit
    return true
  }
  return true
}

export function compileRowPass(aggregates: readonly RowAggregate[]): RowPass {
  const pass = compileWindowPass(
    aggregates.map((one) => ({ stream: 'transactions', ...one })),
    aggregates.map((_, slot) => slot),
  )
  return (rows, end, slots) => pass(rows.segment, end, slots)
}
