import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { CLOSED_THROUGH, type DayLoan, dateOf, dayLoans, firstPayments } from '../../oracle/portfolio-days.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { insert } from './write-book.ts'

/** Views over days, contacts and warnings. */

const seed = Math.floor(Math.random() * 0x7fffffff)
console.log(`random days of loans: seed ${seed}`)

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
  const days = Array.from({ length: CLOSED_THROUGH + 1 }, (_, day) => day)
  const shape = { partition: 0, slice: 0, slices: 1, partitions: 1 }
  const closings = ['default', 'other'].flatMap((tenant) =>
    days.map((day) => ({ tenant, date: dateOf(day), day_end: `${dateOf(day)} 15:59:59.999`, ...shape, offset: day })),
  )
  await insert(sql, 'closed_days', closings)
})
afterAll(() => test_database.close())

async function writeLoans(loans: readonly DayLoan[]): Promise<void> {
  for (const table of ['loans', 'loan_days']) await sql.command(`TRUNCATE TABLE ${table}`)
  const rows = loans.map(({ tenant, product, dues }, i) => {
    const common = { tenant, loan: `L${i}`, borrower: `b${i}`, product, channel: 'app', cohort: '2024-01-01' }
    return { ...common, status: 'open', first_due_dates: dues.map(dateOf), offset: i, version: 1 }
  })
  await insert(sql, 'loans', rows)
  const days = loans.flatMap(({ tenant, states }, i) =>
    states.map(({ date, offset, dpd, is_written_off }) => {
      const status = is_written_off ? 'written_off' : 'open'
      const bucket = is_written_off ? 'written_off' : dpd === 0 ? 'current' : dpd > 30 ? 'M2' : 'M1'
      return { tenant, loan: `L${i}`, borrower: `b${i}`, date: dateOf(date), offset, status, dpd, bucket }
    }),
  )
  await insert(sql, 'loan_days', days)
}

test('on random loans first_payment_default equals the plain computation', async () => {
  for (const loans of fc.sample(dayLoans, { numRuns: 2, seed })) {
    await writeLoans(loans)
    const rows = await sql.query<Record<string, string | number>>(
      "SELECT * FROM first_payment_default(from_month = '2024-01-01', to_month = '2024-01-01')",
    )
    const actual = rows.map((row) => {
      const key = [row['tenant'], row['product'], row['measure'], row['days_past_due']].join('|')
      return [key, row['loans'], row['matured'], row['bad'], row['is_matured']].join(' ')
    })
    const expected = [...firstPayments(loans)].map(([key, cell]) =>
      [key, cell.loans, cell.matured, cell.bad, Number(cell.matured === cell.loans)].join(' '),
    )
    expect(actual.sort()).toEqual(expected.sort())
    expect(rows.some(({ bad }) => Number(bad) > 0)).toBe(true)
  }
})

/** One loan: late from day 10 on, paid on day 45, late again from day 60 to the end. */
async function writeOneLoan(): Promise<void> {
  const late = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => ({ date: from + i, dpd: i + 1 }))
  const states = [{ date: 0, dpd: 0 }, ...late(10, 44), { date: 45, dpd: 0 }, ...late(60, CLOSED_THROUGH)]
  await writeLoans([
    {
      tenant: 'default',
      product: 'cash',
      dues: [9, 40, 70],
      states: states.map((state, offset) => ({ ...state, offset, is_written_off: false })),
    },
  ])
  // What was paid so far grows on day 45.
  await sql.command(
    "ALTER TABLE loan_days UPDATE paid_minor = if(date >= '2024-02-15', 500, 0) WHERE 1 SETTINGS mutations_sync = 2",
  )
}

