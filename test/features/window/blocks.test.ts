import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fold, WindowAggregate } from '../../../features/window/aggregate.ts'
import { compileBlockPass, type RowBlocks } from '../../../features/window/blocks.ts'
import { compileWindowPass } from '../../../features/window/compile.ts'
import type { Segment } from '../../../features/window/segment.ts'

const SEED = 20_260_101
const RUNS = 300
const MS_PER_DAY = 86_400_000
const CAPACITY = 8192

type Columns = Segment & { chunk: { f64: Float64Array[]; u32: Uint32Array[] } }

/** A segment of plain columns, and what is kept for it, told of every change. */
class KeptSegment {
  readonly rows: Columns = {
    chunk: { f64: [new Float64Array(CAPACITY), new Float64Array(CAPACITY)], u32: [new Uint32Array(CAPACITY)] },
    start: 0,
    length: 0,
    capacity: CAPACITY,
  }
  readonly blocks: RowBlocks

  constructor(blocks: RowBlocks) {
    this.blocks = blocks
  }

  insert(time: number, traits: number, value: number): void {
    const { rows } = this
    const { f64, u32 } = rows.chunk
    const end = rows.start + rows.length
    if (end === CAPACITY) return
    let at = end
    while (at > rows.start && f64[0]![at - 1]! > time) at--
    for (const column of [...f64, ...u32]) column.copyWithin(at + 1, at, end)
    f64[0]![at] = time
    f64[1]![at] = value
    u32[0]![at] = traits
    rows.length++
    if (at < end) this.blocks.inserted(at - rows.start)
  }

  change(row: number, traits: number): void {
    this.rows.chunk.u32[0]![this.rows.start + row] = traits
    this.blocks.changed(row)
  }

  drop(count: number): void {
    this.rows.start += count
    this.rows.length -= count
    this.blocks.droppedRows(count)
  }

  /** Moves the rows to the front, as a segment that makes room does: no row's number changes. */
  moveToFront(): void {
    const { rows } = this
    for (const column of [...rows.chunk.f64, ...rows.chunk.u32])
      column.copyWithin(0, rows.start, rows.start + rows.length)
    rows.start = 0
  }
}

type Step =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'late'; readonly back: number }
  | { readonly kind: 'change'; readonly share: number; readonly traits: number }
  | { readonly kind: 'drop'; readonly share: number }
  | { readonly kind: 'move' }

const share = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late'), back: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('change'), share, traits: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop'), share }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move') }) },
)
const aggregate = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ days: fc.integer({ min: 1, max: 4000 }).map((ms) => ms / MS_PER_DAY) }) },
      { weight: 1, arbitrary: fc.record({ rows: fc.integer({ min: 1, max: 900 }) }) },
    ),
    fc.integer({ min: 0, max: 3 }),
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<Fold>('count', 'sum', 'max', 'min') },
      { weight: 1, arbitrary: fc.constant<Fold>('distinct') },
    ),
  )
  .map(([extent, where, fold]): WindowAggregate => ({ ...extent, stream: 'transactions', where, fold, column: 1 }))

/** Values that spread like random ones and need no generator of their own. */
function scramble(n: number): number {
  return Math.imul(n + 1, 2_654_435_761) >>> 0
}

describe(`a block pass (seed ${SEED})`, () => {
  it('equals the plain pass bit for bit, whatever is appended, comes late, changes or goes', () => {
    let longest = 0
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 24 }),
        fc.array(aggregate, { minLength: 1, maxLength: 10 }),
        (steps, aggregates) => {
          const slotOf = aggregates.map((_, k) => k)
          const plain = compileWindowPass(aggregates, slotOf)
          const pass = compileBlockPass(aggregates, slotOf)
          const segment = new KeptSegment(pass.createBlocks())
          let time = 0
          let n = 0
          const insert = (at: number) => {
            n++
            segment.insert(at, scramble(n) & 3, (scramble(n * 7) % 2001) - 1000)
          }
          for (const one of steps) {
            const { length } = segment.rows
            if (one.kind === 'append') for (let k = 0; k < one.count; k++) insert((time += scramble(n) % 3))
            else if (one.kind === 'late') insert(Math.max(0, time - one.back))
            else if (one.kind === 'move') segment.moveToFront()
            else if (one.kind === 'drop') segment.drop(Math.floor(one.share * length * 0.6))
            else if (length > 0) segment.change(Math.floor(one.share * (length - 1)), one.traits)
            longest = Math.max(longest, segment.rows.length)
            for (const end of [time, time - 700]) {
              const expected = new Float64Array(aggregates.length)
              const actual = new Float64Array(aggregates.length)
              plain(segment.rows, end, expected)
              pass.run(segment.rows, segment.blocks, end, actual)
              expect([...actual]).toEqual([...expected])
            }
          }
        },
      ),
      { seed: SEED, numRuns: RUNS },
    )
    expect(longest).toBeGreaterThan(3000)
  })

  it('keeps up with any number of changes between two passes', () => {
    const aggregates: WindowAggregate[] = [{ stream: 'transactions', where: 1, fold: 'count', column: 1, days: 1 }]
    const pass = compileBlockPass(aggregates, [0])
    const segment = new KeptSegment(pass.createBlocks())
    for (let k = 0; k < 5000; k++) segment.insert(k, 0, 1)
    const slots = new Float64Array(1)
    for (const marked of [4500, 0]) {
      pass.run(segment.rows, segment.blocks, 5000, slots)
      for (let row = 0; row < 5000; row++) segment.change(row, row < marked ? 1 : 0)
      pass.run(segment.rows, segment.blocks, 5000, slots)
      expect(slots[0]).toBe(marked)
    }
  })

  it('sums exactly what doubles would round on the way', () => {
    const aggregates: WindowAggregate[] = [{ stream: 'transactions', where: 0, fold: 'sum', column: 1, days: 1 }]
    const pass = compileBlockPass(aggregates, [0])
    const segment = new KeptSegment(pass.createBlocks())
    const values = Array.from({ length: 600 }, (_, k) => (k === 0 ? Number.MAX_SAFE_INTEGER : 1))
    for (const [k, value] of values.entries()) segment.insert(k, 0, value)
    const slots = new Float64Array(1)
    pass.run(segment.rows, segment.blocks, 600, slots)
    expect(slots[0]).toBe(Number(BigInt(Number.MAX_SAFE_INTEGER) + 599n))
  })
})
