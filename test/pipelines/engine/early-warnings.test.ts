import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { featureColumn } from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import type { EarlyWarningsOptions } from '../../../pipelines/engine/early-warnings.ts'
import type { FeedRow } from '../../../pipelines/engine/outputs.ts'
import { type RowWatcher, Sink } from '../../../pipelines/engine/sink.ts'
import type { Sql } from '../../../sql/client.ts'
import { ensureFeatureColumns, migrate } from '../../../sql/migrate.ts'
import { openTestDatabase, type TestDatabase } from '../../sql/support.ts'

const AFTER_MS = 20
/** Longer than any test: what is in the tables got there ahead of its block. */
const NEVER_MS = 600_000
const NOBODY: RowWatcher = { warning() {}, refused() {}, late() {} }

let test: TestDatabase
let reads: Sql
beforeAll(async () => {
  test = await openTestDatabase()
  reads = test.database.session()
  await migrate(reads)
  await ensureFeatureColumns(reads, CATALOGUE.map(featureColumn))
})
afterAll(async () => {
  await reads.close()
  await test.close()
})

/** `progress` has one row per partition: each test has a partition of its own. */
const TENANTS = ['ahead', 'behind', 'beside', 'fenced', 'lost', 'stopped']

const warning = (tenant: string, feed_seq: number): FeedRow => ({
  tenant,
  partition: TENANTS.indexOf(tenant),
  offset: feed_seq * 10,
  feed_seq,
  seq: 0,
  id: `${tenant}-${feed_seq}`,
  warning_id: `${tenant}-1`,
  type: 'opened',
  severity: 'yellow',
  borrower: 'b',
  loan: '',
  time: 1_700_000_000_000,
  decision: 'decision@1',
  model: '',
  score: null,
  trigger_source: 'core',
  trigger_id: `e-${feed_seq}`,
  trigger_date: '',
  signals: '[]',
})

/** Hands over a warning with its feature row and place, as the engine does. */
function make(sink: Sink, tenant: string, feed_seq: number): void {
  const { outputs } = sink
  const { partition, offset } = warning(tenant, feed_seq)
  const meta = { tenant, partition, offset, borrower: 'b', type: 'transaction.posted', time: 0, late_ms: 0 }
  outputs.warning(warning(tenant, feed_seq))
  outputs.features(meta, new Float64Array(CATALOGUE.length), 0, 0)
  outputs.progress({ partition, offset }, new Map([[tenant, feed_seq]]))
}

function open(early: Partial<EarlyWarningsOptions> = {}, sql = test.database.session()): Sink {
  const earlyWarnings = { sql: test.database.session(), afterMs: AFTER_MS, mayWrite: () => true, ...early }
  return new Sink(sql, new Map(), NOBODY, { flushAfterMs: NEVER_MS, earlyWarnings })
}

async function stored(tenant: string): Promise<{ warnings: string[]; features: number; progress: number }> {
  const rows = await reads.query<{ id: string }>(
    `SELECT id FROM warnings WHERE tenant = '${tenant}' ORDER BY feed_seq SETTINGS final = 0`,
  )
  const count = async (sql: string) => (await reads.query<{ n: number }>(sql))[0]?.n ?? -1
  return {
    warnings: rows.map(({ id }) => id),
    features: await count(`SELECT count() AS n FROM features WHERE tenant = '${tenant}'`),
    progress: await count(`SELECT count() AS n FROM progress WHERE partition = ${TENANTS.indexOf(tenant)}`),
  }
}

async function untilWarnings(tenant: string, wanted: number): Promise<number> {
  const started = performance.now()
  while ((await stored(tenant)).warnings.length < wanted) {
    if (performance.now() - started > 10_000) throw new Error(`no ${wanted} warnings of ${tenant}`)
    await sleep(5)
  }
  return performance.now() - started
}