test('warning_outcomes gives the days from the opening to the first day at DPD 1, 30 and 90', async () => {
  await writeOneLoan()
  const signals = JSON.stringify([
    { signal: 'past_due@1', family: 'repayment_habit', severity: 'yellow' },
    { signal: 'query_burst@1', family: 'multi_lender', severity: 'blue' },
  ])
  const common = { tenant: 'default', borrower: 'b0', severity: 'yellow', signals, type: 'opened' }
  await insert(sql, 'warnings', [
    // Opened by an event in the night of day 6, which is day 7 in the tenant's zone.
    { ...common, warning_id: 'w1', feed_seq: 1, time: '2024-01-07 20:00:00.000', trigger_id: 'e' },
    // By the tick of day 50, when the loan had been paid.
    { ...common, warning_id: 'w2', feed_seq: 2, time: '2024-02-20 15:59:59.999', trigger_date: '2024-02-20' },
    { ...common, warning_id: 'w2', feed_seq: 3, time: '2024-02-22 15:59:59.999', type: 'cleared' },
  ])
  const rows = await sql.query<Record<string, string | number | null>>(
    'SELECT * FROM warning_outcomes(horizon_days = 40) ORDER BY warning_id, signal',
  )
  const lead = [
    'warning_id',
    'opened_on',
    'signal',
    'lead_days_1',
    'lead_days_30',
    'lead_days_90',
    'is_matured',
    'is_hit_30',
  ]
  expect(rows.map((row) => lead.map((name) => row[name]))).toEqual([
    ['w1', dateOf(7), 'past_due@1', 3, 32, null, 1, 1],
    ['w1', dateOf(7), 'query_burst@1', 3, 32, null, 1, 1],
    ['w2', dateOf(50), 'past_due@1', 10, 39, null, 1, 1],
    ['w2', dateOf(50), 'query_burst@1', 10, 39, null, 1, 1],
  ])
  expect(rows[0]).toMatchObject({ first_dpd_1: dateOf(10), first_dpd_30: dateOf(39), first_dpd_90: null })
})

test('collection_performance follows each contact by the stage before it', async () => {
  await writeOneLoan()
  const common = { tenant: 'default', borrower: 'b0', loan: 'L0', channel: 'call' }
  const contact = (day: number, result: string, more: Record<string, string> = {}) => ({
    ...common,
    date: dateOf(day),
    contacted_at: `${dateOf(day)} 02:00:00.000`,
    result,
    offset: day,
    ...more,
  })
  await insert(sql, 'contacts', [
    // Two days before the payment; a week before the second bucket; too late to have seven closed days.
    contact(43, 'promised'),
    contact(38, 'no_answer', { loan: '' }),
    contact(92, 'no_answer'),
    // On the day of the payment: what counts is the evening before.
    contact(45, 'visited'),
    contact(30, 'promised', { loan: 'of-somebody-else' }),
  ])
  const rows = await sql.query<Record<string, string | number | null>>(
    `SELECT * FROM collection_performance(from_date = '${dateOf(20)}', to_date = '${dateOf(95)}', within_days = 7)
     WHERE action = 'contact' ORDER BY month, result`,
  )
  const columns = ['month', 'result', 'stage', 'actions', 'matured', 'paid', 'cured', 'rolled', 'paid_rate']
  expect(rows.map((row) => columns.map((name) => row[name]))).toEqual([
    ['2024-02-01', 'no_answer', 'M1', 1, 1, 1, 1, 0, 1],
    ['2024-02-01', 'promised', 'M2', 1, 1, 1, 1, 0, 1],
    ['2024-02-01', 'visited', 'M2', 1, 1, 1, 1, 0, 1],
    ['2024-04-01', 'no_answer', 'M2', 1, 0, 0, 0, 0, null],
  ])
  const [rolled] = await sql.query<{ rolled: number; paid: number }>(
    `SELECT rolled, paid FROM collection_performance(from_date = '${dateOf(38)}', to_date = '${dateOf(38)}', within_days = 3)
     WHERE action = 'contact'`,
  )
  expect(rolled).toEqual({ rolled: 1, paid: 0 })
})

test('loan_card tells the buckets, contacts and warnings in the order of their dates', async () => {
  const rows = await sql.query<{ date: string; kind: string; text: string }>("SELECT * FROM loan_card(loan = 'L0')")
  const told = rows.filter(({ kind }) => kind === 'bucket').map(({ date, text }) => [date, text])
  expect(told).toEqual([
    [dateOf(10), 'current -> M1'],
    [dateOf(40), 'M1 -> M2'],
    [dateOf(45), 'M2 -> current'],
    [dateOf(60), 'current -> M1'],
    [dateOf(90), 'M1 -> M2'],
  ])
  const kinds = new Set(rows.map(({ kind }) => kind))
  expect([...kinds].sort()).toEqual(['bucket', 'contact', 'loan', 'warning'])
  expect(rows.map(({ date }) => date)).toEqual(rows.map(({ date }) => date).sort())
})
