import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { FeatureDefinition } from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { openPipeline, type Pipeline } from '../../../pipelines/run/pipeline.ts'
import type { Sql } from '../../../sql/client.ts'
import { readDigest } from '../../../sql/queries/digest.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { findingsOf, verifyPipeline } from '../verify/run.ts'
import { AFTER_NEXT, NEXT } from './catalogues.ts'
import { backfilled, backfillIn, featureTexts } from './run.ts'

const folder = temporaryFolder()
const shape = { partitions: 3, slices: 3 }
const lines = historyLines({ borrowers: 30, days: 80, seed: 47 })
/** Where a release ends and the next one begins. */
const [first, second, third] = [1800, 2400, 2800]

async function take(pipeline: Pipeline, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += 200) {
    const place = { tenant: 'default', partition: 'file:x', position: at + 1 }
    await pipeline.take(toIncoming(lines.slice(at, Math.min(to, at + 200)), place), undefined)
  }
  await pipeline.drain()
}

/** Works with a directory under a release with this catalogue. */
function under<Result>(
  name: string,
  catalogue: readonly FeatureDefinition[],
  work: (pipeline: Pipeline, sql: Sql) => Promise<Result>,
): Promise<Result> {
  return withPipeline(
    join(folder, name),
    async (pipeline) => {
      const sql = pipeline.database.session()
      try {
        return await work(pipeline, sql)
      } finally {
        await sql.close()
      }
    },
    { shape, catalogue },
  )
}

function copyOf(name: string, copy: string): string {
  cpSync(join(folder, name), join(folder, copy), { recursive: true })
  return copy
}

const count = async (sql: Sql, condition: string) =>
  (await sql.query<{ rows: number }>(`SELECT count() AS rows FROM features WHERE ${condition}`))[0]?.rows ?? -1

async function featureDigest(sql: Sql) {
  return (await readDigest(sql)).find(({ table }) => table === 'features')
}

beforeAll(async () => {
  await under('old', CATALOGUE, (pipeline) => take(pipeline, 0, first))
  // The next release, which has served for a while.
  await under(copyOf('old', 'next'), NEXT, (pipeline) => take(pipeline, first, second))
}, 120_000)

describe('a feature that is new', () => {
  it('is missing before it was in force, and there from then on', async () => {
    await under('next', NEXT, async (pipeline, sql) => {
      const places = await sql.query<{ partition: number; offset: number }>(
        "SELECT partition, max(offset) AS offset FROM events WHERE type = 'definitions.published' GROUP BY partition",
      )
      for (const { partition, offset } of places) {
        const rows = `partition = ${partition} AND offset`
        expect(await count(sql, `${rows} < ${offset} AND new_one IS NULL`)).toBeGreaterThan(300)
        expect(await count(sql, `${rows} < ${offset} AND new_one IS NOT NULL`)).toBe(0)
        expect(await count(sql, `${rows} > ${offset} AND new_one IS NULL`)).toBe(0)
        expect(await count(sql, `${rows} > ${offset}`)).toBeGreaterThan(50)
      }
      expect((await verifyPipeline(pipeline)).rows_differing).toBe(0)
    })
  })

  it('is refused by a release that lacks it', async () => {
    const opened = await openPipeline({ directory: join(folder, copyOf('next', 'lacking')), catalogue: CATALOGUE })
    expect(opened).toMatchObject({ ok: false, reason: 'definitions' })
    expect(opened.ok || opened.detail).toMatch(/feature new_one@1; run the release/)
  })

  it('comes to history with the values of a full replay, while events go on arriving; then a second version', async () => {
    const full = await under('full', AFTER_NEXT, async (pipeline, sql) => {
      await take(pipeline, 0, third)
      return featureTexts(sql)
    })
    expect(full.filter((row) => row.includes('"type":"day.closed"')).length).toBeGreaterThan(50)

    const name = copyOf('next', 'backfilled')
    await under(name, NEXT, async (pipeline, sql) => {
      const [summary] = await Promise.all([backfilled(pipeline, ['new_one@1']), take(pipeline, second, third - 100)])
      expect(summary).toMatchObject({ features: ['new_one@1'], already_done: [], generation: 1 })
      expect(summary.rows).toBe(await count(sql, 'generation = 1'))
      expect(await count(sql, 'new_one IS NULL')).toBe(0)
      expect(findingsOf(await verifyPipeline(pipeline))).toEqual([])
    })
    await under(name, AFTER_NEXT, async (pipeline, sql) => {
      await take(pipeline, third - 100, third)
      expect(await count(sql, 'new_one_v2 IS NULL')).toBeGreaterThan(1500)
      const summary = await backfilled(pipeline, ['new_one@2'])
      expect(summary).toMatchObject({ features: ['new_one@2'], generation: 2 })
      expect(await count(sql, 'new_one IS NULL OR new_one_v2 IS NULL')).toBe(0)
      expect(await featureTexts(sql)).toEqual(full)
      expect(findingsOf(await verifyPipeline(pipeline))).toEqual([])
      // What is done is done: nothing is written.
      const digest = await featureDigest(sql)
      expect(await backfilled(pipeline, ['new_one@1', 'new_one@2'])).toMatchObject({
        features: [],
        already_done: ['new_one@1', 'new_one@2'],
        rows: 0,
      })
      expect(await featureDigest(sql)).toEqual(digest)
    })
  }, 120_000)

  it('wins over the row first written, whichever arrives last', async () => {
    await under(copyOf('next', 'late-writer'), NEXT, async (pipeline, sql) => {
      await sql.command('CREATE TABLE first_written AS features')
      await sql.command('INSERT INTO first_written SELECT * FROM features')
      await backfilled(pipeline, ['new_one@1'])
      const digest = await featureDigest(sql)
      await sql.command('INSERT INTO features SELECT * FROM first_written')
      await sql.command('DROP TABLE first_written')
      expect(await featureDigest(sql)).toEqual(digest)
      await sql.command('OPTIMIZE TABLE features FINAL')
      expect(await featureDigest(sql)).toEqual(digest)
    })
  }, 60_000)

  it('that a cell of was changed after the backfill is found by verify', async () => {
    await under(copyOf('next', 'changed'), NEXT, async (pipeline, sql) => {
      await backfilled(pipeline, ['new_one@1'])
      const row = 'partition = 0 AND offset = 30'
      await sql.command(`ALTER TABLE features UPDATE new_one = NULL WHERE ${row} SETTINGS mutations_sync = 2`)
      const report = await verifyPipeline(pipeline)
      expect(report.rows_differing).toBe(1)
      expect(report.differences).toMatchObject([{ table: 'features', column: 'new_one', stored: '\\N' }])
    })
  }, 60_000)
})

