import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Fold } from '../../../features/window/aggregate.ts'
import { type CaseColumn, type CaseWindow, type Cell, readCases, type WindowCase } from './openmldb.ts'
import { compileRowPass, createRowStore, type RowAggregate, type WindowRows } from './rows.ts'

/**
 * OpenMLDB's window conformance cases through the window engine. How a frame there becomes a window here:
 *
 * - `ROWS_RANGE BETWEEN a PRECEDING AND b PRECEDING` holds t − a itself: the window of a − b + 1 ms that ends at t − b.
 *   An open border is one millisecond nearer to the other one.
 * - `ROWS BETWEEN a PRECEDING AND CURRENT ROW`: the last a + 1 rows. Up to b PRECEDING: the last a + 1 rows without the
 *   last b, a difference of two windows; what can't be subtracted (max, min) is asked before the row comes, for b = 1.
 * - `EXCLUDE CURRENT_ROW`: what the engine says of time t before the row comes.
 * - `MAXSIZE n`: a time window and the last n rows end at the same row, so the one with fewer rows lies in the other.
 * - `UNION`: rows of all its tables in one stream, those of other tables there from the beginning.
 * - `INSTANCE_NOT_IN_WINDOW`: a filter that takes the union's rows and the current one.
 * - No rows: their sum is NULL, ours 0 of a count of 0. Their int sums wrap at 32 bits, ours are exact.
 */

const FOLDER = new URL('../../../../shared/data/window-cases/', import.meta.url)
const present = existsSync(FOLDER)
if (!present) console.warn('SKIPPED: ../shared/data/window-cases is absent, its cases were not run')

const REFUSED = 'there the statement is refused when it is parsed or planned; here no statement is parsed'
const EDGE_VALUES = 'asks for first_value and last_value, which the engine does not fold'

/** Cases that are not run, each with the reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'window 33': EDGE_VALUES,
  'window 34': EDGE_VALUES,
  'window 35': EDGE_VALUES,
  'window 46': 'EXCLUDE CURRENT_TIME: no window here keeps a row and leaves out those of the same time',
  'row_range 7': REFUSED,
  'row_range 9': REFUSED,
  'row_range 10': REFUSED,
  'row_range 11': REFUSED,
  'row_range 29': REFUSED,
  'row_range 37': REFUSED,
}
/** Columns of cases that are run otherwise. */
const COLUMNS_NOT_RUN: Readonly<Record<string, string>> = {
  'window 36 l1': 'lag is no fold',
  'window 37 l1': 'lag is no fold',
}
const CASES = 102

const MS_PER_DAY = 86_400_000
const IN_WINDOW = 1

/** The rows a window may hold when the main table's row `at` is evaluated, and the row itself, last received. */
function keepRows(window: CaseWindow, one: WindowCase, at: number, valueColumn: string, withCurrent: boolean) {
  const [main] = one.tables
  const columns = main!.columns
  const cellOf = (row: readonly Cell[], column: string) => row[columns.indexOf(column)]!
  const keyOf = (row: readonly Cell[]) =>
    JSON.stringify(window.partitionBy.map((column) => cellOf(row, column) ?? null))
  const current = main!.rows[at]!
  const received = one.isBatch ? main!.rows : main!.rows.slice(0, at + 1)
  const store = createRowStore(1)
  const kept = store.open()
  const add = (row: readonly Cell[], traits: number) => {
    if (keyOf(row) !== keyOf(current)) return
    const value = cellOf(row, valueColumn)
    if (typeof value !== 'number') throw new Error(`${valueColumn} holds ${value}, which a fold would leave out`)
    store.insert(kept, Number(cellOf(row, window.orderBy)), traits, [value])
  }
  for (const table of window.union) for (const row of one.tables[table]!.rows) add(row, IN_WINDOW)
  for (const row of received)
    if (withCurrent || row !== current) add(row, window.onlyUnion && row !== current ? 0 : IN_WINDOW)
  return { kept, time: Number(cellOf(current, window.orderBy)) }
}

type Sized = { readonly count: number; readonly value: number }

function computeOver(kept: WindowRows, extent: { days: number } | { rows: number }, end: number, fold: Fold): Sized {
  const aggregates: RowAggregate[] = [
    { ...extent, where: IN_WINDOW, fold: 'count', column: 0 },
    { ...extent, where: IN_WINDOW, fold, column: 1 },
  ]
  const slots = new Float64Array(2)
  compileRowPass(1, aggregates)(kept, end, slots)
  return { count: slots[0]!, value: slots[1]! }
}

