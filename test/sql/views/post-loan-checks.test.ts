import { afterAll, beforeAll, expect, test } from 'vitest'
import { dateOfDay, dayOfDate } from '../../../features/time.ts'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { type Draw, drawing } from '../../oracle/draw.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'

const SEED = 20_261_126
const LOANS = 300
const FIRST_DAY = dayOfDate('2024-01-01')

let test_database: TestDatabase
let sql: Sql
beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(() => test_database.close())

type Made = {
  readonly loan: string
  readonly borrower: string
  readonly disbursed: number
  readonly takenOver: number | null
  readonly isSelfDirected: boolean
  readonly ended: number | null
  readonly categories: readonly { readonly day: number; readonly category: string }[]
}
type Inspection = { readonly borrower: string; readonly loan: string; readonly day: number }
type Warning = { readonly borrower: string; readonly day: number; readonly type: string; readonly severity: string }
type Book = { readonly loans: Made[]; readonly inspections: Inspection[]; readonly warnings: Warning[] }

function makeBook(draw: Draw): Book {
  const loans = Array.from({ length: LOANS }, (_, k): Made => {
    const disbursed = FIRST_DAY + draw.below(400)
    const days = Array.from({ length: draw.below(4) }, () => disbursed + draw.below(400))
    return {
      loan: `l${k}`,
      borrower: `b${k % 200}`,
      disbursed,
      takenOver: draw.chance(0.1) ? disbursed + draw.below(100) : null,
      isSelfDirected: draw.chance(0.4),
      ended: draw.chance(0.2) ? disbursed + draw.below(400) : null,
      categories: days
        .toSorted((a, b) => a - b)
        .map((day) => ({
          day,
          category: draw.of(['pass', 'pass', 'special_mention', 'substandard', 'doubtful', 'loss']),
        })),
    }
  })
  const inspections = loans.flatMap(({ loan, borrower, disbursed }) =>
    Array.from({ length: draw.below(4) }, () => ({
      borrower,
      loan: draw.chance(0.8) ? loan : '',
      day: disbursed - 5 + draw.below(300),
    })),
  )
  const warnings = loans.slice(0, 60).flatMap(({ borrower, disbursed }) => {
    const day = disbursed + draw.below(200)
    const severity = draw.of(['yellow', 'orange', 'red'])
    const opened = { borrower, day, type: 'opened', severity }
    return draw.chance(0.5) ? [opened] : [opened, { borrower, day: day + 40, type: 'cleared', severity }]
  })
  return { loans, inspections, warnings }
}

async function write({ loans, inspections, warnings }: Book): Promise<void> {
  const date = (day: number | null) => (day === null ? 'NULL' : `'${dateOfDay(day)}'`)
  const insert = (table: string, columns: string, rows: string[]) =>
    sql.command(
      `INSERT INTO ${table} (tenant, ${columns}) VALUES ${rows.map((row) => `('default', ${row})`).join(', ')}`,
    )
  await insert(
    'loans',
    'loan, borrower, disbursed_date, taken_over_at, is_self_directed, status, status_date, version',
    loans.map((one) => {
      const status = one.ended === null ? 'open' : 'closed'
      const dates = `${date(one.disbursed)}, ${date(one.takenOver)}, ${Number(one.isSelfDirected)}`
      return `'${one.loan}', '${one.borrower}', ${dates}, '${status}', ${date(one.ended)}, 1`
    }),
  )
  await insert(
    'loan_days',
    'loan, date, offset, category',
    loans.flatMap((one) =>
      one.categories.map(({ day, category }, k) => `'${one.loan}', ${date(day)}, ${k}, '${category}'`),
    ),
  )
  await insert(
    'inspections',
    'borrower, loan, date, offset',
    inspections.map((one, k) => `'${one.borrower}', '${one.loan}', ${date(one.day)}, ${k}`),
  )
  await insert(
    'warnings',
    'borrower, time, type, severity, feed_seq',
    warnings.map(
      (one, k) => `'${one.borrower}', '${dateOfDay(one.day)} 12:00:00', '${one.type}', '${one.severity}', ${k + 1}`,
    ),
  )
}

