import { afterAll, beforeAll, expect, test } from 'vitest'
import { dayOfDate } from '../../../features/time.ts'
import type { Sql } from '../../../sql/client.ts'
import { ensureFeatureColumns, migrate } from '../../../sql/migrate.ts'
import { readTrainingSet } from '../../../sql/queries/training-set.ts'
import { createFeaturesBlock } from '../../../sql/tables/features.ts'
import { createLoanDaysBlock, LOAN_DAYS_COLUMNS } from '../../../sql/tables/loan-days.ts'
import { createLoanMonthsBlock } from '../../../sql/tables/loan-months.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { recordOf, writeEvents } from './events.ts'

/** Ticks of two partitions with two slices; the last day is closed in one partition only. */
const TICKS: readonly (readonly [date: string, slice: number, partitions: readonly number[]])[] = [
  ['2024-01-31', 0, [0, 1]],
  ['2024-01-31', 1, [0, 1]],
  ['2024-02-15', 0, [0, 1]],
  ['2024-02-15', 1, [0, 1]],
  ['2024-02-29', 0, [0, 1]],
  ['2024-02-29', 1, [0, 1]],
  ['2024-04-30', 0, [0, 1]],
  ['2024-04-30', 1, [0, 1]],
  ['2024-05-29', 0, [0, 1]],
  ['2024-05-29', 1, [0]],
]
const offsetOf = (date: string, slice: number) => TICKS.findIndex(([d, s]) => d === date && s === slice)

type Month = readonly [borrower: string, loan: string, month: string, dpd: number, worst: number, status?: string]
type Day = readonly [borrower: string, loan: string, date: string, dpd: number, offset: number, status?: string]

const MONTHS: readonly Month[] = [
  // Goes bad on the 90th day after January's end, and on the 91st.
  ['bad90', 'a', '2024-01-01', 0, 0],
  ['bad91', 'b', '2024-01-01', 0, 0],
  // Was past due at the month end; a second loan does not hide it.
  ['late', 'c', '2024-01-01', 5, 5],
  ['late', 'c2', '2024-01-01', 0, 0],
  // Was at 30 before on a loan that is closed by now.
  ['before', 'd', '2024-01-01', 0, 0],
  // Written off within the 90 days, without ever reaching 30.
  ['loss', 'e', '2024-01-01', 0, 0],
  // At 30 for a day, as it seemed until a payment dated back came in.
  ['mended', 'f', '2024-01-01', 0, 0],
  // Goes bad with a loan that was not open at the month end.
  ['later', 'g', '2024-01-01', 0, 0],
  ['later', 'g2', '2024-02-01', 0, 0],
  // Written off by the month end: not open, and no clean history.
  ['gone', 'h', '2024-01-01', 95, 95, 'written_off'],
]
const DAYS: readonly Day[] = [
  ['bad90', 'a', '2024-04-30', 30, 9],
  ['bad91', 'b', '2024-05-01', 30, 9],
  ['before', 'd0', '2023-12-10', 30, 1],
  ['loss', 'e', '2024-03-01', 12, 9, 'written_off'],
  ['mended', 'f', '2024-03-15', 30, 7],
  ['mended', 'f', '2024-03-15', 0, 8],
  ['later', 'g2', '2024-03-31', 31, 9],
]
const FEATURES: readonly (readonly [borrower: string, date: string, slice: number, value: number])[] = [
  ...['bad90', 'bad91', 'late', 'before', 'loss', 'mended', 'later', 'gone'].map(
    (borrower, i) => [borrower, '2024-01-31', i % 2, i] as const,
  ),
  // A tick that is no month end, and a month end whose 90 days are not closed in both partitions.
  ['bad91', '2024-02-15', 1, 50],
  ['later', '2024-02-29', 0, 60],
]

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
  await ensureFeatureColumns(sql, ['x', 'y'])
  await writeEvents(
    sql,
    TICKS.flatMap(([date, slice, partitions], offset) =>
      partitions.map((partition) => ({
        record: recordOf({
          partition,
          offset,
          event: { type: 'day.closed', subject: '', data: { date, slice, slices: 2 } },
        }),
      })),
    ),
  )
  const own = { tenant: 'default', dataset: '', partition: 0, category: '', category_clause: '' }
  const months = createLoanMonthsBlock()
  for (const [borrower, loan, month, dpd, worst_dpd, status = 'open'] of MONTHS) {
    const day = dayOfDate(month)
    months.append({
      ...own,
      borrower,
      loan,
      month: day,
      mob: 0,
      cohort: day,
      product: '',
      channel: '',
      status,
      dpd,
      worst_dpd,
      bucket: '',
      balance_minor: 1,
      overdue_minor: 0,
      is_worst_dpd_known: 1,
      offset: 0,
    })
  }
  const days = createLoanDaysBlock()
  for (const [borrower, loan, date, dpd, offset, status = 'open'] of DAYS) {
    const amounts = Object.fromEntries(
      Object.keys(LOAN_DAYS_COLUMNS)
        .filter((name) => name.endsWith('_minor'))
        .map((name) => [name, 0]),
    ) as Record<Extract<keyof typeof LOAN_DAYS_COLUMNS, `${string}_minor`>, number>
    const day = dayOfDate(date)
    const key = { ...own, borrower, loan, date: day, known_date: day, offset, seq: 0 }
    days.append({ ...key, ...amounts, status, dpd, bucket: '' })
  }
  const features = createFeaturesBlock(['x', 'y'])
  for (const [borrower, date, slice, value] of FEATURES) {
    const key = { tenant: 'default', partition: 0, type: 'day.closed', time: 1, late_ms: 0, generation: 0 }
    features.append({ ...key, offset: offsetOf(date, slice), borrower }, Float64Array.of(value, Number.NaN), 0)
  }
  // An event of the same day is no month end.
  const event = { tenant: 'default', partition: 0, type: 'repayment.received', time: 1, late_ms: 0, generation: 0 }
  features.append({ ...event, offset: 100, borrower: 'bad90' }, Float64Array.of(99, 99), 0)
  await sql.insertBlock('loan_months', months)
  await sql.insertBlock('loan_days', days)
  await sql.insertBlock('features', features)
})
afterAll(() => test_database.close())

test('rows are clean borrowers at month ends whose 90 days are closed; the label looks at the loans open then', async () => {
  const csv = Buffer.from(await readTrainingSet(sql, 'default', 'CSVWithNames')).toString()
  expect(csv.trim().split('\n')).toEqual([
    '"borrower","month_end","label","x","y"',
    '"bad90","2024-01-31",1,0,\\N',
    '"bad91","2024-01-31",0,1,\\N',
    '"later","2024-01-31",0,6,\\N',
    '"loss","2024-01-31",1,4,\\N',
    '"mended","2024-01-31",0,5,\\N',
  ])
})

test('a tenant has its own rows only', async () => {
  expect(await readTrainingSet(sql, 'other', 'TSV')).toHaveLength(0)
})
