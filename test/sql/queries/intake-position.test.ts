import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import {
  readClosedSlices,
  readLatestControl,
  readPartitionEnds,
  readSourcePositions,
  readTenantTimes,
} from '../../../sql/queries/intake-position.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { recordOf, writeEvents } from './events.ts'

let test_database: TestDatabase
let sql: Sql

const control = { source_partition: 'foreshock', source_position: 0 }
const tick = (partition: number, offset: number, date: string, slice: number, tenant = 'default') => ({
  record: recordOf({
    ...control,
    partition,
    offset,
    event: { type: 'day.closed', tenant, subject: '', data: { date, slice, slices: 2 } },
  }),
})

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
  await writeEvents(sql, [
    { record: recordOf({ partition: 0, offset: 0, source_position: 5, received_at: 90, event: { time: 70 } }) },
    { record: recordOf({ partition: 0, offset: 1, source_position: 9, received_at: 95, event: { time: 99 } }) },
    { record: recordOf({ partition: 1, offset: 0, source_position: 7, received_at: 95, event: { time: 95 } }) },
    {
      record: recordOf({ partition: 1, offset: 1, source_partition: 'http/x', received_at: 500, event: { time: 450 } }),
    },
    tick(0, 2, '2024-01-01', 0),
    tick(0, 3, '2024-01-01', 1),
    tick(0, 4, '2024-01-02', 0),
    tick(1, 2, '2024-01-01', 0),
    tick(0, 5, '2023-12-31', 0, 'other'),
    {
      record: recordOf({
        ...control,
        offset: 6,
        event: {
          type: 'definitions.published',
          tenant: '',
          data: { features: ['a'], rules: [], model: null, decision: 'd@1' },
        },
      }),
    },
    {
      record: recordOf({
        ...control,
        offset: 7,
        event: {
          type: 'definitions.published',
          tenant: '',
          data: { features: ['b'], rules: [], model: null, decision: 'd@1' },
        },
      }),
    },
  ])
})
afterAll(() => test_database.close())

test('the end of each partition is its largest offset', async () => {
  expect(await readPartitionEnds(sql)).toEqual([
    { partition: 0, offset: 7 },
    { partition: 1, offset: 2 },
  ])
})

test('a source’s position is the largest over all partitions, and foreshock itself is no source', async () => {
  expect(await readSourcePositions(sql)).toEqual([
    { tenant: 'default', source_partition: 'file:a', position: 9 },
    { tenant: 'default', source_partition: 'http/x', position: 1 },
  ])
})

test('files have the time they reached, and the largest they named; live events count apart', async () => {
  expect(await readTenantTimes(sql)).toMatchObject([
    { tenant: 'default', reached: 95, largest: 99, since: 90, live: 1 },
  ])
})

test('closed slices are those of the last two days of each tenant', async () => {
  expect(await readClosedSlices(sql)).toEqual([
    { tenant: 'default', date: '2024-01-02', pieces: 1 },
    { tenant: 'default', date: '2024-01-01', pieces: 3 },
    { tenant: 'other', date: '2023-12-31', pieces: 1 },
  ])
})

test('of control events the latest is in force', async () => {
  expect(await readLatestControl(sql, 'definitions.published')).toEqual([
    { tenant: '', data: '{"features":["b"],"rules":[],"model":null,"decision":"d@1"}' },
  ])
  expect(await readLatestControl(sql, 'tenant.configured')).toEqual([])
})
