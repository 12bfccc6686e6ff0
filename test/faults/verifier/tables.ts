import type { ClickHouse } from '../clickhouse.ts'
import { expectedEvents } from './log.ts'
import type { TopicRecord } from './topic.ts'

/** Table → its rows as text, in the order of their keys. */
export type Dump = ReadonlyMap<string, readonly string[]>

/** Say how a run went, not what came out of it. */
const TABLES_OF_THE_RUN = new Set(['schema_migrations', 'source_files', 'backfills'])
/** What intake refused is no function of the log: it is compared with the input. */
const DEAD_LETTERS_OF_THE_LOG = "step = 'apply' OR reason = 'conflict'"

/** `events` holds the first occurrences of the log and no more; the feed has no hole and keeps each borrower's order. */
export async function checkTablesAgainstLog(tables: ClickHouse, log: readonly TopicRecord[]): Promise<string[]> {
  const { rows, conflicts } = expectedEvents(log)
  const stored = await tables.lines(
    `SELECT partition, offset, tenant, id, source, type, borrower, toUnixTimestamp64Milli(time) AS time,
       toUnixTimestamp64Milli(received_at) AS received, source_partition, source_position
     FROM events ORDER BY partition, offset FORMAT JSONCompactEachRow`,
  )
  const refused = await tables.rows<{ place: string }>(
    `SELECT concat(toString(partition), '/', toString(offset)) AS place FROM dead_letters
     WHERE reason = 'conflict' ORDER BY partition, offset`,
  )
  return [
    // The server writes JSON with other blanks and escapes.
    ...firstDifference(
      'events',
      stored.map((row) => JSON.stringify(JSON.parse(row))),
      rows,
    ),
    ...firstDifference(
      'conflicts',
      refused.map(({ place }) => place),
      conflicts,
    ),
    ...(await doubledEvents(tables)),
    ...(await checkFeed(tables)),
  ]
}

/** The table has one row for each record that was put aside, however often the topic has it. */
export async function checkDeadLetters(tables: ClickHouse, dead: readonly TopicRecord[]): Promise<string[]> {
  const rows = await tables.rows<{ place: string }>(
    `SELECT concat(source_partition, '/', toString(source_position)) AS place FROM dead_letters
     WHERE NOT (${DEAD_LETTERS_OF_THE_LOG}) ORDER BY place`,
  )
  const places = new Set(dead.map(({ headers }) => headers['foreshock_place'] ?? ''))
  return firstDifference(
    'dead letters',
    rows.map(({ place }) => place),
    [...places].toSorted((a, b) => (a < b ? -1 : 1)),
  )
}

async function doubledEvents(tables: ClickHouse): Promise<string[]> {
  const doubled = await tables.rows<{ id: string; n: number }>(
    `SELECT id, count() AS n FROM events WHERE source_partition != 'foreshock' AND borrower != ''
     GROUP BY tenant, source, id HAVING n > 1 LIMIT 5`,
  )
  return doubled.map(({ id, n }) => `events: ${id} is there ${n} times`)
}

async function checkFeed(tables: ClickHouse): Promise<string[]> {
  const rows = await tables.rows<{
    tenant: string
    partition: number
    feed_seq: number
    borrower: string
    offset: number
  }>('SELECT tenant, partition, feed_seq, borrower, offset FROM warnings ORDER BY tenant, partition, feed_seq')
  const violations: string[] = []
  const last = new Map<string, number>()
  const places = new Map<string, number>()
  for (const { tenant, partition, feed_seq, borrower, offset } of rows) {
    const feed = `${tenant}/${partition}`
    const before = last.get(feed) ?? 0
    if (feed_seq !== before + 1) violations.push(`feed ${feed}: ${feed_seq} follows ${before}`)
    last.set(feed, feed_seq)
    const place = places.get(`${feed} ${borrower}`) ?? -1
    if (offset < place) violations.push(`feed ${feed}: ${feed_seq} is of an earlier place than the one before`)
    places.set(`${feed} ${borrower}`, offset)
  }
  return violations
}

/** All output tables as read. */
export async function dumpTables(tables: ClickHouse): Promise<Dump> {
  const names = await tables.rows<{ name: string }>(
    `SELECT name FROM system.tables WHERE database = '${tables.database}' AND engine LIKE '%MergeTree' ORDER BY name`,
  )
  const dump = new Map<string, readonly string[]>()
  for (const { name } of names) {
    if (TABLES_OF_THE_RUN.has(name)) continue
    const [columns, where] =
      name === 'dead_letters' ? ['* EXCEPT recorded_at', ` WHERE ${DEAD_LETTERS_OF_THE_LOG}`] : ['*', '']
    const keys = await tables.rows<{ sorting_key: string }>(
      `SELECT sorting_key FROM system.tables WHERE database = '${tables.database}' AND name = '${name}'`,
    )
    const order = name === 'warnings' ? 'tenant, partition, feed_seq' : keys[0]?.sorting_key
    dump.set(name, await tables.lines(`SELECT ${columns} FROM ${name}${where} ORDER BY ${order || 'ALL'}`))
  }
  return dump
}

/** One line per table that differs. */
export function compareDumps(actual: Dump, expected: Dump): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((table) =>
    firstDifference(table, actual.get(table) ?? [], expected.get(table) ?? []),
  )
}

function firstDifference(what: string, actual: readonly string[], expected: readonly string[]): string[] {
  let row = 0
  while (row < Math.max(actual.length, expected.length) && actual[row] === expected[row]) row++
  if (row === actual.length && row === expected.length) return []
  const show = (rows: readonly string[]) => (rows[row] ?? 'nothing').slice(0, 300)
  return [
    `${what}: ${actual.length} rows, expected ${expected.length}; row ${row}: ${show(actual)} instead of ${show(expected)}`,
  ]
}