it('warnings are in the tables long before the block that they belong to, once each, and progress vouches for all last', async () => {
  const sink = open()
  make(sink, 'ahead', 1)
  make(sink, 'ahead', 2)
  await untilWarnings('ahead', 2)
  make(sink, 'ahead', 3)
  await untilWarnings('ahead', 3)
  expect(await stored('ahead')).toEqual({ warnings: ['ahead-1', 'ahead-2', 'ahead-3'], features: 0, progress: 0 })
  await sink.flushIfDue()
  expect((await stored('ahead')).features).toBe(0)
  make(sink, 'ahead', 4)
  await sink.flush()
  const ids = ['ahead-1', 'ahead-2', 'ahead-3', 'ahead-4']
  expect(await stored('ahead')).toEqual({ warnings: ids, features: 4, progress: 1 })
  // The blocks are used again: nothing of before comes with them.
  make(sink, 'ahead', 5)
  await untilWarnings('ahead', 5)
  await sink.flush()
  expect((await stored('ahead')).warnings).toEqual([...ids, 'ahead-5'])
})

it('without the option they wait for their block', async () => {
  const sink = new Sink(test.database.session(), new Map(), NOBODY, { flushAfterMs: NEVER_MS })
  make(sink, 'behind', 1)
  await sleep(AFTER_MS * 10)
  expect(await stored('behind')).toEqual({ warnings: [], features: 0, progress: 0 })
  await sink.flush()
  expect(await stored('behind')).toEqual({ warnings: ['behind-1'], features: 1, progress: 1 })
})

it('a block that is being written holds nothing up', async () => {
  const gate = Promise.withResolvers<void>()
  const session = test.database.session()
  const slow: Sql = {
    ...bound(session),
    insertBlock: async (table, block) => {
      if (table === 'features') await gate.promise
      return session.insertBlock(table, block)
    },
  }
  const sink = open({}, slow)
  make(sink, 'beside', 1)
  const first = sink.flush()
  await untilWarnings('beside', 1)
  make(sink, 'beside', 2)
  await untilWarnings('beside', 2)
  expect((await stored('beside')).progress).toBe(0)
  gate.resolve()
  await first
  await sink.flush()
  expect(await stored('beside')).toEqual({ warnings: ['beside-1', 'beside-2'], features: 2, progress: 1 })
})

it('what may not be written by itself stays with its block', async () => {
  let isOwner = false
  const sink = open({ mayWrite: () => isOwner })
  make(sink, 'fenced', 1)
  await sleep(AFTER_MS * 10)
  expect((await stored('fenced')).warnings).toEqual([])
  isOwner = true
  await sink.flush()
  expect(await stored('fenced')).toEqual({ warnings: ['fenced-1'], features: 1, progress: 1 })
})

it('where a warning could not be written ahead, nothing vouches for it', async () => {
  const session = test.database.session()
  const broken: Sql = { ...bound(session), insertBlock: () => Promise.reject(new Error('the disk is gone')) }
  const sink = open({ sql: broken })
  make(sink, 'lost', 1)
  await sleep(AFTER_MS * 5)
  await expect(sink.flush()).rejects.toThrow('the disk is gone')
  expect((await stored('lost')).progress).toBe(0)
  expect(sink.acknowledged.get(TENANTS.indexOf('lost'))).toBeUndefined()
})

it('stopped, it writes no more by itself', async () => {
  const sink = open()
  make(sink, 'stopped', 1)
  await sink.stop()
  await sleep(AFTER_MS * 10)
  expect((await stored('stopped')).warnings).toEqual([])
})

/** A session's own methods, to replace some of them. */
function bound(sql: Sql): Sql {
  return {
    query: (text, of) => sql.query(text, of),
    bytes: (text, format, of) => sql.bytes(text, format, of),
    stream: (text, format, of) => sql.stream(text, format, of),
    command: (text) => sql.command(text),
    insertBlock: (table, block) => sql.insertBlock(table, block),
    close: () => sql.close(),
  }
}
