import { quoteIdentifier, type Sql } from '../client.ts'

/** What a table holds, in one line: equal digests of two data directories mean equal rows. */
export type TableDigest = {
  readonly table: string
  readonly rows: number
  /** Exclusive or and sum (modulo 2^64) of the rows' hashes, as decimals: one alone would not see a row that is there twice. */
  readonly xor: string
  readonly sum: string
}

/** Tables that say how a run went rather than what came out. */
const TABLES_OF_THE_RUN: ReadonlySet<string> = new Set([
  'progress',
  'source_files',
  'schema_migrations',
  'backfills',
  'redrives',
  'job_runs',
])
/** Columns that hold the clock. */
const COLUMNS_OF_THE_CLOCK: ReadonlySet<string> = new Set(['dead_letters.recorded_at'])

/** The digest of every table as read, by name, but for what depends on the run. Columns count in alphabetical order. */
export async function readDigest(sql: Sql): Promise<TableDigest[]> {
  const columns = await sql.query<{ table: string; name: string }>(
    `SELECT table, name FROM system.columns
     WHERE database = currentDatabase()
       AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
     ORDER BY table, name`,
  )
  const columnsOf = new Map<string, string[]>()
  for (const { table, name } of columns) {
    if (TABLES_OF_THE_RUN.has(table) || COLUMNS_OF_THE_CLOCK.has(`${table}.${name}`)) continue
    columnsOf.set(table, [...(columnsOf.get(table) ?? []), quoteIdentifier(name)])
  }
  const digests: TableDigest[] = []
  for (const [table, names] of columnsOf) {
    const rows = await sql.query<TableDigest>(
      `SELECT '${table}' AS table, count() AS rows, toString(groupBitXor(hash)) AS xor, toString(sum(hash)) AS sum
       FROM (SELECT cityHash64(toString(tuple(${names.join(', ')}))) AS hash FROM ${quoteIdentifier(table)} FINAL)`,
    )
    digests.push(...rows)
  }
  return digests
}
