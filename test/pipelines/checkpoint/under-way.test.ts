import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { LogRecord } from '../../../features/events/record.ts'
import { dayOfDate } from '../../../features/time.ts'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { CHUNK_WORDS, CHUNKS_WAITING_MAX } from '../../../pipelines/checkpoint/chunk-file.ts'
import { unsealManifest } from '../../../pipelines/checkpoint/manifest.ts'
import { SLICE_WORDS_MAX } from '../../../pipelines/checkpoint/snapshot.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import { EVALUATION_BATCH } from '../../../pipelines/engine/engine.ts'
import { DISCARD } from '../../../pipelines/engine/outputs.ts'
import { type Draw, drawing } from '../../oracle/draw.ts'
import { closing, decoded, logOfEvents, ONE_BORROWER_SHAPE, publishing } from '../engine/one-borrower.ts'
import { interleave, newEngine, process, readWholeLog } from '../engine/replay.ts'
import { disbursement, noon, toIncoming, transaction } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { newDirectory, placesOf, stateOf } from './support.ts'

const SEED = 20_260_601
const CASES = 12
const BORROWERS = 30
const shape = { partitions: 2, slices: 3 }
const FIRST_DAY = dayOfDate('2024-01-01')
let records: LogRecord[] = []

beforeAll(async () => {
  await withPipeline(
    newDirectory(),
    async (pipeline) => {
      const lines = historyLines({ borrowers: BORROWERS, days: 60, seed: 23 })
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:history' }), undefined)
      await pipeline.drain()
      records = interleave(await readWholeLog(pipeline.database, shape))
    },
    { shape, withoutModel: true },
  )
})

/** An engine that has taken the first `until` records. */
async function engineAt(until: number) {
  const engine = newEngine(shape)
  await process(engine, records.slice(0, until), 500)
  return engine
}

/** Goes on from `from`, batches and slices of a few borrowers taking turns as drawn, until all is copied; says how far it came. */
async function writeUnderWay(draw: Draw, checkpoints: Checkpoints, engine: ReturnType<typeof newEngine>, from: number) {
  const snapshot = checkpoints.begin(engine, draw.below(3))
  let at = from
  do {
    const until = Math.min(records.length, at + draw.below(120))
    await engine.process(records.slice(at, until), DISCARD)
    at = until
  } while (snapshot.copySlice(draw.below(4)))
  await checkpoints.write(snapshot)
  return at
}

