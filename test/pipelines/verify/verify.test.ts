import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import { DIFFERENCES_NAMED_MAX, type VerifyReport } from '../../../pipelines/verify/verify.ts'
import { readDigest } from '../../../sql/queries/digest.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { findingsOf, verifyPipeline } from './run.ts'

const folder = temporaryFolder()
const served = join(folder, 'served')
const lines = historyLines({ borrowers: 30, days: 90, seed: 31 })
const shape = { partitions: 4, slices: 3 }

/** Hands lines to a pipeline in batches of this size. */
async function take(pipeline: Pipeline, batch: number, from = 0, to = lines.length, tenant = 'default'): Promise<void> {
  for (let at = from; at < to; at += batch) {
    const place = { tenant, partition: `file:${tenant}`, position: at + 1 }
    await pipeline.take(toIncoming(lines.slice(at, Math.min(to, at + batch)), place), undefined)
  }
  await pipeline.drain()
}

beforeAll(async () => {
  // Served in two lives, so that what a restart restores is part of it.
  await withPipeline(served, (pipeline) => take(pipeline, 400, 0, 1500), { shape })
  await withPipeline(served, (pipeline) => take(pipeline, 123, 1500))
}, 120_000)

describe('what was served', () => {
  it('is what its log says, in every cell of every table, and is the same afterwards', async () => {
    await withPipeline(served, async (pipeline) => {
      const sql = pipeline.database.session()
      const before = await readDigest(sql)
      const report = await verifyPipeline(pipeline)
      expect(findingsOf(report)).toEqual([])
      expect(report.rows_differing).toBe(0)
      for (const { table, rows, cells } of report.tables) {
        expect({ table, rows }).toEqual({ table, rows: before.find((one) => one.table === table)?.rows })
        expect(rows, table).toBeGreaterThan(10)
        expect(cells, table).toBeGreaterThan(rows)
      }
      expect(await readDigest(sql)).toEqual(before)
      expect(await sql.query("SELECT name FROM system.databases WHERE name LIKE 'verify%'")).toEqual([])
      await sql.close()
    })
  })

  it('is so after the same lines came again in other batches', async () => {
    await withPipeline(served, async (pipeline) => {
      const events = pipeline.counts.events
      await take(pipeline, 1000)
      expect(pipeline.counts.events).toBe(events)
      expect((await verifyPipeline(pipeline)).rows_differing).toBe(0)
    })
  })

  it('is so with one partition and one slice, and with rows of several tenants, each alone or together', async () => {
    const directory = join(folder, 'one-partition')
    await withPipeline(
      directory,
      async (pipeline) => {
        await take(pipeline, 777, 0, 1500)
        await take(pipeline, 500, 0, 1000, 'other')
        const all = await verifyPipeline(pipeline)
        const own = await verifyPipeline(pipeline, 'default')
        const other = await verifyPipeline(pipeline, 'other')
        expect([...findingsOf(all), ...findingsOf(own), ...findingsOf(other)]).toEqual([])
        expect(own.rows).toBeGreaterThan(1200)
        expect(other.rows).toBeGreaterThan(800)
        expect(all.rows).toBe(own.rows + other.rows)
      },
      { shape: { partitions: 1, slices: 1 }, withoutModel: true },
    )
  }, 120_000)

  it('can be compared while events go on arriving, up to where it began', async () => {
    const directory = join(folder, 'going-on')
    cpSync(served, directory, { recursive: true })
    await withPipeline(directory, async (pipeline) => {
      const verifying = verifyPipeline(pipeline)
      for (let i = 0; i < 20; i++) await take(pipeline, 100, i * 100, (i + 1) * 100, 'latecomer')
      const report = await verifying
      expect(findingsOf(report)).toEqual([])
      const behind = pipeline.engine.partitions.reduce((sum, { offset }) => sum + offset + 1, 0) - report.events
      expect(behind).toBeGreaterThan(1000)
    })
  }, 120_000)
})

