import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { type Book, type BookLoan, bucketOf, type MonthRow, WRITTEN_OFF } from '../../oracle/portfolio.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { writeBook } from './write-book.ts'

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(() => test_database.close())

type VintageRow = {
  readonly tenant: string
  readonly dataset: string
  readonly cohort: string
  readonly mob: number
  readonly product: string
  readonly channel: string
  readonly loans: number
  readonly bad: number
  readonly rate: number
  readonly rate_low: number | null
  readonly rate_high: number | null
}
type MatrixRow = {
  readonly tenant: string
  readonly from_bucket: string
  readonly to_bucket: string
  readonly loans: number
  readonly opening_balance_minor: number | null
  readonly share_of_loans: number
  readonly share_of_balance: number | null
}

function readVintage(threshold: number, basis: string, series: string): Promise<VintageRow[]> {
  return sql.query(
    `SELECT * FROM vintage(threshold_dpd = ${threshold}, basis = '${basis}', series = '${series}') ORDER BY cohort, mob`,
  )
}

function readMatrix(from: string, to: string, horizon: number): Promise<MatrixRow[]> {
  return sql.query(
    `SELECT * FROM migration_matrix(from_month = '${from}', to_month = '${to}', horizon_months = ${horizon})
     ORDER BY from_bucket, to_bucket`,
  )
}

/** A loan of January 2023 by DPD and balance at each month end; in its last one it is written off, if it is. */
function loan(
  name: string,
  end: BookLoan['end'],
  months: readonly (readonly [dpd: number, balance: number])[],
): BookLoan {
  const rows = new Map<number, MonthRow>()
  let worst = 0
  for (const [month, [dpd, balance_minor]] of months.entries()) {
    worst = Math.max(worst, dpd)
    const is_written_off = end === WRITTEN_OFF && month === months.length - 1
    const bucket = is_written_off ? WRITTEN_OFF : bucketOf(dpd)
    rows.set(month, { dpd, worst, bucket, balance_minor, is_written_off })
  }
  return {
    tenant: 'default',
    dataset: '',
    loan: name,
    product: 'cash',
    channel: 'app',
    principal_minor: 100,
    cohort: 0,
    rows,
    end,
    end_month: end === 'open' ? null : months.length - (end === WRITTEN_OFF ? 1 : 0),
    worst,
    lost_minor: end === WRITTEN_OFF ? (months.at(-1)?.[1] ?? 0) : 0,
    taken_over: null,
    is_worst_known: true,
  }
}

/**
 * Five loans of January 2023, followed to April. By hand, at DPD ≥ 30:
 *   A pays. B is 35 days late in February and cures in March. C is closed in March after 40 days late in February.
 *   D is 31, 61, 92 days late. E is 33 days late in February and written off in March.
 */
const FIVE: Book = {
  closed: new Map([['default', 3]]),
  loans: [
    loan('A', 'open', [
      [0, 100],
      [0, 90],
      [0, 80],
      [0, 70],
    ]),
    loan('B', 'open', [
      [0, 100],
      [35, 100],
      [0, 80],
      [0, 70],
    ]),
    loan('C', 'closed', [
      [0, 100],
      [40, 100],
    ]),
    loan('D', 'open', [
      [0, 100],
      [31, 100],
      [61, 100],
      [92, 100],
    ]),
    loan('E', 'written_off', [
      [5, 100],
      [33, 95],
      [64, 95],
    ]),
  ],
}

