import { quoteString, type Sql } from '../client.ts'

/** What a tenant's own loans were at a month end. */
export type MonthTotals = {
  readonly loans: number
  readonly written_off: number
  /** Principal of the open ones, in minor units. */
  readonly balance_minor: number
  readonly buckets: Readonly<Record<string, number>>
  /** Loans per category, where loans are classified. */
  readonly categories?: Readonly<Record<string, number>>
}

/** A loan whose month-end row is not what its days say. */
export type MonthDifference = { readonly loan: string; readonly found: string }

/** Loans that are named. */
const NAMED_MAX = 5

/** Sums of the month-end rows of `date`, which is the last of its month. */
export async function readMonthTotals(sql: Sql, tenant: string, date: string): Promise<MonthTotals> {
  const [totals] = await sql.query<Omit<MonthTotals, 'buckets'>>(
    `SELECT toInt64(count()) AS loans, toInt64(countIf(status = 'written_off')) AS written_off,
       toInt64(sumIf(ifNull(balance_minor, 0), status = 'open')) AS balance_minor
     FROM loan_months WHERE ${ofMonth(tenant, date)}`,
  )
  if (totals === undefined) throw new Error('a count gave no row')
  const buckets = await countBy(sql, 'bucket', tenant, date)
  if (!(await hasCategories(sql))) return { ...totals, buckets }
  return { ...totals, buckets, categories: await countBy(sql, 'category', tenant, date) }
}

/**
 * Compares the month-end rows with the days they come from, as known when each was made: every loan that was open or written
 * off has a row, with its status, days past due and bucket, and while open its principal. Gives how many do not, and some.
 * Where loans are classified, an open one without a category is a difference too.
 */
export async function readMonthDifferences(
  sql: Sql,
  tenant: string,
  date: string,
): Promise<{ readonly count: number; readonly named: readonly MonthDifference[] }> {
  const isUnclassified = (await hasCategories(sql)) ? "status = 'open' AND category = ''" : '0'
  const differences = await sql.query<MonthDifference & { count: number }>(
    `${withMonth(tenant, date)}
     SELECT loan, found, toInt64(count() OVER ()) AS count FROM (
       SELECT m.loan AS loan,
         if(is_unclassified, 'has no category', concat('is ', toString(m.row), ', its days say ',
           if(d.loan = '', 'nothing', toString(d.row)))) AS found
       FROM (
         SELECT loan, ${isUnclassified} AS is_unclassified,
           (status, dpd, bucket, if(status = 'open', balance_minor, 0)) AS row
         FROM months
       ) AS m
       LEFT JOIN (
         SELECT d.loan AS loan,
           argMax((d.status, d.dpd, d.bucket, if(d.status = 'open', d.outstanding_principal_minor, 0)),
             (d.date, d.offset, d.seq)) AS row
         FROM days AS d INNER JOIN months AS m ON m.loan = d.loan
         WHERE d.offset <= m.offset
         GROUP BY loan
       ) AS d ON d.loan = m.loan
       WHERE is_unclassified OR d.loan = '' OR toString(m.row) != toString(d.row)
       UNION ALL
       SELECT loan, concat('has no row, but is ', at_last) AS found FROM (
         SELECT d.loan AS loan,
           argMaxIf(d.status, (d.date, d.offset, d.seq), d.offset <= t.first) AS at_first,
           argMaxIf(d.status, (d.date, d.offset, d.seq), d.offset <= t.last) AS at_last
         FROM days AS d INNER JOIN ticks AS t ON t.partition = d.partition
         GROUP BY loan
       )
       WHERE at_first IN ('open', 'written_off') AND at_last IN ('open', 'written_off')
         AND loan NOT IN (SELECT loan FROM months)
     )
     ORDER BY loan LIMIT ${NAMED_MAX}`,
  )
  return { count: differences[0]?.count ?? 0, named: differences.map(({ loan, found }) => ({ loan, found })) }
}

/** The month's rows, the days up to its end, and where its last day was closed in each partition. */
function withMonth(tenant: string, date: string): string {
  return `WITH
    months AS (SELECT * FROM loan_months FINAL WHERE ${ofMonth(tenant, date)}),
    days AS (
      SELECT loan, date, status, dpd, bucket, outstanding_principal_minor, partition, offset, seq FROM loan_days FINAL
      WHERE tenant = ${quoteString(tenant)} AND dataset = '' AND date <= ${quoteString(date)}
    ),
    ticks AS (
      SELECT partition, min(offset) AS first, max(offset) AS last FROM events FINAL
      WHERE tenant = ${quoteString(tenant)} AND type = 'day.closed' AND JSONExtractString(data, 'date') = ${quoteString(date)}
      GROUP BY partition
    )`
}

function ofMonth(tenant: string, date: string): string {
  return `tenant = ${quoteString(tenant)} AND dataset = '' AND month = toStartOfMonth(toDate(${quoteString(date)}))`
}

async function countBy(sql: Sql, column: string, tenant: string, date: string): Promise<Record<string, number>> {
  const rows = await sql.query<{ name: string; loans: number }>(
    `SELECT ${column} AS name, toInt64(count()) AS loans FROM loan_months WHERE ${ofMonth(tenant, date)}
     GROUP BY name ORDER BY name`,
  )
  return Object.fromEntries(rows.map(({ name, loans }) => [name, loans]))
}

async function hasCategories(sql: Sql): Promise<boolean> {
  const columns = await sql.query(
    "SELECT 1 FROM system.columns WHERE database = currentDatabase() AND table = 'loan_months' AND name = 'category'",
  )
  return columns.length > 0
}
