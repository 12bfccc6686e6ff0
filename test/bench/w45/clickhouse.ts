import { join } from 'node:path'
import { quoteString } from '../../../sql/client.ts'
import { openEmbedded } from '../../../sql/embedded.ts'
import { measureWork, type Run } from './measure.ts'
import { COLUMN_NAMES, KINDS, WINDOW_DAYS, WINDOW_MS } from './workload.ts'

/**
 * RANGE offsets must be below 2^31, and 180 days are more milliseconds than that. So the axis is in units a little
 * shorter than 8 ms: a window of w ms is w / 8 of them, which is less than half a millisecond short of w, so that it
 * holds (T − w, T] exactly. From this instant doubles tell such units apart with room to spare.
 */
const UNIT_MS = 8
const AXIS_START_MS = Date.parse('2025-01-01T00:00:00Z')

function axis(): string {
  const longest = WINDOW_MS.at(-1)!
  return `(t - ${AXIS_START_MS}) / (${longest - 0.5} / ${longest / UNIT_MS})`
}

function windowSql(): string {
  const [txIn, txOut, repay, query] = KINDS.map((_, n) => `k = ${n + 1}`)
  const values = WINDOW_DAYS.flatMap((days) =>
    [
      `countIf(${txIn})`,
      `sumIf(a, ${txIn})`,
      `maxIf(a, ${txIn})`,
      `countIf(${txOut})`,
      `sumIf(a, ${txOut})`,
      `maxIf(a, ${txOut})`,
      `countIf(${repay})`,
      `sumIf(a, ${repay})`,
      `uniqExactIf(i, ${query})`,
    ].map((call) => `${call} OVER w${days}`),
  )
  const windows = WINDOW_DAYS.map((days, w) => {
    const frame = `RANGE BETWEEN ${WINDOW_MS[w]! / UNIT_MS} PRECEDING AND CURRENT ROW`
    return `w${days} AS (PARTITION BY b ORDER BY x ${frame})`
  })
  const columns = values.map((value, n) => `${value} AS ${COLUMN_NAMES[n]}`).join(', ')
  return `SELECT b, t, ${columns} FROM events WINDOW ${windows.join(', ')}`
}

/** From a table in memory to a table in memory. */
export async function runClickHouseFromColumns(file: string, folder: string, threads: number): Promise<Run> {
  const database = await openEmbedded(join(folder, 'clickhouse'))
  if ('locked' in database) throw new Error('the folder is in use')
  const sql = database.session({ threads_max: threads })
  const kinds = `[${KINDS.map(quoteString).join(', ')}]`
  const structure = 'b String, t Int64, k String, a Int64, i String'
  await sql.command('CREATE TABLE events (b UInt32, t Int64, k UInt8, a Int64, i UInt16, x Float64) ENGINE = Memory')
  await sql.command(
    `INSERT INTO events SELECT toUInt32(substring(b, 2)), t, indexOf(${kinds}, k), a, ` +
      `if(i = '', 0, toUInt16(substring(i, 2))), ${axis()} FROM file(${quoteString(file)}, JSONEachRow, ${quoteString(structure)})`,
  )
  const select = windowSql()
  const measured = await measureWork(() => sql.command(`CREATE TABLE results ENGINE = Memory AS ${select}`))
  // The largest of no amounts is 0 here, and no amount is 0.
  const sums = COLUMN_NAMES.map((name) => {
    const value = name.includes('_max_') ? `if(${name} = 0, -1, ${name})` : name
    return `toString(sum(${value}))`
  })
  const [row] = await sql.query<{ events: number; totals: string[] }>(
    `SELECT count() AS events, [${sums.join(', ')}] AS totals FROM results`,
  )
  await database.close()
  return { events: row!.events, ...measured, totals: row!.totals }
}