describe('a snapshot while the engine goes on', () => {
  it(`is that of its place, and so are the increments behind it (seed ${SEED})`, async () => {
    const draw = drawing(SEED)
    for (let n = 0; n < CASES; n++) {
      const directory = newDirectory()
      const checkpoints = new Checkpoints(directory)
      let begun = draw.below(Math.floor(records.length / 2))
      const engine = await engineAt(begun)
      for (let file = 0; file < 3; file++) {
        const came = await writeUnderWay(draw, checkpoints, engine, begun)
        const expected = await engineAt(begun)
        const restored = await new Checkpoints(directory).restore(() => newEngine(shape), placesOf(expected))
        expect([n, file, restored.ok]).toEqual([n, file, true])
        expect(await stateOf(restored.engine)).toEqual(await stateOf(expected))
        begun = Math.min(records.length, came + draw.below(200))
        await process(engine, records.slice(came, begun))
      }
    }
  }, 120_000)

  it('has what was decided before other definitions came', async () => {
    const failed = { direction: 'out', category: 'failed_debit' }
    const definitions = currentDefinitions(null)
    const log = logOfEvents([
      publishing(definitions),
      decoded(transaction('first', noon(0), 'b')),
      decoded(transaction('failed-1', noon(31), 'b', failed)),
      decoded(transaction('failed-2', noon(32), 'b', failed)),
      publishing({ ...definitions, rules: [] }),
    ])
    const engine = newEngine(ONE_BORROWER_SHAPE)
    await process(engine, log.slice(0, 4))
    const expected = await stateOf(engine)
    const directory = newDirectory()
    const checkpoints = new Checkpoints(directory)
    const snapshot = checkpoints.begin(engine, 0)
    await process(engine, log.slice(4))
    await checkpoints.write(snapshot)
    const restored = await new Checkpoints(directory).restore(() => newEngine(ONE_BORROWER_SHAPE), placesOf(engine))
    expect(await stateOf(restored.engine)).toEqual(expected)
  })

  /** Restores what was begun after `begun` records of a log of one borrower and written after `written`, next to an engine of that place. */
  async function restoredOf(log: readonly LogRecord[], begun: number, written: number, increment = begun) {
    const directory = newDirectory()
    const checkpoints = new Checkpoints(directory)
    const engine = newEngine(ONE_BORROWER_SHAPE)
    await process(engine, log.slice(0, begun))
    const snapshot = checkpoints.begin(engine, 0)
    await process(engine, log.slice(begun, written))
    await checkpoints.write(snapshot)
    if (increment > begun) await checkpoints.write(checkpoints.begin(engine))
    const expected = newEngine(ONE_BORROWER_SHAPE)
    await process(expected, log.slice(0, increment))
    const restored = await new Checkpoints(directory).restore(() => newEngine(ONE_BORROWER_SHAPE), placesOf(engine))
    return { restored: await stateOf(restored.engine), expected: await stateOf(expected) }
  }

  const disbursed = [
    publishing(currentDefinitions(null)),
    decoded(disbursement('loan', noon(0), 'b', 'l-1')),
    closing(FIRST_DAY),
  ]

  it('has loans as they were before a day closed that nobody was swept on', async () => {
    const data = { loan: 'l-1', closed_at: noon(1) }
    const closed = { id: 'closed', source: 'loans', type: 'loan.closed', time: noon(1), subject: 'b', data }
    const another = decoded(disbursement('another', noon(2), 'c', 'l-2'))
    const log = logOfEvents([...disbursed, decoded(closed), closing(FIRST_DAY + 1), another])
    const { restored, expected } = await restoredOf(log, 4, 6)
    expect(restored).toEqual(expected)
  })

  it('knows the days that were closed at its place, not when a borrower was copied', async () => {
    const log = logOfEvents([...disbursed, closing(FIRST_DAY + 1)])
    const { restored, expected } = await restoredOf(log, 3, 4, 4)
    expect(restored).toEqual(expected)
  })

  it('copies no more borrowers at a time than it may', async () => {
    const checkpoints = new Checkpoints(newDirectory())
    const engine = await engineAt(records.length)
    const borrowers = engine.partitions.reduce((sum, { features }) => sum + features.borrowers.length, 0)
    expect(borrowers).toBeGreaterThanOrEqual(BORROWERS)
    const snapshot = checkpoints.begin(engine)
    let slices = 1
    while (snapshot.copySlice(4)) slices++
    expect(slices).toBe(Math.ceil(borrowers / 4))
    await checkpoints.write(snapshot)
  })
})

/** An engine with borrowers whose rows take so many words each. */
function engineWithRows(borrowers: number, words: number) {
  const engine = newEngine(ONE_BORROWER_SHAPE)
  const state = engine.partitions[0] as (typeof engine.partitions)[number]
  const { features } = state
  for (let k = 0; k < borrowers; k++) {
    const { index } = features.borrowerOf(features.tenantOf('default'), `b-${k}`)
    const rows = Uint32Array.from({ length: words }, (_, at) => k * 1000 + at)
    features.queries.runs.write(index, rows, 0, words)
  }
  return { engine, state }
}

describe('what a snapshot takes', () => {
  it('is bounded in words where borrowers are heavy, and chunks are, but for one borrower alone', async () => {
    const heavy = 600_000
    const { engine, state } = engineWithRows(12, heavy)
    const alone = CHUNK_WORDS + 400
    state.features.book.runs.write(3, new Uint32Array(alone).fill(7), 0, alone)
    const directory = newDirectory()
    const checkpoints = new Checkpoints(directory)
    const snapshot = checkpoints.begin(engine)
    let slices = 1
    while (snapshot.copySlice()) slices++
    expect(slices).toBeGreaterThanOrEqual((12 * heavy) / (SLICE_WORDS_MAX + heavy))
    await checkpoints.write(snapshot)
    const { manifest } = unsealManifest(readFileSync(join(directory, 'checkpoint', 'manifest.json'), 'utf8'))
    const sizes = manifest?.files[0]?.chunks.map(({ bytes }) => bytes / 4) ?? []
    expect(sizes.filter((words) => words > CHUNK_WORDS)).toHaveLength(1)
    const restored = await new Checkpoints(directory).restore(() => newEngine(ONE_BORROWER_SHAPE), new Map())
    expect(await stateOf(restored.engine)).toEqual(await stateOf(engine))
  })

  it('holds the engine up where its file cannot follow', async () => {
    const { engine } = engineWithRows(40, 600_000)
    const day = 20_000
    const log = logOfEvents([
      publishing(currentDefinitions(null)),
      ...Array.from({ length: 40 }, (_, k) => decoded(transaction(`t-${k}`, noon(3), `b-${k}`))),
      closing(day),
      ...Array.from({ length: 300 }, (_, k) => decoded(transaction(`u-${k}`, noon(4), `b-${k % 40}`))),
    ])
    const checkpoints = new Checkpoints(newDirectory())
    await engine.process(log.slice(0, 1), DISCARD)
    const snapshot = checkpoints.begin(engine, 0)
    await engine.process(log.slice(1), DISCARD)
    // Forty borrowers of more than two megabytes were copied, and there was nobody but the engine to wait for them.
    expect(snapshot.waiting).toBeLessThanOrEqual(CHUNKS_WAITING_MAX)
    await checkpoints.write(snapshot)
  })

  it('is copied by a busy engine too, a share for each of its batches', async () => {
    const { engine } = engineWithRows(12, 400)
    const log = logOfEvents([
      publishing(currentDefinitions(null)),
      ...Array.from({ length: 3 * EVALUATION_BATCH }, (_, k) => decoded(transaction(`t-${k}`, noon(3, k), 'b-0'))),
    ])
    await engine.process(log.slice(0, 1), DISCARD)
    const checkpoints = new Checkpoints(newDirectory())
    const snapshot = checkpoints.begin(engine, 4)
    await engine.process(log.slice(1), DISCARD)
    expect(engine.snapshot).toBe(null)
    expect(snapshot.copySlice()).toBe(false)
    await checkpoints.write(snapshot)
  })
})

