import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { measureProcess, measureWork, type Run } from './measure.ts'
import { COLUMN_NAMES, KINDS, WINDOW_DAYS, WINDOW_MS } from './workload.ts'

/** A string as an SQL literal. */
function quoteString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** DuckDB's own window SQL. `kinds` are the literals of a kind in the source. */
function windowSql(source: string, kinds: readonly string[]): string {
  const [txIn, txOut, repay, query] = kinds
  const values = WINDOW_DAYS.flatMap((days) => {
    const over = (call: string, kind: string | undefined) => `${call} FILTER (WHERE k = ${kind}) OVER w${days}`
    return [
      over('count(*)', txIn),
      over('sum(a)', txIn),
      over('max(a)', txIn),
      over('count(*)', txOut),
      over('sum(a)', txOut),
      over('max(a)', txOut),
      over('count(*)', repay),
      over('sum(a)', repay),
      over('count(DISTINCT i)', query),
    ]
  })
  const windows = WINDOW_DAYS.map((days, w) => {
    // Times are whole milliseconds, so (T − w, T] is [T − w + 1, T].
    const frame = `RANGE BETWEEN ${WINDOW_MS[w]! - 1} PRECEDING AND CURRENT ROW`
    return `w${days} AS (PARTITION BY b ORDER BY t ${frame})`
  })
  const columns = values.map((value, n) => `${value} AS ${COLUMN_NAMES[n]}`).join(', ')
  return `SELECT b, t, ${columns} FROM ${source} WINDOW ${windows.join(', ')}`
}

async function open(threads: number): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:', { threads: `${threads}` })
  const connection = await instance.connect()
  await connection.run('SET preserve_insertion_order = false')
  return connection
}

function readNdjson(file: string): string {
  const columns = "{b: 'VARCHAR', t: 'BIGINT', k: 'VARCHAR', a: 'BIGINT', i: 'VARCHAR'}"
  return `read_ndjson(${quoteString(file)}, columns = ${columns})`
}

async function totalsOf(connection: DuckDBConnection, table: string): Promise<{ events: number; totals: string[] }> {
  const sums = COLUMN_NAMES.map((name) => {
    const none = name.includes('_max_') ? -1 : 0
    return `sum(coalesce(${name}, ${none})::HUGEINT)::VARCHAR`
  })
  const reader = await connection.runAndReadAll(`SELECT count(*)::INTEGER, ${sums.join(', ')} FROM ${table}`)
  const [count, ...totals] = reader.getRows()[0]!
  return { events: Number(count), totals: totals.map(String) }
}

/** From NDJSON to uncompressed Parquet, the cheapest of its binary outputs. */
export async function runDuckDbFromNdjson(file: string, folder: string, threads: number): Promise<Run> {
  const out = join(folder, 'duckdb.parquet')
  const connection = await open(threads)
  const select = windowSql(
    readNdjson(file),
    KINDS.map((kind) => `'${kind}'`),
  )
  await connection.run(`COPY (${select}) TO ${quoteString(out)} (FORMAT parquet, COMPRESSION uncompressed)`)
  const measured = measureProcess()
  const { events, totals } = await totalsOf(connection, quoteString(out))
  return { events, ...measured, totals }
}

/** From a table in memory to a table in memory. */
export async function runDuckDbFromColumns(file: string, threads: number): Promise<Run> {
  const connection = await open(threads)
  const kind = `list_position([${KINDS.map((one) => `'${one}'`).join(', ')}], k)`
  await connection.run(
    `CREATE TABLE events AS SELECT substr(b, 2)::INTEGER AS b, t, (${kind})::UTINYINT AS k, a, ` +
      `(CASE WHEN i = '' THEN NULL ELSE substr(i, 2) END)::USMALLINT AS i FROM ${readNdjson(file)}`,
  )
  const select = windowSql(
    'events',
    KINDS.map((_, n) => `${n + 1}`),
  )
  const measured = await measureWork(async () => {
    await connection.run(`CREATE TABLE results AS ${select}`)
  })
  const { events, totals } = await totalsOf(connection, 'results')
  return { events, ...measured, totals }
}
