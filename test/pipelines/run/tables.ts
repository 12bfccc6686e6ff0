import { expect } from 'vitest'
import { FeedTail } from '../../../pipelines/feed/feed-tail.ts'
import { toApiRow } from '../../../pipelines/feed/rows.ts'
import type { Database, Sql } from '../../../sql/client.ts'

/** Every table with what orders its rows; `dead_letters` without the one column that a clock fills. */
const TABLES: Readonly<Record<string, { readonly columns: string; readonly order: string }>> = {
  events: { columns: '*', order: 'partition, offset' },
  features: { columns: '*', order: 'tenant, borrower, partition, offset' },
  scores: { columns: '*', order: 'tenant, borrower, partition, offset' },
  signals: { columns: '*', order: 'tenant, borrower, partition, offset, seq' },
  warnings: { columns: '*', order: 'tenant, partition, feed_seq' },
  loans: { columns: '*', order: 'tenant, dataset, loan' },
  loan_days: { columns: '*', order: 'tenant, dataset, loan, date, partition, offset, seq' },
  loan_months: { columns: '*', order: 'tenant, dataset, month, loan' },
  contacts: { columns: '*', order: 'tenant, date, partition, offset' },
  closed_days: { columns: '*', order: 'tenant, date, partition, slice' },
  inspections: { columns: '*', order: 'tenant, date, partition, offset' },
  dead_letters: {
    columns: '* EXCEPT recorded_at',
    order: 'tenant, source_partition, source_position, item, step',
  },
  progress: { columns: '*', order: 'partition' },
  source_files: { columns: '*', order: 'file' },
}
const FEED = 'the feed'
const FEED_PAGE = 1000

/** Table → its rows as text, in order; and the feed, as a reader gets it. */
export type Dump = ReadonlyMap<string, readonly string[]>

/** All that outsiders can read of a data directory, as text that is equal where the bytes are. */
export async function dumpTables(database: Database, partitions: number): Promise<Dump> {
  const sql = database.session()
  const dump = new Map<string, readonly string[]>()
  for (const [table, { columns, order }] of Object.entries(TABLES)) {
    const bytes = await sql.bytes(`SELECT ${columns} FROM ${table} ORDER BY ${order}`, 'JSONEachRow')
    dump.set(table, linesOf(bytes))
  }
  for (const tenant of await tenantsOf(sql)) {
    dump.set(`${FEED} of ${tenant}`, await feedOf(new FeedTail(sql, partitions), tenant, partitions))
  }
  await sql.close()
  return dump
}

/** Fails with the table and its first differing rows. */
export function expectSameTables(actual: Dump, expected: Dump): void {
  expect(differences(actual, expected)).toEqual([])
}

/** One line per table that differs: what it is called, how many rows each has, and the first rows that are not the same. */
export function differences(actual: Dump, expected: Dump): string[] {
  return [...new Set([...expected.keys(), ...actual.keys()])].flatMap((table) => {
    const mine = actual.get(table) ?? []
    const theirs = expected.get(table) ?? []
    let row = 0
    while (row < Math.max(mine.length, theirs.length) && mine[row] === theirs[row]) row++
    if (row === mine.length && row === theirs.length) return []
    const show = (rows: readonly string[]) => rows.slice(row, row + 2).map((one) => one.slice(0, 600))
    return [
      `${table}: ${mine.length} rows, expected ${theirs.length}; row ${row} is\n${show(mine).join('\n')}\nexpected\n${show(theirs).join('\n')}`,
    ]
  })
}

async function tenantsOf(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ tenant: string }>(
    "SELECT DISTINCT tenant FROM events WHERE tenant != '' ORDER BY tenant",
  )
  return rows.map(({ tenant }) => tenant)
}

async function feedOf(feed: FeedTail, tenant: string, partitions: number): Promise<string[]> {
  const rows: string[] = []
  const after = new Array<number>(partitions).fill(0)
  for (;;) {
    const pages = await feed.read(tenant, after, FEED_PAGE)
    if (pages.every((page) => page.length === 0)) return rows
    pages.forEach((page, partition) => {
      for (const row of page) rows.push(JSON.stringify(toApiRow(row)))
      after[partition] = page.at(-1)?.feed_seq ?? (after[partition] as number)
    })
  }
}

function linesOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8').trimEnd()
  return text === '' ? [] : text.split('\n')
}
