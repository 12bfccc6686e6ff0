import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { BOOK_MONTHS, type Book, book, monthDate, WRITTEN_OFF } from '../../oracle/portfolio.ts'
import {
  conversion,
  flows,
  isPair,
  type Move,
  moves,
  PAR_DAYS,
  risk,
  rolls,
  stagesOf,
  vintage,
  worstRolls,
} from '../../oracle/portfolio-views.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { writeBook } from './write-book.ts'

/** On random portfolios of several tenants and data sets every view equals the plain computation. */

const BOOKS = 2
const seed = Math.floor(Math.random() * 0x7fffffff)
console.log(`random portfolios: seed ${seed}`)

let test_database: TestDatabase
let sql: Sql
const books: Book[] = fc.sample(book, { numRuns: BOOKS, seed })

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(() => test_database.close())

type Row = Record<string, string | number | null>

/** Rows by the columns that make their grain, in the order of the key, which must be unique. */
async function read(query: string, key: readonly string[]): Promise<Map<string, Row>> {
  const rows = await sql.query<Row>(query)
  const byKey = new Map(rows.map((row) => [key.map((name) => row[name]).join('|'), row]))
  expect(byKey.size, `${key.join()} is the grain of ${query}`).toBe(rows.length)
  return byKey
}

/** Compares what a view says, with some of its columns, against the oracle's cells. */
function expectSame<Cell>(
  rows: ReadonlyMap<string, Row>,
  columns: readonly string[],
  cells: ReadonlyMap<string, Cell>,
  valuesOf: (cell: Cell) => unknown[],
): void {
  const pick = (row: Row) => columns.map((name) => row[name])
  const actual = [...rows].map(([key, row]) => [key, ...pick(row)].join(' ')).sort()
  expect(actual).toEqual([...cells].map(([key, cell]) => [key, ...valuesOf(cell)].join(' ')).sort())
}

const spans: readonly (readonly [from: number, to: number, horizon: number])[] = [
  [0, BOOK_MONTHS - 1, 1],
  [1, 4, 2],
  [3, 3, 3],
]

function calls(view: string, from: number, to: number, more = ''): string {
  return `${view}(from_month = '${monthDate(from)}', to_month = '${monthDate(to)}'${more})`
}

test.each(books.map((one, i) => [i, one] as const))(
  'random portfolio %i',
  async (i, one) => {
    await writeBook(sql, one)
    await compareVintage(one, [1, 30, 90][i % 3] as number)
    for (const [from, to, horizon] of spans) await compareMoves(one, from, to, horizon)
    await compareRolls(one)
    await compareWorst(one)
    await compareConversion(one)
    await compareRisk(one)
  },
  120_000,
)

async function compareVintage(one: Book, threshold: number): Promise<void> {
  for (const basis of ['count', 'balance'] as const) {
    for (const series of ['ever', 'current'] as const) {
      const rows = await read(
        `SELECT * FROM vintage(threshold_dpd = ${threshold}, basis = '${basis}', series = '${series}')`,
        ['tenant', 'dataset', 'cohort', 'mob', 'product', 'channel'],
      )
      const cells = vintage(one, threshold, basis, series)
      expectSame(rows, ['loans', 'bad'], cells, ({ loans, bad }) => [loans, bad])
      for (const { loans, bad, rate, rate_low, rate_high } of rows.values()) {
        if (Number(loans) > 0) expect(rate).toBe(Number(bad) / Number(loans))
        if (basis === 'balance') continue
        expect(Number(rate_low)).toBeLessThanOrEqual(Number(rate))
        expect(Number(rate_high)).toBeGreaterThanOrEqual(Number(rate))
      }
    }
  }
}

async function compareMoves(one: Book, from: number, to: number, horizon: number): Promise<void> {
  const all = moves(one, from, to, horizon)
  const more = `, horizon_months = ${horizon}`
  const key = ['tenant', 'dataset', 'from_bucket', 'to_bucket']
  const flowRows = await read(`SELECT * FROM ${calls('migration_flows', from, to, more)}`, key)
  const columns = ['loans', 'opening_balance_minor', 'closing_balance_minor']
  expectSame(flowRows, columns, flows(all), ({ loans, opening, closing }) => [loans, opening, closing])
  const matrix = await read(`SELECT * FROM ${calls('migration_matrix', from, to, more)}`, key)
  const pairs = flows(all.filter(isPair))
  expectSame(matrix, ['loans', 'opening_balance_minor'], pairs, ({ loans, opening }) => [loans, opening])
  for (const share of ['share_of_loans', 'share_of_balance']) expectSharesOfOne(matrix, share)
  expectReconciled(one, flowRows, from, to, horizon)
  await compareMonths(all, from, to, more)
}

