import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { readFeed, readLatestOfWarning, readWarning } from '../../../sql/queries/feed.ts'
import { createWarningsBlock, type WarningsRow } from '../../../sql/tables/warnings.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'

let test_database: TestDatabase
let sql: Sql

const row = (feed_seq: number, overrides: Partial<WarningsRow> = {}): WarningsRow => ({
  tenant: "o'hara",
  partition: 2,
  feed_seq,
  id: `id-${feed_seq}`,
  warning_id: 'w',
  type: 'opened',
  severity: 'yellow',
  borrower: 'b',
  loan: '',
  time: 1_700_000_000_123,
  offset: feed_seq * 10,
  seq: 0,
  decision: 'decision@1',
  model: '',
  score: Number.NaN,
  trigger_source: 'core',
  trigger_id: 'e',
  trigger_date: '',
  signals: '[{"signal":"a@1"}]',
  ...overrides,
})

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
  const block = createWarningsBlock()
  for (const feed_seq of [3, 1, 2, 2]) block.append(row(feed_seq))
  block.append(row(1, { partition: 3, id: 'elsewhere', warning_id: 'v' }))
  block.append(row(1, { tenant: 'other', id: 'theirs' }))
  block.append(row(4, { type: 'escalated', severity: 'red', score: 0.25, model: 'm@1' }))
  await sql.insertBlock('warnings', block)
})
afterAll(() => test_database.close())

test('the feed of a tenant’s partition goes on after a number, in order, each row once', async () => {
  const page = await readFeed(sql, { tenant: "o'hara", partition: 2, after: 1, limit: 2 })
  expect(page.map(({ feed_seq }) => feed_seq)).toEqual([2, 3])
  const [last] = await readFeed(sql, { tenant: "o'hara", partition: 2, after: 3, limit: 100 })
  expect(last).toEqual({ ...row(4), type: 'escalated', severity: 'red', score: 0.25, model: 'm@1' })
  expect(await readFeed(sql, { tenant: "o'hara", partition: 2, after: 4, limit: 100 })).toEqual([])
})

test('a row is found by its id within its tenant only; a score that is missing is null', async () => {
  expect(await readWarning(sql, "o'hara", 'id-1')).toEqual({ ...row(1), score: null })
  expect(await readWarning(sql, "o'hara", 'theirs')).toBeUndefined()
  expect(await readWarning(sql, "' OR 1 = 1 --", 'id-1')).toBeUndefined()
})

test('the latest row of an episode is the one of the largest number', async () => {
  expect(await readLatestOfWarning(sql, "o'hara", 'w')).toMatchObject({ feed_seq: 4, severity: 'red' })
  expect(await readLatestOfWarning(sql, "o'hara", 'none')).toBeUndefined()
})