/** How many rows a frame of rows or time holds, and the fold of their values. */
function computeFrame(column: CaseColumn & { kind: 'fold' }, one: WindowCase, at: number, fold: Fold): Sized {
  const { window } = column
  const from = window.from.before - (window.from.isOpen ? 1 : 0)
  const to = window.to.before + (window.to.isOpen ? 1 : 0)
  const keep = (withCurrent: boolean) => keepRows(window, one, at, column.column, withCurrent)
  if (window.unit === 'ms') {
    const { kept, time } = keep(!window.excludesCurrentRow)
    const over = computeOver(kept, { days: (from - to + 1) / MS_PER_DAY }, time - to, fold)
    if (window.maxSize === null) return over
    const last = computeOver(kept, { rows: window.maxSize }, time - to, fold)
    return last.count < over.count ? last : over
  }
  const isBefore = window.excludesCurrentRow || (to === 1 && (fold === 'max' || fold === 'min'))
  const { kept, time } = keep(!isBefore)
  if (isBefore) return computeOver(kept, { rows: from }, time, fold)
  const whole = computeOver(kept, { rows: from + 1 }, time, fold)
  if (to === 0) return whole
  if (fold === 'max' || fold === 'min') throw new Error('a maximum is no difference')
  const newer = computeOver(kept, { rows: to }, time, fold)
  return { count: whole.count - newer.count, value: whole.value - newer.value }
}

function computeCell(column: CaseColumn, one: WindowCase, at: number, type: string): Cell {
  const [main] = one.tables
  if (column.kind === 'plain') return main!.rows[at]![main!.columns.indexOf(column.column)]!
  const fold = column.fold === 'avg' ? 'sum' : column.fold
  if (fold !== 'count' && fold !== 'sum' && fold !== 'max' && fold !== 'min') throw new Error(`no fold ${fold}`)
  const { count, value } = computeFrame(column, one, at, fold)
  if (column.fold === 'count') return count
  if (count === 0) return null
  if (column.fold === 'avg') return value / count
  return type === 'int' && fold === 'sum' ? value | 0 : value
}

/** Rows as the query gives them, columns that are not run left out, in the order of the expected ones. */
function compute(one: WindowCase): { actual: Cell[][]; expected: Cell[][] } {
  const isRun = one.names.map((name) => COLUMNS_NOT_RUN[`${one.id} ${name}`] === undefined)
  const order = one.names.indexOf(one.order)
  const sort = (rows: Cell[][]) => rows.sort((a, b) => Number(a[order]) - Number(b[order]))
  const leave = (rows: Cell[][]) => sort(rows).map((row) => row.filter((_, k) => isRun[k]))
  const actual = one.tables[0]!.rows.map((_, at) =>
    one.columns.map((column, k) => (isRun[k] ? computeCell(column, one, at, one.types[k]!) : null)),
  )
  return { actual: leave(actual), expected: leave(one.rows.map((row) => [...row])) }
}

// The reference data lies beside the project, and only where it is developed.
describe.skipIf(!present)("OpenMLDB's window cases (../shared/data/window-cases)", () => {
  const sources = present
    ? [
        ...readCases(new URL('test_window.yaml', FOLDER), 'window'),
        ...readCases(new URL('test_window_row_range.yaml', FOLDER), 'row_range'),
      ]
    : []
  const runnable = sources.filter(({ id }) => NOT_RUN[id] === undefined)
  const cases = runnable.flatMap((source) => source.read())

  it(`are ${CASES}, each run or listed above with its reason`, () => {
    expect(sources).toHaveLength(CASES)
    expect(new Set(sources.map(({ id }) => id)).size).toBe(CASES)
    expect([...runnable.map(({ id }) => id), ...Object.keys(NOT_RUN)].sort()).toEqual(
      sources.map(({ id }) => id).sort(),
    )
    const refused = Object.keys(NOT_RUN).filter((id) => NOT_RUN[id] === REFUSED)
    expect(sources.filter(({ isRefused }) => isRefused).map(({ id }) => id)).toEqual(refused)
    const columns = cases.flatMap(({ id, names }) => names.map((name) => `${id} ${name}`))
    expect(Object.keys(COLUMNS_NOT_RUN).filter((name) => !columns.includes(name))).toEqual([])
  })

  it.each(cases.map((one) => [one.name, one.description, one] as const))('%s (%s)', (_name, _description, one) => {
    const { actual, expected } = compute(one)
    expect(actual).toEqual(expected)
    expect(actual.length).toBeGreaterThan(0)
  })
})