/** The rows of a bucket sum to one, by balance where there is any. */
function expectSharesOfOne(matrix: ReadonlyMap<string, Row>, share: string): void {
  const sums = new Map<string, number>()
  for (const row of matrix.values()) {
    const from = [row['tenant'], row['dataset'], row['from_bucket']].join('|')
    if (row[share] !== null) sums.set(from, (sums.get(from) ?? 0) + Number(row[share]))
  }
  for (const [from, sum] of sums) expect(sum, `${share} ${from}`).toBeCloseTo(1, 12)
}

/** Opening = outflows and closing = inflows: against the rows of the table, not of the oracle. */
function expectReconciled(one: Book, rows: ReadonlyMap<string, Row>, from: number, to: number, horizon: number): void {
  const flowing = new Map<string, number>()
  const held = new Map<string, number>()
  const add = (sums: Map<string, number>, key: string, value: number) => sums.set(key, (sums.get(key) ?? 0) + value)
  for (const row of rows.values()) {
    const of = `${row['tenant']}|${row['dataset']}`
    add(flowing, `opening|${of}|${row['from_bucket']}`, Number(row['opening_balance_minor']))
    add(flowing, `closing|${of}|${row['to_bucket']}`, Number(row['closing_balance_minor']))
  }
  const last = (tenant: string, dataset: string) =>
    dataset === ''
      ? (one.closed.get(tenant) ?? -1)
      : Math.max(
          ...one.loans.filter((l) => l.tenant === tenant && l.dataset === dataset).flatMap((l) => [...l.rows.keys()]),
        )
  for (const { tenant, dataset, rows: months } of one.loans) {
    for (const [month, { bucket, balance_minor }] of months) {
      const isOpening = month >= from && month <= to && month + horizon <= last(tenant, dataset)
      const isClosing = month >= from + horizon && month <= to + horizon && month <= last(tenant, dataset)
      if (isOpening) add(held, `opening|${tenant}|${dataset}|${bucket}`, balance_minor ?? 0)
      if (isClosing) add(held, `closing|${tenant}|${dataset}|${bucket}`, balance_minor ?? 0)
    }
  }
  for (const [key, sum] of held) expect([key, flowing.get(key)]).toEqual([key, sum])
}