describe('five loans, counted by hand', () => {
  beforeAll(() => writeBook(sql, FIVE))

  test('ever past 30: a loan stays bad when it cures, is closed or written off; the cohort stays five', async () => {
    const rows = await readVintage(30, 'count', 'ever')
    expect(rows.map(({ mob, loans, bad, rate }) => [mob, loans, bad, rate])).toEqual([
      [0, 5, 0, 0],
      [1, 5, 4, 0.8],
      [2, 5, 4, 0.8],
      [3, 5, 4, 0.8],
    ])
    expect(rows[0]).toMatchObject({
      tenant: 'default',
      dataset: '',
      cohort: '2023-01-01',
      product: 'cash',
      channel: 'app',
    })
  })

  test('currently past 30: B has cured, C is closed, E is written off and stays', async () => {
    const rows = await readVintage(30, 'count', 'current')
    expect(rows.map(({ bad }) => bad)).toEqual([0, 4, 2, 2])
  })

  test('past 60 and past 90 follow D, and E is bad by its write-off', async () => {
    expect((await readVintage(60, 'count', 'ever')).map(({ bad }) => bad)).toEqual([0, 0, 2, 2])
    expect((await readVintage(90, 'count', 'ever')).map(({ bad }) => bad)).toEqual([0, 0, 1, 2])
  })

  test('by balance: of what was disbursed, what the bad loans still owe', async () => {
    const ever = await readVintage(30, 'balance', 'ever')
    expect(ever.map(({ loans, bad }) => [loans, bad])).toEqual([
      [500, 0],
      [500, 100 + 100 + 100 + 95],
      [500, 80 + 100 + 95],
      [500, 70 + 100 + 95],
    ])
    expect(ever.map(({ rate_low, rate_high }) => [rate_low, rate_high])).toEqual(ever.map(() => [null, null]))
    expect((await readVintage(30, 'balance', 'current')).map(({ bad }) => bad)).toEqual([0, 395, 195, 195])
  })

  test('the interval is Wilson’s at 95 %', async () => {
    const [none, four] = await readVintage(30, 'count', 'ever')
    // 0 of 5 and 4 of 5, from the closed formula.
    expect(none!.rate_low).toBe(0)
    expect(none!.rate_high).toBeCloseTo(0.43448, 5)
    expect(four!.rate_low).toBeCloseTo(0.37553, 5)
    expect(four!.rate_high).toBeCloseTo(0.96378, 5)
  })

  test('from February to March: B cures, D rolls on, E is written off; C, which has no row, is no pair', async () => {
    const rows = await readMatrix('2023-02-01', '2023-02-01', 1)
    expect(rows.map((row) => [row.from_bucket, row.to_bucket, row.loans, row.opening_balance_minor])).toEqual([
      ['M2', 'M3', 1, 100],
      ['M2', 'current', 1, 100],
      ['M2', 'written_off', 1, 95],
      ['current', 'current', 1, 90],
    ])
    expect(rows.map((row) => row.share_of_loans)).toEqual([1 / 3, 1 / 3, 1 / 3, 1])
    expect(rows.map((row) => row.share_of_balance)).toEqual([100 / 295, 100 / 295, 95 / 295, 1])
  })

  test('over three months the months between do not matter', async () => {
    const rows = await readMatrix('2023-01-15', '2023-01-31', 3)
    expect(rows.map((row) => [row.from_bucket, row.to_bucket, row.loans])).toEqual([
      ['current', 'M4', 1],
      ['current', 'current', 2],
    ])
  })

  test('a session that does not merge rows while reading gets the same answers', async () => {
    const plain = 'SETTINGS final = 0'
    const statement =
      "SELECT mob, loans, bad FROM vintage(threshold_dpd = 30, basis = 'count', series = 'ever') ORDER BY mob"
    expect(await sql.query(`${statement} ${plain}`)).toEqual(await sql.query(statement))
    const matrix =
      "SELECT * FROM migration_matrix(from_month = '2023-01-01', to_month = '2023-03-01', horizon_months = 1)"
    expect(await sql.query(`${matrix} ORDER BY ALL ${plain}`)).toEqual(await sql.query(`${matrix} ORDER BY ALL`))
  })

  test('another basis or series than the two is refused', async () => {
    await expect(readVintage(30, 'counts', 'ever')).rejects.toThrow('basis is count or balance')
    await expect(readVintage(30, 'count', 'never')).rejects.toThrow('series is ever or current')
  })
})

describe('imported tapes', () => {
  test('loans are those with a row at that month end, and balances that a tape lacks are NULL', async () => {
    await writeBook(sql, { loans: [], closed: new Map() })
    await sql.command(
      `INSERT INTO loan_months (tenant, dataset, loan, month, mob, cohort, dpd, worst_dpd, bucket, balance_minor, status) VALUES
       ('default', 'tape', 'x', '2023-01-01', 0, '2023-01-01', 0, 0, 'C', NULL, 'open'),
       ('default', 'tape', 'y', '2023-01-01', 0, '2023-01-01', 30, 30, '30-59', NULL, 'open'),
       ('default', 'tape', 'y', '2023-02-01', 1, '2023-01-01', 60, 60, '60-89', NULL, 'open')`,
    )
    const rows = await readVintage(30, 'count', 'ever')
    expect(rows.map(({ dataset, mob, loans, bad }) => [dataset, mob, loans, bad])).toEqual([
      ['tape', 0, 2, 1],
      ['tape', 1, 1, 1],
    ])
    expect((await readVintage(30, 'balance', 'ever')).map(({ loans, bad }) => [loans, bad])).toEqual([
      [null, null],
      [null, null],
    ])
    expect(await readMatrix('2023-01-01', '2023-01-01', 1)).toEqual([
      {
        tenant: 'default',
        dataset: 'tape',
        from_bucket: '30-59',
        to_bucket: '60-89',
        loans: 1,
        opening_balance_minor: null,
        share_of_loans: 1,
        share_of_balance: null,
      },
    ])
  })
})