type Check = {
  readonly loan: string
  readonly segment: string
  readonly check: string
  readonly due_date: string
  readonly last_inspection: string | null
  readonly status: string
  readonly days_overdue: number
}

/** `drawn` are the loans that the month's sample has. */
function checksOf({ loans, inspections, warnings }: Book, at: number, drawn: ReadonlySet<string>): Check[] {
  const rows: Check[] = []
  for (const one of loans) {
    const start = one.takenOver ?? one.disbursed
    if (start > at || (one.ended !== null && one.ended <= at)) continue
    const category = one.categories.findLast(({ day }) => day <= at)?.category ?? ''
    const warning = warnings.findLast(({ borrower, day }) => borrower === one.borrower && day <= at)
    const severity = warning === undefined || warning.type === 'cleared' ? '' : warning.severity
    let [segment, months] = ['half_year', 6]
    if (category === 'special_mention' || severity === 'yellow') [segment, months] = ['quarterly', 3]
    if (['substandard', 'doubtful', 'loss'].includes(category) || ['orange', 'red'].includes(severity)) {
      ;[segment, months] = ['monthly', 1]
    }
    const done = inspections
      .filter((other) => other.borrower === one.borrower && (other.loan === '' || other.loan === one.loan))
      .map(({ day }) => day)
      .filter((day) => day >= start && day <= at)
    const last = done.length === 0 ? null : Math.max(...done)
    const routine = addMonths(last ?? start, months)
    let [check, due] = [segment, routine]
    const monthStart = dayOfDate(`${dateOfDay(at).slice(0, 7)}-01`)
    if (one.takenOver === null && last === null) [check, due] = ['first', start + (one.isSelfDirected ? 3 : 7)]
    else if (segment === 'half_year' && drawn.has(one.loan) && (last === null || last < monthStart)) {
      ;[check, due] = ['sample', Math.min(routine, addMonths(monthStart, 1) - 1)]
    }
    rows.push({
      loan: one.loan,
      segment,
      check,
      due_date: dateOfDay(due),
      last_inspection: last === null ? null : dateOfDay(last),
      status: due < at ? 'overdue' : due < at + 7 ? 'due' : 'done',
      days_overdue: Math.max(0, at - due),
    })
  }
  return rows.sort((a, b) => (a.loan < b.loan ? -1 : 1))
}

function addMonths(day: number, months: number): number {
  const [year, month, date] = dateOfDay(day).split('-').map(Number) as [number, number, number]
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate()
  return Date.UTC(year, month - 1 + months, Math.min(date, last)) / 86_400_000
}

test(`post_loan_checks is the plain computation on random books (seed ${SEED})`, async () => {
  const book = makeBook(drawing(SEED))
  await write(book)
  const seen = new Set<string>()
  for (const at of [FIRST_DAY + 90, FIRST_DAY + 251, FIRST_DAY + 400]) {
    const date = dateOfDay(at)
    const drawn = await sql.query<{ loan: string }>(
      `SELECT loan FROM loans WHERE cityHash64(loan, toStartOfMonth(toDate('${date}'))) % 100 < 5`,
    )
    const rows = await sql.query<Check>(
      `SELECT loan, segment, check, due_date, last_inspection, status, days_overdue
       FROM post_loan_checks(date = '${date}') ORDER BY loan`,
    )
    expect(rows).toEqual(checksOf(book, at, new Set(drawn.map(({ loan }) => loan))))
    for (const { check, status } of rows) seen.add(check).add(status)
  }
  expect([...seen].sort()).toEqual(['done', 'due', 'first', 'half_year', 'monthly', 'overdue', 'quarterly', 'sample'])
}, 60_000)