async function compareMonths(all: readonly Move[], from: number, to: number, more: string): Promise<void> {
  const rows = await read(
    `SELECT tenant, dataset, month, sum(loans) AS loans FROM ${calls('bucket_moves', from, to, more)}
     GROUP BY tenant, dataset, month`,
    ['tenant', 'dataset', 'month'],
  )
  const counts = new Map<string, number>()
  for (const { tenant, dataset, month } of all) {
    const key = [tenant, dataset, monthDate(month)].join('|')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  expectSame(rows, ['loans'], counts, (count) => [count])
}

async function compareRolls(one: Book): Promise<void> {
  const all = moves(one, 1, BOOK_MONTHS - 1, 1)
  for (const basis of ['count', 'balance'] as const) {
    const rows = await read(`SELECT * FROM ${calls('roll_rates', 1, BOOK_MONTHS - 1, `, basis = '${basis}'`)}`, [
      'tenant',
      'dataset',
      'month',
      'stage',
    ])
    const isCounted = (row: Row) => Number(row['opening']) > 0
    const cells = new Map([...rolls(one, all, basis)].filter(([, cell]) => cell.opening > 0))
    const counted = new Map([...rows].filter(([, row]) => isCounted(row)))
    expectSame(counted, ['opening', 'rolled', 'stayed', 'improved', 'closed', 'vanished'], cells, (cell) => [
      cell.opening,
      cell.rolled,
      cell.stayed,
      cell.improved,
      cell.closed,
      cell.vanished,
    ])
    for (const [key, row] of counted) {
      const cell = cells.get(key)
      expect(row['roll_rate']).toBe(Number(row['rolled']) / Number(row['opening']))
      expect(row['cured']).toBe(row['stage'] === 0 ? null : cell?.cured)
    }
    if (basis === 'balance') {
      for (const row of rows.values()) if (row['dataset'] === 'bare') expect(row['opening']).toBeNull()
    }
    expectProducts(one, rows)
  }
}

/** rate_to_loss is the product from the stage on, and unknown where a stage on the way had no loan. */
function expectProducts(book: Book, rows: ReadonlyMap<string, Row>): void {
  for (const row of rows.values()) {
    const onward = [...rows.values()].filter(
      (other) =>
        ['tenant', 'dataset', 'month'].every((name) => other[name] === row[name]) &&
        Number(other['stage']) >= Number(row['stage']),
    )
    const rates = onward.map(({ roll_rate }) => roll_rate)
    const all = [...stagesOf(book, String(row['tenant']), String(row['dataset']))]
    const needed = all.filter((stage) => stage >= Number(row['stage']) && stage < Math.max(...all)).length
    if (rates.includes(null) || rates.length < needed) expect(row['rate_to_loss']).toBeNull()
    else
      expect(row['rate_to_loss']).toBeCloseTo(
        rates.reduce((product: number, rate) => product * Number(rate), 1),
        12,
      )
  }
}

async function compareWorst(one: Book): Promise<void> {
  for (const [observed, window] of [
    [3, 3],
    [2, 1],
  ] as const) {
    const rows = await read(
      `SELECT * FROM roll_rates_worst(observation_month = '${monthDate(observed)}', window_months = ${window})`,
      ['tenant', 'dataset', 'from_bucket', 'to_bucket'],
    )
    expectSame(rows, ['loans'], worstRolls(one, observed, window), ({ loans }) => [loans])
    expectSharesOfOne(rows, 'share_of_loans')
  }
}

async function compareConversion(one: Book): Promise<void> {
  for (const [from, to] of [
    [0, BOOK_MONTHS - 1],
    [2, 4],
  ] as const) {
    const rows = await read(`SELECT * FROM ${calls('m1_m3_conversion', from, to)}`, [
      'tenant',
      'dataset',
      'month',
      'months_since',
    ])
    const columns = ['entered', 'reached_m3', 'cured', 'still', 'closed', 'vanished']
    expectSame(rows, columns, conversion(one, from, to), (cell) => [
      cell.entered,
      cell.reached_m3,
      cell.cured,
      cell.still,
      cell.closed,
      cell.vanished,
    ])
    for (const row of rows.values()) {
      expect(row['cure_rate']).toBe((Number(row['cured']) + Number(row['closed'])) / Number(row['entered']))
    }
  }
}

async function compareRisk(one: Book): Promise<void> {
  const rows = await read(`SELECT * FROM ${calls('portfolio_at_risk', 0, BOOK_MONTHS - 1)}`, [
    'tenant',
    'dataset',
    'month',
  ])
  const columns = [
    'loans',
    'balance_minor',
    ...PAR_DAYS.map((days) => `par_${days}_loans`),
    ...PAR_DAYS.map((days) => `par_${days}_balance_minor`),
    'written_off_loans',
    'written_off_balance_minor',
  ]
  expectSame(rows, columns, risk(one), (cell) => [
    cell.loans,
    cell.balance,
    ...cell.par_loans,
    ...cell.par_balances,
    cell.lost_loans,
    cell.lost,
  ])
  for (const row of rows.values()) {
    if (Number(row['balance_minor']) === 0) continue
    expect(row['par_30']).toBe(Number(row['par_30_balance_minor']) / Number(row['balance_minor']))
  }
}

test('the portfolios have of everything: written off, closed, taken over, gaps, months that are not closed', () => {
  const loans = books.flatMap((one) => one.loans)
  expect(loans.some(({ end }) => end === WRITTEN_OFF)).toBe(true)
  expect(loans.some(({ end }) => end === 'closed')).toBe(true)
  expect(loans.some(({ taken_over }) => taken_over !== null)).toBe(true)
  const froms = new Set(books.flatMap((one) => moves(one, 0, BOOK_MONTHS, 1)).flatMap(({ from, to }) => [from, to]))
  for (const end of ['new', 'reappeared', 'closed', 'vanished', WRITTEN_OFF]) expect(froms).toContain(end)
})
