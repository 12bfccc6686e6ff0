import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { drawing } from '../../oracle/draw.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import {
  CATEGORY_ORDER,
  categoryMigration,
  categoryRates,
  type MigrationCell,
  type MonthEnd,
  makeMonthEnds,
  monthDate,
  type RateCell,
  writeMonthEnds,
} from './categories.ts'

const SEED = 20_261_125
const CASES = 6

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(() => test_database.close())

type MigrationRow = Omit<MigrationCell, 'key'> & {
  readonly dataset: string
  readonly from_category: string
  readonly to_category: string
  readonly share_of_loans: number
  readonly share_of_balance: number | null
  readonly migration_rate: number | null
  readonly migration_rate_of_loans: number | null
  readonly normal_migration_rate: number | null
}
type RateRow = Omit<RateCell, 'key'> & { readonly dataset: string; readonly rate_of: string; readonly name_zh: string }

function call(view: string, from: number, to: number, horizon: number): string {
  return `${view}(from_month = '${monthDate(from)}', to_month = '${monthDate(to)}', horizon_months = ${horizon})`
}

function readMigration(from: number, to: number, horizon: number): Promise<MigrationRow[]> {
  return sql.query(`SELECT * FROM ${call('five_category_migration', from, to, horizon)}`)
}

function readRates(from: number, to: number, horizon: number): Promise<RateRow[]> {
  return sql.query(`SELECT * FROM ${call('five_category_rates', from, to, horizon)} ORDER BY dataset, rate_of`)
}

/** January and February 2023 of one loan each: category and balance, or null where it has no row. */
function loan(name: string, ends: readonly (readonly [category: string, balance: number] | null)[]): MonthEnd[] {
  return ends.flatMap((end, month) => {
    if (end === null) return []
    const status = end[0] === 'written_off' ? 'written_off' : 'open'
    const category = status === 'open' ? end[0] : 'loss'
    return [{ dataset: '', loan: name, month, status, dpd: 0, balance_minor: end[1], category } as const]
  })
}

describe('seven loans, by hand', () => {
  beforeAll(() =>
    writeMonthEnds(sql, [
      ...loan('stays', [
        ['pass', 1000],
        ['pass', 900],
      ]),
      ...loan('down', [
        ['pass', 500],
        ['special_mention', 450],
      ]),
      ...loan('far-down', [
        ['pass', 300],
        ['substandard', 300],
      ]),
      ...loan('repaid', [['pass', 200], null]),
      ...loan('written-off', [
        ['pass', 100],
        ['written_off', 100],
      ]),
      ...loan('worse', [
        ['special_mention', 400],
        ['doubtful', 350],
      ]),
      ...loan('better', [
        ['substandard', 800],
        ['special_mention', 700],
      ]),
    ]),
  )

  test('the rates are downward amount / (opening balance − decrease)', async () => {
    const rates = await readRates(0, 0, 1)
    expect(
      rates.map((row) => [row.rate_of, row.opening_balance_minor, row.decrease_minor, row.downward_minor]),
    ).toEqual([
      // 2100 at first; 100 and 50 were paid, 200 repaid, 100 written off.
      ['normal', 2500, 500, 650],
      ['pass', 2100, 450, 750],
      ['special_mention', 400, 50, 350],
      ['substandard', 800, 100, 0],
    ])
    expect(rates.map(({ rate }) => rate)).toEqual([650 / 2000, 750 / 1650, 1, 0])
    expect(rates.map(({ name_zh }) => name_zh)).toEqual([
      '正常贷款迁徙率',
      '正常类贷款迁徙率',
      '关注类贷款迁徙率',
      '次级类贷款迁徙率',
    ])
  })

  test('the matrix has each loan once, with those written off and gone, and the rates beside them', async () => {
    const rows = (await readMigration(0, 0, 1)).filter((row) => row.from_category === 'pass')
    const cells = rows.map((row) => [row.to_category, row.loans, row.opening_balance_minor, row.closing_balance_minor])
    expect(cells.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual([
      ['gone', 1, 200, 0],
      ['pass', 1, 1000, 900],
      ['special_mention', 1, 500, 450],
      ['substandard', 1, 300, 300],
      ['written_off', 1, 100, 0],
    ])
    for (const row of rows) {
      expect(row).toMatchObject({ share_of_loans: 0.2, migration_rate: 750 / 1650, migration_rate_of_loans: 2 / 3 })
      expect(row.normal_migration_rate).toBe(650 / 2000)
    }
  })

  test('a month end that the data set does not have yet makes no loan gone', async () => {
    expect(await readMigration(0, 1, 1)).toHaveLength((await readMigration(0, 0, 1)).length)
    expect(await readMigration(1, 1, 1)).toEqual([])
  })

  test('a horizon of no months is refused', async () => {
    await expect(readMigration(0, 0, 0)).rejects.toThrow('horizon_months is at least 1')
  })
})

test(`on random month ends the views equal the plain computation (seed ${SEED})`, async () => {
  for (let k = 0; k < CASES; k++) {
    const draw = drawing(SEED + k)
    const rows = makeMonthEnds(draw)
    await writeMonthEnds(sql, rows)
    const from = draw.below(8)
    const to = from + draw.below(9 - from)
    const horizon = 1 + draw.below(4)
    const migration = await readMigration(from, to, horizon)
    const cells = migration.map((row) => ({
      key: `${row.dataset}|${row.from_category}|${row.to_category}`,
      loans: row.loans,
      opening_balance_minor: row.opening_balance_minor,
      closing_balance_minor: row.closing_balance_minor,
      decrease_minor: row.decrease_minor,
    }))
    expect(cells.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(categoryMigration(rows, from, to, horizon))
    const rates = (await readRates(from, to, horizon)).map(({ dataset, rate_of, ...row }) => ({
      key: `${dataset}|${rate_of}`,
      loans: row.loans,
      opening_balance_minor: row.opening_balance_minor,
      decrease_minor: row.decrease_minor,
      downward_minor: row.downward_minor,
      rate: row.rate,
    }))
    const expected = categoryRates(rows, from, to, horizon)
    expect(rates.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(expected)
    for (const row of migration) {
      const rate = expected.find(({ key }) => key === `${row.dataset}|${row.from_category}`)?.rate ?? null
      expect([row.from_category, row.migration_rate]).toEqual([row.from_category, rate])
      const normal = expected.find(({ key }) => key === `${row.dataset}|normal`)?.rate ?? null
      expect(row.normal_migration_rate).toBe(normal)
      expect(CATEGORY_ORDER).toContain(row.from_category)
    }
  }
}, 60_000)