describe('a snapshot that was not finished', () => {
  it('leaves the one before usable, and the next start writes anew', async () => {
    const directory = newDirectory()
    const checkpoints = new Checkpoints(directory)
    const engine = await engineAt(1000)
    await checkpoints.write(checkpoints.begin(engine))
    const before = await stateOf(engine)
    const places = placesOf(engine)
    await process(engine, records.slice(1000, 1500), 100)
    const snapshot = checkpoints.begin(engine)
    snapshot.copySlice(5)
    // As the disk would be after a kill now.
    const killed = newDirectory()
    mkdirSync(join(killed, 'checkpoint'))
    for (const name of readdirSync(join(directory, 'checkpoint')))
      copyFileSync(join(directory, 'checkpoint', name), join(killed, 'checkpoint', name))
    writeFileSync(join(killed, 'checkpoint', snapshot.name), 'the beginning of an increment')
    await snapshot.close()

    const next = new Checkpoints(killed)
    const restored = await next.restore(() => newEngine(shape), places)
    expect(restored.ok).toBe(true)
    expect(await stateOf(restored.engine)).toEqual(before)
    await process(restored.engine, records.slice(1000, 1700), 100)
    await next.write(next.begin(restored.engine))
    const again = await new Checkpoints(killed).restore(() => newEngine(shape), placesOf(restored.engine))
    expect(await stateOf(again.engine)).toEqual(await stateOf(restored.engine))
    expect(readdirSync(join(killed, 'checkpoint'))).toHaveLength(3)
  })

  it('is followed by a base where its file could not be written: its changes are in no increment', async () => {
    const directory = newDirectory()
    const checkpoints = new Checkpoints(directory)
    const engine = await engineAt(1000)
    await checkpoints.write(checkpoints.begin(engine))
    await process(engine, records.slice(1000, 1500), 100)
    const failing = checkpoints.write(checkpoints.begin(engine), () => Promise.reject(new Error('no disk')))
    await expect(failing).rejects.toThrow('no disk')
    await checkpoints.write(checkpoints.begin(engine))
    const restored = await new Checkpoints(directory).restore(() => newEngine(shape), placesOf(engine))
    expect(await stateOf(restored.engine)).toEqual(await stateOf(engine))
  })

  it('counts only once all of it was acknowledged', async () => {
    const directory = newDirectory()
    const manifest = join(directory, 'checkpoint', 'manifest.json')
    const checkpoints = new Checkpoints(directory)
    const engine = await engineAt(1000)
    const asked = Promise.withResolvers<void>()
    const acknowledged = Promise.withResolvers<void>()
    const written = checkpoints.write(checkpoints.begin(engine), () => {
      asked.resolve()
      return acknowledged.promise
    })
    await asked.promise
    expect(existsSync(manifest)).toBe(false)
    acknowledged.resolve()
    await written
    expect(existsSync(manifest)).toBe(true)
  })

  it('never counts when it was told to stop meanwhile', async () => {
    const directory = newDirectory()
    const checkpoints = new Checkpoints(directory)
    const written = checkpoints.write(checkpoints.begin(await engineAt(1000)), () => checkpoints.close())
    await written
    expect(existsSync(join(directory, 'checkpoint', 'manifest.json'))).toBe(false)
  })
})
