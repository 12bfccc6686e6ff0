import { readdirSync, readFileSync } from 'node:fs'
import type { Sql } from '../client.ts'
import { readProgress } from './progress.ts'

const CHECKS = new URL('../checks/', import.meta.url)
/** Differences that one check names; all are counted. */
export const NAMED_MAX = 100

/** A part of a loan on a date where two ways to the same amount differ. Minor units. */
export type LedgerDifference = {
  readonly tenant: string
  readonly loan: string
  readonly date: string
  /** principal, interest, fee or penalty; `all` where the check is about their sum. */
  readonly part: string
  readonly expected_minor: number
  readonly actual_minor: number
}

export type CheckResult = {
  /** Name of its file in `sql/checks/`, without the ending. */
  readonly check: string
  readonly differing: number
  /** The first of them, by loan, date and part. */
  readonly differences: readonly LedgerDifference[]
}

/** The checks of the ledger, each a query of what does not add up: its file says in words what it holds. */
export function listChecks(): string[] {
  const files = readdirSync(CHECKS).filter((name) => name.endsWith('.sql'))
  return files.map((name) => name.slice(0, -'.sql'.length)).sort()
}

/**
 * What the checks read: own loans, up to the places that `progress` vouched for when somebody began to ask. So a writer may
 * go on meanwhile. Of `days` and `ledger` the row of each key that was known last, of the others all.
 */
const READ = `WHERE dataset = '' AND toInt64(offset) <= {reached:Array(Int64)}[partition + 1]
  AND ({tenant:String} = '' OR tenant = {tenant:String})`
const TABLES = `
  all_days AS (SELECT * FROM loan_days FINAL ${READ}),
  days AS (
    SELECT * FROM all_days ORDER BY tenant, loan, date, offset DESC, seq DESC LIMIT 1 BY tenant, loan, date
  ),
  months AS (SELECT * FROM loan_months FINAL ${READ}),
  movements AS (SELECT * FROM loan_movements FINAL ${READ}),
  ledger AS (
    SELECT * FROM (
      SELECT * FROM movements
      ORDER BY tenant, loan, date, part, offset DESC, seq DESC LIMIT 1 BY tenant, loan, date, part
    )
    WHERE opening_minor != closing_minor OR disbursed_minor != 0 OR taken_over_minor != 0 OR accrued_minor != 0
      OR allocated_minor != 0 OR reversed_minor != 0 OR waived_minor != 0 OR written_off_minor != 0
      OR capitalised_minor != 0
  )`

/** One check's query: named columns of `LedgerDifference`, one row for each difference. */
function queryOf(check: string): string {
  const text = readFileSync(new URL(`${check}.sql`, CHECKS), 'utf8')
  const select = text
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
  return `WITH ${TABLES}, found AS (${select})
    SELECT tenant, loan, toString(f.date) AS date, part, expected_minor, actual_minor,
      toUInt32(count() OVER ()) AS differing
    FROM found AS f
    ORDER BY tenant, loan, date, part LIMIT ${NAMED_MAX}`
}

/** Places up to which the tables are whole, by partition. */
async function readReached(sql: Sql): Promise<number[]> {
  const reached: number[] = []
  for (const { partition, offset } of await readProgress(sql)) reached[partition] = offset
  return Array.from(reached, (offset) => offset ?? -1)
}

/** Runs one check, for one tenant or all. */
export async function runCheck(sql: Sql, check: string, tenant?: string): Promise<CheckResult> {
  const params = { tenant: tenant ?? '', reached: await readReached(sql) }
  const rows = await sql.query<LedgerDifference & { readonly differing: number }>(queryOf(check), { params })
  const differences = rows.map(({ tenant: of, loan, date, part, expected_minor, actual_minor }) => {
    return { tenant: of, loan, date, part, expected_minor, actual_minor }
  })
  return { check, differing: rows[0]?.differing ?? 0, differences }
}
