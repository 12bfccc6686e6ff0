import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ingest } from '../../../pipelines/ingest/ingest.ts'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { noon, toIncoming, transaction } from './events.ts'
import { historyLines } from './history.ts'
import { withPipeline } from './open.ts'
import { type Dump, differences, dumpTables, expectSameTables } from './tables.ts'

const shape = { partitions: 2, slices: 3 }
const folder = temporaryFolder()
const lines = historyLines({ borrowers: 15, days: 70, seed: 21 })
const text = `${lines.join('\n')}\n`
let undisturbed: Dump
let directories = 0
let directory = ''

const open = <Result>(work: (pipeline: Pipeline) => Promise<Result>) =>
  withPipeline(directory, work, { shape, withoutModel: true })

/** Puts a file with this content through the pipeline of the directory, in a process's life of its own. */
async function give(content: string, name = 'events.ndjson'): Promise<Pipeline['counts']> {
  const path = join(folder, name)
  writeFileSync(path, content)
  return open(async (pipeline) => {
    const ingested = await ingest(pipeline, { tenant: 'default', files: [path], sort: false })
    expect(ingested).toMatchObject({ ok: true, failures: [] })
    return pipeline.counts
  })
}

const tables = (): Promise<Dump> => open((pipeline) => dumpTables(pipeline.database, shape.partitions))

function withoutFileNames(dump: Dump): Dump {
  return new Map([...dump].map(([table, rows]) => [table, rows.map((row) => row.replace(/file:[0-9a-f]{16}/, 'file'))]))
}

function newDirectory(): void {
  directory = join(folder, `data-${directories++}`)
}

beforeAll(async () => {
  newDirectory()
  await give(text)
  undisturbed = await tables()
  for (const [table, rows] of undisturbed) expect([table, rows.length > 0 || table === 'scores']).toEqual([table, true])
  newDirectory()
})
afterEach(newDirectory)

describe('a file that is given again', () => {
  it('changes nothing the second time, by whatever name', async () => {
    await give(text)
    const counts = await give(text, 'renamed.ndjson')
    expect(counts).toMatchObject({ events: 0, warnings: {} })
    expectSameTables(await tables(), undisturbed)
  })

  it('goes on where it ended when it has grown, line by line or by much', async () => {
    for (const until of [1, 2, 3, 600, 601]) await give(`${lines.slice(0, until).join('\n')}\n`)
    await give(text)
    // Its name comes from its beginning, which was shorter when it was given first.
    expectSameTables(withoutFileNames(await tables()), withoutFileNames(undisturbed))
  })

  it('goes on when it was cut in the middle of a line, which stays on record', async () => {
    const at = text.indexOf('\n', Math.floor(text.length / 2)) + 40
    const cutLine = text.slice(0, at).split('\n').length
    await give(text.slice(0, at))
    await give(text)
    const both = await tables()
    const cutRows =
      both
        .get('dead_letters')
        ?.filter((row) => (JSON.parse(row) as { source_position: number }).source_position === cutLine) ?? []
    expect(cutRows.map((row) => JSON.parse(row) as unknown)).toMatchObject([
      { step: 'decode', reason: 'not_json', detail: expect.stringContaining('the last line has no end') },
    ])
    const without = new Map(both)
    without.set('dead_letters', both.get('dead_letters')?.filter((row) => !cutRows.includes(row)) ?? [])
    expectSameTables(without, undisturbed)
  })

  it('is not refused twice where its last lines were refused, and is not believed later either', async () => {
    const events = [0, 1, 1].map((day, i) => JSON.stringify(transaction(`t-${i}`, noon(day), 'b')))
    const future = JSON.stringify(transaction('future', noon(402), 'b'))
    const refused = [...events, future, 'not an event'].join('\n')
    expect(await give(`${refused}\n`)).toMatchObject({ events: 3, dead_letters: { future: 1, not_json: 1 } })
    expect(await give(`${refused}\n`)).toMatchObject({ events: 0, dead_letters: {} })
    const later = [100, 100, 101].map((day, i) => JSON.stringify(transaction(`u-${i}`, noon(day), 'b')))
    expect(await give(`${refused}\n${later.join('\n')}\n`)).toMatchObject({ events: 3, dead_letters: {} })
    expect((await tables()).get('dead_letters')).toHaveLength(2)
  })

  it('is another file when it begins otherwise, and its events are repeats by their ids', async () => {
    await give(text)
    const [configuration, ...rest] = lines
    const events = rest.filter((line) => line.includes('"transaction.posted"') && line.startsWith('{"id":"b0'))
    const counts = await give(`${events.join('\n')}\n`, 'another.ndjson')
    expect(counts).toMatchObject({ events: 0 })
    expect(counts.repeats + (counts.dead_letters['conflict'] ?? 0)).toBe(events.length)
    expect(configuration).toContain('tenant.configured')
    const changed = differences(await tables(), undisturbed).map((difference) => difference.split(':')[0])
    expect(changed.filter((table) => !['source_files', 'dead_letters'].includes(table ?? ''))).toEqual([])
  })
})

describe('work that comes while the tables are being written', () => {
  it('is neither lost nor torn, however often somebody waits for the end', async () => {
    await open(async (pipeline) => {
      const items = toIncoming(lines, { tenant: 'default', partition: 'file:x' })
      const waits: Promise<unknown>[] = []
      for (let at = 0; at < items.length; at += 40) {
        waits.push(pipeline.take(items.slice(at, at + 40), undefined), pipeline.drain())
        await new Promise((resolve) => setTimeout(resolve, at % 3))
      }
      await Promise.all(waits)
    })
    const found = await tables()
    for (const table of ['features', 'signals', 'warnings', 'loans', 'loan_days', 'loan_months', 'progress']) {
      expect([table, found.get(table)]).toEqual([table, undisturbed.get(table)])
    }
  })
})
