import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fold } from '../../../features/window/aggregate.ts'
import { compileRowPass, createRowStore, type RowAggregate } from './rows.ts'

const MS_PER_DAY = 86_400_000
const SEED = 20_260_101
const RUNS = 1000

type Row = { readonly time: number; readonly traits: number; readonly value: number }

/** The rows in the order in which they lie: by time, ties in the order received. */
function inOrder(rows: readonly Row[]): Row[] {
  return rows
    .map((row, i) => ({ row, i }))
    .sort((a, b) => a.row.time - b.row.time || a.i - b.i)
    .map(({ row }) => row)
}

/** The naive twin: takes the rows of the window, then folds them. */
function foldPlainly(rows: readonly Row[], aggregate: RowAggregate, end: number): number {
  const { where } = aggregate
  const passing = inOrder(rows).filter(({ time, traits }) => time <= end && (traits & where) === where)
  const inWindow =
    'rows' in aggregate
      ? passing.slice(-aggregate.rows)
      : passing.filter(({ time }) => time > end - Math.round(aggregate.days * MS_PER_DAY))
  const values = inWindow.map(({ value }) => value)
  switch (aggregate.fold) {
    case 'count':
      return values.length
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0)
    case 'max':
      return values.length === 0 ? Number.NaN : Math.max(...values)
    case 'min':
      return values.length === 0 ? Number.NaN : Math.min(...values)
    case 'distinct':
      return new Set(values).size
  }
}

function compute(rows: readonly Row[], aggregates: readonly RowAggregate[], end: number): number[] {
  const store = createRowStore(1)
  const kept = store.open()
  for (const { time, traits, value } of rows) store.insert(kept, time, traits, [value])
  const slots = new Float64Array(aggregates.length).fill(-1)
  compileRowPass(1, aggregates)(kept, end, slots)
  return [...slots]
}

const row = fc.record({
  time: fc.integer({ min: 0, max: 40 }),
  traits: fc.integer({ min: 0, max: 3 }),
  value: fc.integer({ min: -3, max: 9 }),
})
const extent = fc.oneof(
  fc.record({ days: fc.integer({ min: 1, max: 50 }).map((ms) => ms / MS_PER_DAY) }),
  fc.record({ rows: fc.integer({ min: 1, max: 12 }) }),
)
const aggregate = fc
  .tuple(extent, fc.integer({ min: 0, max: 3 }), fc.constantFrom<Fold>('count', 'sum', 'max', 'min', 'distinct'))
  .map(([length, where, fold]): RowAggregate => ({ ...length, where, fold, column: fold === 'count' ? 0 : 1 }))

describe(`a compiled window pass (seed ${SEED})`, () => {
  it('computes what its naive twin does, of time and row windows, ties, late rows and rows after the end', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 30 }),
        fc.array(aggregate, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: -5, max: 60 }),
        (rows, aggregates, end) => {
          expect(compute(rows, aggregates, end)).toEqual(aggregates.map((one) => foldPlainly(rows, one, end)))
        },
      ),
      { seed: SEED, numRuns: RUNS },
    )
  })

  it('counts distinct values as rows that are the last of theirs, while no row is later than the end', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (rows, window_ms) => {
        const LAST = 4
        const store = createRowStore(1)
        const kept = store.open()
        const days = window_ms / MS_PER_DAY
        const pass = compileRowPass(1, [{ where: LAST, fold: 'count', column: 0, days }])
        const slots = new Float64Array(1)
        let end = 0
        rows.forEach(({ time, traits, value }, n) => {
          store.insertLast(kept, time, traits, [value], 1, LAST)
          end = Math.max(end, time)
          pass(kept, end, slots)
          const distinct: RowAggregate = { where: 0, fold: 'distinct', column: 1, days }
          expect(slots[0]).toBe(foldPlainly(rows.slice(0, n + 1), distinct, end))
        })
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  it('holds (T − w, T]: what is exactly w old is out, a millisecond younger is in', () => {
    const rows = [0, 1, 10].map((time) => ({ time, traits: 0, value: 1 }))
    const over = (ms: number): RowAggregate => ({ where: 0, fold: 'count', column: 0, days: ms / MS_PER_DAY })
    expect(compute(rows, [over(9), over(10), over(11)], 10)).toEqual([1, 2, 3])
  })

  it('takes the last rows that its filter takes, however old, and fewer where there are fewer', () => {
    const rows = [
      { time: 0, traits: 1, value: 100 },
      { time: 10 * MS_PER_DAY, traits: 0, value: 10 },
      { time: 20 * MS_PER_DAY, traits: 1, value: 1 },
      { time: 30 * MS_PER_DAY, traits: 1, value: 5 },
    ]
    const last = (count: number, fold: Fold): RowAggregate => ({ where: 1, fold, column: 1, rows: count })
    const aggregates = [last(1, 'sum'), last(2, 'sum'), last(9, 'sum'), last(2, 'max'), last(3, 'count')]
    expect(compute(rows, aggregates, 21 * MS_PER_DAY)).toEqual([1, 101, 101, 100, 2])
    expect(compute(rows, aggregates, -1)).toEqual([0, 0, 0, Number.NaN, 0])
    expect(compute([], aggregates, 0)).toEqual([0, 0, 0, Number.NaN, 0])
  })

  it('sums exactly what doubles would round on the way', () => {
    const largest = { time: 9, traits: 1, value: Number.MAX_SAFE_INTEGER }
    const rows = [5, 6, 7, 8].map((time) => ({ time, traits: time % 2, value: 1 }))
    const over = (where: number, ms: number): RowAggregate => ({ where, fold: 'sum', column: 1, days: ms / MS_PER_DAY })
    // One by one, newest first, each of the ones would be lost behind 2^53.
    const exact = [4n, 1n, 2n].map((ones) => Number(BigInt(Number.MAX_SAFE_INTEGER) + ones))
    expect(compute([...rows, largest], [over(0, 9), over(0, 2), over(1, 9)], 9)).toEqual(exact)
    expect(exact[0]).toBeGreaterThan(2 ** 53)
  })

  it('refuses a window that can hold nothing', () => {
    expect(() => compileRowPass(1, [{ where: 0, fold: 'count', column: 0, rows: 0 }])).toThrow(RangeError)
    expect(() => compileRowPass(1, [{ where: 0, fold: 'count', column: 0, days: 0 }])).toThrow(RangeError)
  })
})