describe('a backfill that was stopped', () => {
  it('goes on where it was, comes to the same rows, and is right in between', async () => {
    const whole = await under(copyOf('next', 'whole'), NEXT, async (pipeline, sql) => {
      const summary = await backfilled(pipeline, ['new_one@1'], { rowsPerBlock: 100 })
      return { rows: summary.rows, digest: await featureDigest(sql) }
    })
    const name = copyOf('next', 'stopped')
    let written = 0
    for (const after of [300, 1600]) {
      await under(name, NEXT, async (pipeline, sql) => {
        const stop = new AbortController()
        const onEvents = (events: number) => {
          if (events >= after) stop.abort(new Error('stopped here'))
        }
        const run = { rowsPerBlock: 100, signal: stop.signal, onEvents }
        await expect(backfillIn(pipeline, ['new_one@1'], run)).rejects.toThrow('stopped here')
        expect(findingsOf(await verifyPipeline(pipeline))).toEqual([])
        const now = await count(sql, 'generation = 1')
        expect(now).toBeGreaterThan(written)
        written = now
      })
    }
    await under(name, NEXT, async (pipeline, sql) => {
      const summary = await backfilled(pipeline, ['new_one@1'], { rowsPerBlock: 100 })
      expect(summary.rows).toBeLessThan(whole.rows - written / 2)
      expect(await featureDigest(sql)).toEqual(whole.digest)
      expect(findingsOf(await verifyPipeline(pipeline))).toEqual([])
    })
  }, 120_000)

  it('is finished first when another feature is asked for', async () => {
    await under(copyOf('stopped', 'other'), AFTER_NEXT, async (pipeline, sql) => {
      await sql.command('ALTER TABLE backfills UPDATE until = until + 1 WHERE 1 SETTINGS mutations_sync = 2')
      const summary = await backfilled(pipeline, ['new_one@2'])
      expect(summary).toMatchObject({ features: ['new_one@1', 'new_one@2'], generation: 2 })
      expect(findingsOf(await verifyPipeline(pipeline))).toEqual([])
    })
  }, 60_000)
})

describe('a backfill that cannot be', () => {
  it.each([
    [['nothing_like_it@1'], /has no feature nothing_like_it@1/],
    [['new_one@2'], /no feature new_one@2/],
  ])('%j is told why in one line', async (features, reason) => {
    await under('next', NEXT, async (pipeline) => {
      const outcome = await backfillIn(pipeline, features)
      expect(outcome.ok).toBe(false)
      expect(outcome.ok || outcome.detail).toMatch(reason)
    })
  })

  it('is of a feature in force from the beginning: that is done', async () => {
    await under('next', NEXT, async (pipeline) => {
      expect(await backfilled(pipeline, ['dpd_now@1'])).toMatchObject({ already_done: ['dpd_now@1'], rows: 0 })
    })
  })
})
