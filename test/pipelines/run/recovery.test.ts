import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../sources/helpers.ts'
import { noon, toIncoming, transaction } from './events.ts'
import { historyLines } from './history.ts'
import { openAt, withPipeline } from './open.ts'
import { type Dump, dumpTables, expectSameTables } from './tables.ts'

const options = { shape: { partitions: 2, slices: 3 }, withoutModel: true, checkpointEvaluations: 400 }
const folder = temporaryFolder()
const items = toIncoming(historyLines({ borrowers: 12, days: 70, seed: 41 }), {
  tenant: 'default',
  partition: 'file:x',
})
const half = Math.floor(items.length / 2)
/** Data directories that were closed after the first half, and at the end. */
const atHalf = join(folder, 'at-half')
const atEnd = join(folder, 'at-end')
let expected: Dump

beforeAll(async () => {
  for (const [directory, until] of [
    [atHalf, half],
    [atEnd, items.length],
  ] as const) {
    await withPipeline(
      directory,
      async (pipeline) => {
        for (let at = 0; at < until; at += 300)
          await pipeline.take(items.slice(at, Math.min(until, at + 300)), undefined)
        await pipeline.drain()
        expected = await dumpTables(pipeline.database, options.shape.partitions)
      },
      options,
    )
  }
})

describe('a data directory whose checkpoint cannot be used', () => {
  const damages: readonly (readonly [string, RegExp, (checkpoint: string) => void])[] = [
    ['has none', /no checkpoint/, (checkpoint) => rmSync(checkpoint, { recursive: true })],
    [
      'has one with a flipped byte',
      /is damaged/,
      (checkpoint) => {
        const path = join(checkpoint, readdirSync(checkpoint).find((name) => name.endsWith('.state')) as string)
        const bytes = readFileSync(path)
        const middle = Math.floor(bytes.length / 2)
        bytes[middle] = (bytes[middle] as number) ^ 4
        writeFileSync(path, bytes)
      },
    ],
    [
      'has one that runs ahead of its tables',
      /runs ahead/,
      (checkpoint) => {
        rmSync(checkpoint, { recursive: true })
        cpSync(join(atEnd, 'checkpoint'), checkpoint, { recursive: true })
      },
    ],
  ]

  it.each(damages)('is rebuilt from its log, and goes on as if nothing had been: %s', async (name, detail, damage) => {
    const directory = join(folder, name.replaceAll(' ', '-'))
    cpSync(atHalf, directory, { recursive: true })
    damage(join(directory, 'checkpoint'))
    const dump = await withPipeline(
      directory,
      async (pipeline) => {
        expect(pipeline.recovery).toMatch(detail)
        await pipeline.take(items, undefined)
        await pipeline.drain()
        return dumpTables(pipeline.database, options.shape.partitions)
      },
      options,
    )
    expectSameTables(dump, expected)
  })
})

describe('a pipeline that could not write', () => {
  it('takes nothing more, and the next start goes on from what the log holds', async () => {
    const directory = join(folder, 'broken')
    const originals = join(directory, 'originals')
    const place = { tenant: 'default', partition: 'file:y' }
    const lines = ['not an event', ...[0, 1, 2, 3].map((day) => transaction(`t-${day}`, noon(day), 'b'))]
    const broken = await openAt(directory, options)
    await broken.take(toIncoming([transaction('before', noon(0), 'b')], place), undefined)
    // Where originals are kept there is a file now: a line that has to be refused cannot be put on record.
    rmSync(originals, { recursive: true })
    writeFileSync(originals, '')
    const batch = toIncoming(lines, { ...place, position: 2 })
    await expect(broken.take(batch, undefined)).rejects.toThrow(/originals/)
    await expect(broken.take(toIncoming([lines[1] as string], { ...place, position: 3 }), undefined)).rejects.toThrow()
    await expect(broken.close()).rejects.toThrow()

    rmSync(originals)
    mkdirSync(originals)
    await withPipeline(
      directory,
      async (pipeline) => {
        const results = await pipeline.take(batch, undefined)
        expect(results.map(({ status }) => status)).toEqual(['refused', ...Array(4).fill('accepted')])
        await pipeline.drain()
        const sql = pipeline.database.session()
        const ids = "SELECT id FROM events WHERE borrower = 'b' ORDER BY offset"
        expect(await sql.query(ids)).toEqual(['before', 't-0', 't-1', 't-2', 't-3'].map((id) => ({ id })))
        expect(await sql.query("SELECT count() AS rows FROM features WHERE borrower = 'b'")).toEqual([{ rows: 5 }])
        await sql.close()
      },
      options,
    )
  })
})
