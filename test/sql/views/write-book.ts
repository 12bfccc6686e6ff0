import type { Sql } from '../../../sql/client.ts'
import { quoteString } from '../../../sql/client.ts'
import { BOOK_MONTHS, type Book, type BookLoan, monthDate } from '../../oracle/portfolio.ts'

const PARTITIONS = 2
const SLICES = 2

/** Writes a book as the sink and an importer would: month ends as they were closed, loans as they stand at the end. */
export async function writeBook(sql: Sql, book: Book): Promise<void> {
  for (const table of ['loans', 'loan_months', 'loan_days', 'closed_days']) await sql.command(`TRUNCATE TABLE ${table}`)
  const own = book.loans.filter(({ dataset }) => dataset === '')
  await insert(sql, 'loans', own.map(loanRow))
  // What a loan looked like at first was written too, and is superseded.
  await insert(
    sql,
    'loans',
    own.map((loan, i) => ({ ...loanRow(loan, i), status: 'open', worst_dpd: 0, version: 1 })),
  )
  const months = book.loans.flatMap(monthRows)
  await insert(sql, 'loan_months', months)
  // A replay after a crash writes rows again: nothing may count twice.
  await insert(sql, 'loan_months', months)
  await insert(
    sql,
    'closed_days',
    [...book.closed].flatMap(([tenant, closed]) => closings(tenant, closed)),
  )
}

function loanRow(loan: BookLoan, offset: number) {
  return {
    tenant: loan.tenant,
    loan: loan.loan,
    borrower: `b-${loan.loan}`,
    product: loan.product,
    channel: loan.channel,
    principal_minor: loan.principal_minor,
    cohort: monthDate(loan.cohort),
    status: loan.end,
    ...(loan.end_month === null ? {} : { status_date: lastDay(loan.end_month) }),
    worst_dpd: loan.worst,
    written_off_balance_minor: loan.lost_minor,
    ...(loan.taken_over === null ? {} : { taken_over_at: lastDay(loan.taken_over) }),
    is_worst_dpd_known: Number(loan.is_worst_known),
    offset,
    version: 2,
  }
}

function monthRows(loan: BookLoan, offset: number) {
  return [...loan.rows].map(([month, row]) => ({
    tenant: loan.tenant,
    dataset: loan.dataset,
    loan: loan.loan,
    borrower: `b-${loan.loan}`,
    month: monthDate(month),
    mob: month - loan.cohort,
    cohort: monthDate(loan.cohort),
    product: loan.product,
    channel: loan.channel,
    status: row.is_written_off ? 'written_off' : 'open',
    dpd: row.dpd,
    worst_dpd: row.worst,
    bucket: row.bucket,
    balance_minor: row.balance_minor,
    is_worst_dpd_known: Number(loan.is_worst_known),
    offset,
  }))
}

/** Each month's last day in every partition and slice up to the closed one, and of the next in all slices but one. */
function closings(tenant: string, closed: number) {
  const rows: Record<string, string | number>[] = []
  for (let month = 0; month < BOOK_MONTHS; month++) {
    const date = lastDay(month)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (let slice = 0; slice < SLICES; slice++) {
        const isLastSlice = partition === PARTITIONS - 1 && slice === SLICES - 1
        if (month > closed + 1 || (month === closed + 1 && isLastSlice)) continue
        const shape = { partition, slice, slices: SLICES, partitions: PARTITIONS }
        rows.push({ tenant, date, day_end: `${date} 15:59:59.999`, ...shape, offset: month })
      }
    }
  }
  return rows
}

export function lastDay(month: number): string {
  const next = new Date(`${monthDate(month + 1)}T00:00:00Z`)
  return new Date(next.getTime() - 86_400_000).toISOString().slice(0, 10)
}

type Cell = string | number | null | readonly string[]

/** Rows of one statement; columns that a row lacks get their defaults. */
export async function insert(sql: Sql, table: string, rows: readonly Readonly<Record<string, Cell>>[]): Promise<void> {
  const byColumns = new Map<string, string[]>()
  for (const row of rows) {
    const columns = Object.keys(row).map((name) => `\`${name}\``)
    const list = byColumns.get(columns.join()) ?? []
    byColumns.set(columns.join(), list)
    list.push(`(${Object.values(row).map(literal).join()})`)
  }
  for (const [columns, values] of byColumns) {
    await sql.command(`INSERT INTO ${table} (${columns}) VALUES ${values.join()}`)
  }
}

function literal(value: Cell): string {
  if (value === null) return 'NULL'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return quoteString(value)
  return `[${value.map(literal).join()}]`
}
