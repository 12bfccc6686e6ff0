import { type Database, quoteIdentifier, quoteString, type Sql, SqlError } from '../client.ts'
import { createScratch, dropScratch } from '../scratch.ts'
import type { TapeMap } from './map.ts'
import { describeStatement, readStatement, TAPE_ROW_COLUMNS, type TapeFile } from './read-statement.ts'

/**
 * A tape on its way into `loan_months`: read into a database beside the main one, looked at there, made one part and then
 * linked over. A part is in a table or it is not, so that whoever reads sees all of a tape or nothing of it, also after
 * a kill; and since merges never split a part, all rows of a tape stay in one, so that it goes in one step too.
 */

const STAGING = 'import_staging'
const ROWS = `${STAGING}.tape_rows`
const MONTHS = 'loan_months'
/** Rows of one block: fewer, larger parts are sooner merged into one. */
const BLOCK_ROWS = 1_048_576
const BLOCK_BYTES = 536_870_912
/** ClickHouse: it cannot tell the columns of a file, here because nothing comes after its header. */
const NO_STRUCTURE = 636
const NO_ROWS = /EMPTY_DATA_PASSED|the file is empty/
const BLOCKS = `min_insert_block_size_rows = ${BLOCK_ROWS}, min_insert_block_size_bytes = ${BLOCK_BYTES}`

/** What the tape says of itself. Months are `YYYY-MM`. */
export type TapeTotals = {
  readonly rows: number
  /** Rows that say that the loan is closed: they are not stored, like own loans' that are closed. */
  readonly closed_rows: number
  /** Rows that say again what the row before said. */
  readonly repeated_rows: number
  readonly loans: number
  readonly from_month: string
  readonly to_month: string
  readonly buckets: Readonly<Record<string, number>>
}

/** Names of a file's columns; undefined where it has no row. */
export async function readTapeColumns(sql: Sql, file: TapeFile): Promise<string[] | undefined> {
  try {
    const columns = await sql.query<{ name: string }>(describeStatement(file))
    return columns.map(({ name }) => name)
  } catch (error) {
    const isEmpty = error instanceof SqlError && error.code === NO_STRUCTURE && NO_ROWS.test(error.message)
    if (isEmpty) return undefined
    throw error
  }
}

/** Rows that a data set has in `loan_months`. */
export async function countTape(sql: Sql, tenant: string, dataset: string): Promise<number> {
  const [found] = await sql.query<{ rows: number }>(
    `SELECT toInt64(count()) AS rows FROM ${MONTHS} WHERE ${ofTape(tenant, dataset)}`,
  )
  return found?.rows ?? 0
}

/** Reads a file into the staging database. The name of the table that then holds its rows. */
export async function stageTape(database: Database, sql: Sql, file: TapeFile, map: TapeMap): Promise<string> {
  await dropScratch(sql)
  await createScratch(database, sql, STAGING, [MONTHS], { isFlushed: true })
  await sql.command(`CREATE TABLE ${ROWS} (${TAPE_ROW_COLUMNS}) ENGINE = MergeTree ORDER BY (loan, month, row)`)
  await sql.command(`INSERT INTO ${ROWS} ${readStatement(file, map)}, ${BLOCKS}`)
  return ROWS
}

export async function readTotals(sql: Sql): Promise<TapeTotals> {
  const [totals] = await sql.query<Omit<TapeTotals, 'buckets' | 'repeated_rows'> & { months_of_loans: number }>(
    `SELECT toInt64(count()) AS rows, toInt64(countIf(state = 'closed')) AS closed_rows,
       toInt64(uniqExact(loan)) AS loans, toInt64(uniqExactIf((loan, month), defect = '')) AS months_of_loans,
       formatDateTime(minIf(month, defect = ''), '%Y-%m') AS from_month,
       formatDateTime(maxIf(month, defect = ''), '%Y-%m') AS to_month
     FROM ${ROWS}`,
  )
  const buckets = await sql.query<{ bucket: string; rows: number }>(
    `SELECT bucket, toInt64(count()) AS rows FROM ${ROWS} WHERE defect = '' AND state != 'closed'
     GROUP BY bucket ORDER BY bucket`,
  )
  if (totals === undefined) throw new Error('a count gave no row')
  const [{ sound } = { sound: 0 }] = await sql.query<{ sound: number }>(
    `SELECT toInt64(countIf(defect = '')) AS sound FROM ${ROWS}`,
  )
  const { months_of_loans, ...rest } = totals
  return {
    ...rest,
    repeated_rows: sound - months_of_loans,
    buckets: Object.fromEntries(buckets.map(({ bucket, rows }) => [bucket, rows])),
  }
}

/** Puts a staged tape without defects into `loan_months`, in the place of one of the same name. Gives the rows stored. */
export async function storeTape(sql: Sql, tenant: string, dataset: string): Promise<number> {
  const staged = `${STAGING}.${MONTHS}`
  await sql.command(`INSERT INTO ${staged}
    (tenant, dataset, loan, borrower, month, mob, cohort, product, channel, status, dpd, worst_dpd, bucket, balance_minor,
      partition, offset)
    SELECT ${quoteString(tenant)}, ${quoteString(dataset)}, loan, borrower, month,
      toInt32(dateDiff('month', began, month)), began, product, channel, state, dpd, worst_dpd, bucket, balance_minor, 0, 0
    FROM (
      SELECT *, ifNull(cohort, first_value(month) OVER so_far) AS began, max(dpd) OVER so_far AS worst_dpd,
        month = lagInFrame(month) OVER so_far AND row_number() OVER so_far > 1 AS is_repeat
      FROM ${ROWS}
      WINDOW so_far AS (PARTITION BY loan ORDER BY month, row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    WHERE NOT is_repeat AND state != 'closed'
    SETTINGS ${BLOCKS}`)
  const rows = await mergeStaged(sql)
  if (rows === 0) return 0
  await sql.command(`ALTER TABLE ${MONTHS} DELETE WHERE ${ofTape(tenant, dataset)} SETTINGS mutations_sync = 1`)
  await sql.command(`ALTER TABLE ${MONTHS} ATTACH PARTITION ALL FROM ${staged}`)
  return rows
}

/** Drops what a tape left in the staging database. */
export async function dropStaged(sql: Sql): Promise<void> {
  await dropScratch(sql)
}

/** Makes the staged rows one part: what is linked over part by part could be there by half. Gives its rows. */
async function mergeStaged(sql: Sql): Promise<number> {
  const countParts = () =>
    sql.query<{ parts: number; rows: number }>(
      `SELECT toInt64(count()) AS parts, toInt64(sum(rows)) AS rows FROM system.parts
       WHERE database = ${quoteString(STAGING)} AND table = ${quoteString(MONTHS)} AND active`,
    )
  const [before] = await countParts()
  if (before !== undefined && before.parts > 1) {
    await sql.command(`OPTIMIZE TABLE ${quoteIdentifier(STAGING)}.${quoteIdentifier(MONTHS)} FINAL`)
  }
  const [after] = await countParts()
  if (after === undefined || after.parts > 1) throw new Error('the tape did not become one part: nothing was imported')
  return after.rows
}

function ofTape(tenant: string, dataset: string): string {
  return `tenant = ${quoteString(tenant)} AND dataset = ${quoteString(dataset)}`
}
