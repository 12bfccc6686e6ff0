import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogRecord } from '../../../features/events/record.ts'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { findKnownIds } from '../../../sql/queries/known-ids.ts'
import { readLog } from '../../../sql/queries/log.ts'
import { readProgress } from '../../../sql/queries/progress.ts'
import { readRecentIds } from '../../../sql/queries/recent-ids.ts'
import { createProgressBlock } from '../../../sql/tables/progress.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { recordOf, writeEvents } from './events.ts'

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
})
afterAll(() => test_database.close())

async function pagesOf(partition: number, from: number, pageRows: number): Promise<LogRecord[][]> {
  const pages: LogRecord[][] = []
  for await (const page of readLog(sql, partition, from, pageRows)) pages.push(page)
  return pages
}

test('a partition is read in order, page by page, and gives back what was written', async () => {
  const records = Array.from({ length: 25 }, (_, offset) =>
    recordOf({
      partition: 3,
      offset,
      received_at: 1_700_000_000_000 + offset,
      source_partition: `file:"quoted"\\${offset}`,
      source_position: 2 ** 40 + offset,
      event: {
        id: `id'${offset}"\\`,
        time: offset,
        tenant: offset % 2 === 0 ? 'default' : 'other',
        subject: offset % 5 === 0 ? '' : `b${offset}`,
        data: { kind: '诉讼', reported_at: offset, value: 0.1 * offset },
      },
    }),
  )
  const elsewhere = recordOf({ partition: 4, offset: 7 })
  await writeEvents(
    sql,
    [...records.slice(10), elsewhere].map((record) => ({ record })),
  )
  await writeEvents(
    sql,
    records.slice(0, 12).map((record) => ({ record })),
  )
  expect(await pagesOf(3, 0, 10)).toEqual([records.slice(0, 10), records.slice(10, 20), records.slice(20)])
  expect(await pagesOf(3, 21, 1000)).toEqual([records.slice(21)])
  expect(await pagesOf(3, 5, 20)).toEqual([records.slice(5)])
  expect(await pagesOf(3, 25, 10)).toEqual([])
  expect(await pagesOf(4, 0, 10)).toEqual([[elsewhere]])
})

test('a reader that stops early leaves the session usable', async () => {
  for await (const page of readLog(sql, 3, 0, 2)) {
    expect(page).toHaveLength(2)
    break
  }
  expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('of a list of ids those in the log are found, all 64 bits of them, with what they said', async () => {
  const known = { high: 4_294_967_295, low: 4_294_967_294 }
  const content = { high: 2_147_483_648, low: 1 }
  await writeEvents(sql, [{ record: recordOf({ partition: 5, offset: 1 }), id_hash: known, content_hash: content }])
  const unknown = Array.from({ length: 4500 }, (_, low) => ({ high: 7, low }))
  expect(await findKnownIds(sql, [...unknown, known])).toEqual([{ id_hash: known, content_hash: content }])
  expect(await findKnownIds(sql, [])).toEqual([])
})

test('recent ids are those of a tenant received or dated since an instant', async () => {
  const at = (offset: number, received_at: number, time: number, tenant = 'recent') => ({
    record: recordOf({ partition: 6, offset, received_at, event: { time, tenant } }),
    id_hash: { high: 1, low: offset },
    content_hash: { high: 2, low: offset },
  })
  await writeEvents(sql, [at(0, 50, 40), at(1, 100, 40), at(2, 60, 100), at(3, 99, 99), at(4, 200, 200, 'else')])
  const recent = await readRecentIds(sql, 'recent', 100)
  expect(recent.rows).toBe(2)
  expect([...recent.hashes]).toEqual([1, 1, 2, 1, 1, 2, 2, 2])
  expect([...recent.times]).toEqual([40, 100])
  expect([...recent.received_at]).toEqual([100, 60])
})

test('progress is the farthest row of each partition, in whatever order they were written', async () => {
  const block = createProgressBlock()
  const write = async (partition: number, offset: number) => {
    block.clear()
    block.append({ partition, offset, seq: 0, feed_seqs: `{"t":${offset}}` })
    await sql.insertBlock('progress', block)
  }
  await write(1, 9)
  await write(0, 5)
  await write(1, 4)
  expect(await readProgress(sql)).toEqual([
    { partition: 0, offset: 5, seq: 0, feed_seqs: '{"t":5}' },
    { partition: 1, offset: 9, seq: 0, feed_seqs: '{"t":9}' },
  ])
})
