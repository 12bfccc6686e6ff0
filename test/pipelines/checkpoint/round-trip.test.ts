import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../../features/events/record.ts'
import { dayOfDate } from '../../../features/time.ts'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import type { Engine } from '../../../pipelines/engine/engine.ts'
import { DISCARD } from '../../../pipelines/engine/outputs.ts'
import { CollectedRows } from '../engine/collected.ts'
import { closing, decoded, logOfEvents, ONE_BORROWER_SHAPE, publishing } from '../engine/one-borrower.ts'
import { interleave, newEngine, process, readWholeLog } from '../engine/replay.ts'
import { noon, toIncoming, transaction } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { newDirectory, placesOf, stateOf } from './support.ts'

const shape = { partitions: 3, slices: 4 }
const folder = temporaryFolder()
let records: LogRecord[] = []
let expected: string[] = []
let neverStopped: Engine

beforeAll(async () => {
  await withPipeline(
    join(folder, 'data'),
    async (pipeline) => {
      const lines = historyLines({ borrowers: 25, days: 100, seed: 12 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:history' }), undefined)
      await pipeline.drain()
      records = interleave(await readWholeLog(pipeline.database, shape))
    },
    { shape, withoutModel: true },
  )
  neverStopped = newEngine(shape)
  expected = (await process(neverStopped, records)).sorted()
})

const cutAfter = (id: string) => records.findIndex(({ event }) => event.id === id) + 1

describe('an engine restored from a checkpoint', () => {
  const cuts: readonly (readonly [string, () => number])[] = [
    ['before anything', () => 0],
    ['after the definitions', () => 3],
    ...[0.13, 0.37, 0.61, 0.85].map(
      (share) => [`at ${share} of the log`, () => Math.floor(records.length * share)] as const,
    ),
    [
      'in the middle of a day’s slices',
      () => records.findLastIndex(({ event }) => event.id.endsWith('2024-02-20/2')) - 1,
    ],
    ['while a repayment waits for its loan', () => cutAfter('early-late-loan-2')],
    ['after a repayment with a value date ahead', () => cutAfter('ahead')],
    ['after a reversal', () => cutAfter('reversal')],
    ['after a write-off', () => cutAfter('write-off')],
    ['after a disbursement dated before days that are closed', () => cutAfter('backdated')],
    ['at the end', () => records.length],
  ]

  it.each(cuts)('goes on as if it had never stopped: %s', async (_, cutOf) => {
    const cut = cutOf()
    expect(cut).toBeGreaterThanOrEqual(0)
    const directory = newDirectory()
    const rows = new CollectedRows()
    const before = newEngine(shape)
    const checkpoints = new Checkpoints(directory)
    // A base and two increments, as a run of some length leaves them.
    let done = 0
    for (const until of [Math.floor(cut / 2), Math.floor((cut * 3) / 4), cut]) {
      await process(before, records.slice(done, until), 500, rows)
      await checkpoints.write(checkpoints.begin(before))
      done = until
    }
    const { engine: after, ok } = await new Checkpoints(directory).restore(() => newEngine(shape), placesOf(before))
    expect(ok).toBe(true)
    await process(after, records.slice(cut), 500, rows)
    expect(rows.sorted()).toEqual(expected)
    expect(await stateOf(after)).toEqual(await stateOf(neverStopped))
  })

  it('goes on from where a restored one wrote its next increment', async () => {
    const directory = newDirectory()
    const rows = new CollectedRows()
    let done = 0
    for (const until of [900, 1000, 1700, 1800, records.length]) {
      const checkpoints = new Checkpoints(directory)
      const { engine, ok } = await checkpoints.restore(() => newEngine(shape), everywhere())
      expect(ok).toBe(done > 0)
      await process(engine, records.slice(done, until), 500, rows)
      await checkpoints.write(checkpoints.begin(engine))
      done = until
    }
    expect(rows.sorted()).toEqual(expected)
  })
})

describe('what ticks alone decided', () => {
  it('is in the next increment, though no event touched the borrower', async () => {
    const failed = { direction: 'out', category: 'failed_debit' }
    const first = dayOfDate('2024-01-01')
    const ticks = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => closing(first + from + i))
    const log = logOfEvents([
      publishing(currentDefinitions(null)),
      decoded(transaction('first', noon(0), 'b')),
      decoded(transaction('failed-1', noon(31), 'b', failed)),
      decoded(transaction('failed-2', noon(32), 'b', failed)),
      ...ticks(32, 80),
    ])
    const whole = newEngine(ONE_BORROWER_SHAPE)
    const rows = (await process(whole, log)).sorted()
    expect(rows.filter((row) => row.includes('"type":"cleared"'))).toHaveLength(1)
    // Of whom nothing is active nothing is kept.
    expect(whole.partitions[0]?.decisions.size).toBe(0)
    // The warning opens with the events; the base holds it. Its signal goes off, and later it is cleared, by ticks alone.
    for (const increment of [30, 33, 36, 39, 42, 45]) {
      const directory = newDirectory()
      const before = newEngine(ONE_BORROWER_SHAPE)
      const collected = await process(before, log.slice(0, 6))
      const checkpoints = new Checkpoints(directory)
      await checkpoints.write(checkpoints.begin(before))
      await process(before, log.slice(6, increment), 100, collected)
      await checkpoints.write(checkpoints.begin(before))
      const { engine: after, ok } = await new Checkpoints(directory).restore(
        () => newEngine(ONE_BORROWER_SHAPE),
        placesOf(before),
      )
      expect(ok).toBe(true)
      await process(after, log.slice(increment), 100, collected)
      expect(collected.sorted()).toEqual(rows)
      expect(await stateOf(after)).toEqual(await stateOf(whole))
    }
  })
})

function everywhere(): Map<number, number> {
  return new Map(Array.from({ length: shape.partitions }, (_, partition) => [partition, Number.POSITIVE_INFINITY]))
}

describe('a checkpoint that is not as it was written', () => {
  let written: string
  let stopped: Engine
  beforeAll(async () => {
    written = newDirectory()
    stopped = newEngine(shape)
    const checkpoints = new Checkpoints(written)
    for (const [from, to] of [
      [0, 1000],
      [1000, 2000],
    ] as const) {
      for (let at = from; at < to; at += 500) await stopped.process(records.slice(at, at + 500), DISCARD)
      await checkpoints.write(checkpoints.begin(stopped))
    }
  })

  /** A copy of the checkpoint, changed. */
  function damaged(change: (folder: string, files: string[]) => void): string {
    const directory = newDirectory()
    const target = join(directory, 'checkpoint')
    mkdirSync(target)
    const files = readdirSync(join(written, 'checkpoint')).sort()
    for (const name of files) copyFileSync(join(written, 'checkpoint', name), join(target, name))
    change(target, files)
    return directory
  }

  function restore(directory: string, acknowledged = placesOf(stopped)) {
    return new Checkpoints(directory).restore(() => newEngine(shape), acknowledged)
  }

  it('is taken when nothing is wrong with it', async () => {
    const { ok, engine } = await restore(damaged(() => {}))
    expect(ok).toBe(true)
    expect(await stateOf(engine)).toEqual(await stateOf(stopped))
  })

  const damages: readonly (readonly [string, (folder: string, files: string[]) => void])[] = [
    ['a file is cut short', (at, files) => truncateSync(join(at, files[0] as string), 100)],
    ['an increment is cut short', (at, files) => truncateSync(join(at, files[1] as string), 0)],
    ['a file is missing', (at, files) => rmSync(join(at, files[1] as string))],
    ['the manifest is missing', (at) => rmSync(join(at, 'manifest.json'))],
    ['the manifest is cut short', (at) => truncateSync(join(at, 'manifest.json'), 50)],
    ['the manifest is empty', (at) => truncateSync(join(at, 'manifest.json'), 0)],
    ['a place in the manifest is another', (at) => rewrite(at, /"offset":(\d)/, '"offset":9$1')],
    ['a closed day in the manifest is another', (at) => rewrite(at, /"closed_day":(\d+)\d/, '"closed_day":$10')],
    ['it is of a release with another catalogue', (at) => rewrite(at, /"identity":"\w/, '"identity":"#')],
  ]
  it.each(damages)('is not used, and the engine is still new: %s', async (_, change) => {
    const { ok, detail, engine } = await restore(damaged(change))
    expect(ok).toBe(false)
    expect(detail).toMatch(/checkpoint/)
    expect((await process(engine, records)).sorted()).toEqual(expected)
  })

  it('is not used when any byte of any file is another', async () => {
    const files = readdirSync(join(written, 'checkpoint'))
    for (const name of files) {
      const bytes = readFileSync(join(written, 'checkpoint', name))
      // Steps of a prime, so that every kind of field is met.
      for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 61))) {
        const directory = damaged((folder) => {
          const flipped = Buffer.from(bytes)
          flipped[at] = (flipped[at] as number) ^ 1
          writeFileSync(join(folder, name), flipped)
        })
        expect([name, at, (await restore(directory)).ok]).toEqual([name, at, false])
        rmSync(directory, { recursive: true })
      }
    }
  })

  it('is not used when it runs ahead of what the tables hold', async () => {
    const behind = placesOf(stopped)
    behind.set(1, (behind.get(1) as number) - 1)
    const unchanged = damaged(() => {})
    expect(await restore(unchanged, behind)).toMatchObject({
      ok: false,
      detail: 'the checkpoint runs ahead of the tables',
    })
    expect((await restore(unchanged, new Map())).ok).toBe(false)
  })

  it('is replaced by the next one, and what is left of it does no harm', async () => {
    const directory = damaged((at, files) => truncateSync(join(at, files[1] as string), 10))
    const checkpoints = new Checkpoints(directory)
    const { engine, ok } = await checkpoints.restore(() => newEngine(shape), placesOf(stopped))
    expect(ok).toBe(false)
    await process(engine, records.slice(0, 1500), 500)
    await checkpoints.write(checkpoints.begin(engine))
    const again = await restore(directory, placesOf(engine))
    expect(again.ok).toBe(true)
    expect(await stateOf(again.engine)).toEqual(await stateOf(engine))
    expect(readdirSync(join(directory, 'checkpoint'))).toHaveLength(2)
  })

  function rewrite(at: string, pattern: RegExp, replacement: string): void {
    const text = readFileSync(join(at, 'manifest.json'), 'utf8')
    expect(text).toMatch(pattern)
    writeFileSync(join(at, 'manifest.json'), text.replace(pattern, replacement))
  }
})