describe('a table that was tampered with', () => {
  const NOW = ' SETTINGS mutations_sync = 2'
  /** Places in partition 1 of rows of `features` that know of a loan but of no limit, as the history happens to have them. */
  let offsets: number[] = []
  const at = (k: number) => ({ tenant: 'default', partition: 1, offset: offsets[k] })
  const where = (k: number) => `tenant = 'default' AND partition = 1 AND offset = ${offsets[k]}`
  const bitOf = (column: string) => `reinterpretAsFloat64(bitXor(reinterpretAsUInt64(${column}), 1))`
  /** What was done, the statement that does it, and how it has to be named. */
  const tampered: readonly (readonly [string, () => string, () => object])[] = [
    [
      'a flipped cell',
      () => `ALTER TABLE features UPDATE active_loan_count = 77.5 WHERE ${where(0)}${NOW}`,
      () => ({ table: 'features', key: at(0), column: 'active_loan_count', stored: '77.5' }),
    ],
    [
      'a value where there was none',
      () => `ALTER TABLE features UPDATE utilisation = 0 WHERE ${where(1)}${NOW}`,
      () => ({ table: 'features', key: at(1), column: 'utilisation', stored: '0', recomputed: '\\N' }),
    ],
    [
      'a changed row with a higher generation',
      () => `INSERT INTO features SELECT * REPLACE (9 AS generation, -1. AS dpd_now) FROM features WHERE ${where(2)}`,
      () => ({ table: 'features', key: at(2), column: 'dpd_now', stored: '-1' }),
    ],
    [
      'a missing row',
      () => `ALTER TABLE features DELETE WHERE ${where(3)}${NOW}`,
      () => ({ table: 'features', key: at(3), column: null, stored: null }),
    ],
    [
      'the last bit of a score',
      () => `ALTER TABLE scores UPDATE score = ${bitOf('score')} WHERE ${where(0)}${NOW}`,
      () => ({ table: 'scores', key: at(0), column: 'score' }),
    ],
    [
      'an extra row',
      () => 'INSERT INTO signals SELECT * REPLACE (seq + 5 AS seq) FROM signals ORDER BY ALL LIMIT 1',
      () => ({ table: 'signals', column: null, recomputed: null }),
    ],
    [
      'a warning that was made milder',
      () => `ALTER TABLE warnings UPDATE severity = 'blue' WHERE partition = 1 AND feed_seq = 2${NOW}`,
      () => ({
        table: 'warnings',
        key: { tenant: 'default', partition: 1, feed_seq: 2 },
        column: 'severity',
        stored: 'blue',
      }),
    ],
    [
      'a loan that was made worse',
      () => `ALTER TABLE loans UPDATE worst_dpd = worst_dpd + 1 WHERE loan = 'late-loan'${NOW}`,
      () => ({ table: 'loans', key: { loan: 'late-loan' }, column: 'worst_dpd' }),
    ],
    [
      'a day of a loan that is gone',
      () => `ALTER TABLE loan_days DELETE WHERE loan = 'backdated' AND date = '2024-02-25'${NOW}`,
      () => ({ table: 'loan_days', key: { loan: 'backdated', date: '2024-02-25' }, column: null, stored: null }),
    ],
    [
      'a month end that is gone',
      () => `ALTER TABLE loan_months DELETE WHERE loan = 'late-loan' AND mob = 1${NOW}`,
      () => ({ table: 'loan_months', key: { month: '2024-02-01', loan: 'late-loan' }, column: null, stored: null }),
    ],
  ]
  let report: VerifyReport

  beforeAll(async () => {
    const directory = join(folder, 'tampered')
    cpSync(served, directory, { recursive: true })
    await withPipeline(directory, async (pipeline) => {
      const sql = pipeline.database.session()
      const rows = await sql.query<{ offset: number }>(
        `SELECT offset FROM features WHERE tenant = 'default' AND partition = 1 AND active_loan_count > 0
         AND utilisation IS NULL ORDER BY offset LIMIT 4`,
      )
      offsets = rows.map(({ offset }) => offset)
      for (const [, statement] of tampered) await sql.command(statement())
      await sql.close()
      report = await verifyPipeline(pipeline)
    })
  })

  it.each(tampered)('%s is found and named', (_name, _statement, expected) => {
    expect(report.differences).toContainEqual(expect.objectContaining(withKey(expected())) as object)
  })

  it('shows what is wrong and nothing else: a row for each, one of them with two cells', () => {
    expect(report.rows_differing).toBe(tampered.length)
    expect(report.differences).toHaveLength(tampered.length + 1)
  })

  it('has its first differences named and all of them counted', async () => {
    const directory = join(folder, 'many')
    cpSync(served, directory, { recursive: true })
    await withPipeline(directory, async (pipeline) => {
      const sql = pipeline.database.session()
      await sql.command(`ALTER TABLE features UPDATE dpd_now = -3 WHERE partition = 2${NOW}`)
      const [wrong] = await sql.query<{ rows: number }>('SELECT count() AS rows FROM features WHERE dpd_now = -3')
      await sql.close()
      const many = await verifyPipeline(pipeline)
      expect(many.rows_differing).toBe(wrong?.rows)
      expect(many.rows_differing).toBeGreaterThan(DIFFERENCES_NAMED_MAX)
      expect(many.differences).toHaveLength(DIFFERENCES_NAMED_MAX)
    })
  }, 60_000)
})

function withKey(expected: object): object {
  return 'key' in expected ? { ...expected, key: expect.objectContaining(expected.key as object) as object } : expected
}
