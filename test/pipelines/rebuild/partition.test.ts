import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { featureColumn } from '../../../features/catalogue/define.ts'
import type { PublishedDefinitions } from '../../../features/events/contract.ts'
import { canonicalData } from '../../../features/events/decode.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import { dayOfDate } from '../../../features/time.ts'
import type { WarningRow, WarningSignal } from '../../../models/decision/rows.ts'
import type { Model } from '../../../models/model.ts'
import { Checkpoints } from '../../../pipelines/checkpoint/checkpoint.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import type { Engine } from '../../../pipelines/engine/engine.ts'
import { Sink } from '../../../pipelines/engine/sink.ts'
import { rebuildPartition } from '../../../pipelines/rebuild/partition.ts'
import { loadModels } from '../../../pipelines/run/models.ts'
import { type EmbeddedDatabase, openEmbedded } from '../../../sql/embedded.ts'
import { ensureFeatureColumns, migrate } from '../../../sql/migrate.ts'
import { createEventsBlock, eventsRow } from '../../../sql/tables/events.ts'
import { type Draw, drawing } from '../../oracle/draw.ts'
import { newDirectory, placesOf, stateOf } from '../checkpoint/support.ts'
import { publishing } from '../engine/one-borrower.ts'
import { interleave, newEngine, process, readWholeLog } from '../engine/replay.ts'
import { configuration, toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const shape = { partitions: 2, slices: 3 }
const SEEDS = [71]
const CALL = 500
const DEFINITIONS = 'definitions.published'
/** Small ones, so that a history has many pages and many statements for its decisions. */
const bounds = { eventOffsets: 700, decisionOffsets: 900 }
/** The history has a payment with this value date that it receives two days before. */
const PAID_AHEAD = dayOfDate('2024-01-28')
const NOBODY_WATCHES = { warning() {}, refused() {}, late() {} }
const folder = temporaryFolder()
const models: Model[] = []

beforeAll(async () => {
  const loaded = await loadModels()
  if (!loaded.ok) throw new Error(loaded.detail)
  models.push(...loaded.models)
})

describe.each(SEEDS)('a partition rebuilt from the tables (seed %i)', (seed) => {
  let records: LogRecord[]
  let database: EmbeddedDatabase

  beforeAll(async () => {
    const draw = drawing(seed)
    records = await changedLog(await historyLog(seed), draw)
    database = await openWith(join(folder, `tables-${seed}`), records)
  }, 120_000)
  afterAll(() => database.close())

  /** Brings an engine to where another one is, of whose rows the tables hold all and more. */
  async function rebuild(engine: Engine, until: Engine): Promise<void> {
    const sql = database.session()
    for (const { partition, offset, feedSeqs } of until.partitions) {
      const feed_seqs = JSON.stringify(Object.fromEntries(feedSeqs))
      if (offset >= 0) await rebuildPartition(engine, sql, { partition, offset, feed_seqs }, bounds)
    }
    await sql.close()
  }

  it('is the one that was never lost, at any place of the log, and goes on like it', async () => {
    const draw = drawing(seed + 1000)
    // Also where the first change has just had its effect, before the days pass in which it wears off.
    const afterChange = records.findIndex(({ event }, i) => i >= shape.partitions && event.type === DEFINITIONS)
    const cuts = [
      afterChange + shape.partitions + draw.below(20),
      1 + draw.below(records.length - 1),
      1 + draw.below(records.length - 1),
      records.length,
    ]
    for (const cut of cuts) {
      const whole = newEngine(shape, models)
      await process(whole, records.slice(0, cut), CALL)
      const rebuilt = newEngine(shape, models)
      await rebuild(rebuilt, whole)
      expect(rebuilt.evaluations).toBe(0)
      expect([cut, await stateOf(rebuilt)]).toEqual([cut, await stateOf(whole)])

      const expected = (await process(whole, records.slice(cut), CALL)).sorted()
      expect((await process(rebuilt, records.slice(cut), CALL)).sorted()).toEqual(expected)
      expect([cut, await stateOf(rebuilt)]).toEqual([cut, await stateOf(whole)])
    }
  }, 120_000)

  it('knows what was last said of a loan, on the very day on which something happens to it without an event', async () => {
    const draw = drawing(seed + 3000)
    const { loanDays } = await process(newEngine(shape, models), records, CALL)
    const pastDue = loanDays.filter((row, i) => {
      const before = loanDays.findLast((one, k) => k < i && one.tenant === row.tenant && one.loan === row.loan)
      return row.overdue_minor > 0 && before?.overdue_minor === 0 && before.paid_minor === row.paid_minor
    })
    const asClosed = loanDays.filter(({ date, known_date }) => date === known_date)
    const paidAhead = asClosed.filter(({ loan, date }) => loan === 'late-loan' && date === PAID_AHEAD)
    expect(paidAhead).toHaveLength(2)
    for (const { partition, offset } of [...paidAhead, draw.of(pastDue), draw.of(pastDue)]) {
      const cut = 1 + records.findIndex((one) => one.partition === partition && one.offset === offset)
      const whole = newEngine(shape, models)
      await process(whole, records.slice(0, cut), CALL)
      const rebuilt = newEngine(shape, models)
      await rebuild(rebuilt, whole)
      expect([cut, await stateOf(rebuilt)]).toEqual([cut, await stateOf(whole)])
    }
  }, 120_000)

  it('goes on from a checkpoint that lies behind the tables, and what changed is in its next increment', async () => {
    const draw = drawing(seed + 2000)
    for (let run = 0; run < 3; run++) {
      const behind = 1 + draw.below(records.length - 1)
      const cut = behind + draw.below(records.length - behind)
      const directory = newDirectory()
      const whole = newEngine(shape, models)
      await process(whole, records.slice(0, behind), CALL)
      const before = new Checkpoints(directory)
      await before.write(before.begin(whole))
      await process(whole, records.slice(behind, cut), CALL)

      const checkpoints = new Checkpoints(directory)
      const restored = await checkpoints.restore(() => newEngine(shape, models), placesOf(whole))
      expect(restored.ok).toBe(true)
      await rebuild(restored.engine, whole)
      const increment = checkpoints.begin(restored.engine)
      expect(increment.isBase).toBe(false)
      await checkpoints.write(increment)
      const again = await new Checkpoints(directory).restore(() => newEngine(shape, models), placesOf(whole))
      expect(again.ok).toBe(true)
      const expected = await stateOf(whole)
      expect([behind, cut, await stateOf(again.engine)]).toEqual([behind, cut, expected])
      expect([behind, cut, await stateOf(restored.engine)]).toEqual([behind, cut, expected])
    }
  }, 120_000)

  it('has had to do with all that may go wrong', async () => {
    const sql = database.session()
    const rows = await sql.query<{ what: string; n: number }>(
      `SELECT type AS what, count() AS n FROM warnings GROUP BY what
       UNION ALL SELECT if(severity = 'none', 'off', 'on'), count() FROM signals GROUP BY 1
       UNION ALL SELECT 'of the model', count() FROM signals WHERE family = 'model'
       UNION ALL SELECT 'of strangers', count() FROM warnings
         WHERE type = 'cleared' AND trigger_date != '' AND borrower LIKE 'stranger-%'
       UNION ALL SELECT reason, count() FROM dead_letters GROUP BY reason`,
    )
    await sql.close()
    const counts = new Map(rows.map(({ what, n }) => [what, n]))
    const wanted = ['opened', 'escalated', 'cleared', 'on', 'off', 'of the model', 'of strangers', 'unknown_loan']
    for (const what of wanted) expect([what, counts.get(what) ?? 0]).not.toEqual([what, 0])
  })
})

/** Two tenants in different zones, as a pipeline puts them into its log. */
async function historyLog(seed: number): Promise<LogRecord[]> {
  const lines = historyLines({ borrowers: 14, days: 100, seed })
  const first = configuration('settings', 0, { zone: 'Europe/Berlin' })
  return withPipeline(
    join(folder, `log-${seed}`),
    async (pipeline) => {
      await pipeline.take(toIncoming([first, ...lines], { tenant: 'other', partition: 'file:other' }), undefined)
      await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:default' }), undefined)
      await pipeline.drain()
      return interleave(await readWholeLog(pipeline.database, shape))
    },
    { shape, withoutModel: true },
  )
}

/**
 * The log with its first definitions and three changes of them: rules and the model are dropped and come back. The first
 * change follows at once on an event that opened a warning, and drops all that holds it open.
 */
async function changedLog(log: readonly LogRecord[], draw: Draw): Promise<LogRecord[]> {
  const all = currentDefinitions(models.at(-1) ?? null)
  const dropping = (model: string | null, dropped: ReadonlySet<string> = new Set()): PublishedDefinitions => {
    return { ...all, model, rules: all.rules.filter((rule) => !dropped.has(rule) && draw.chance(0.6)) }
  }
  const kept = log.filter(({ event }) => event.type !== DEFINITIONS)
  const unchanged = published(kept, new Map([[0, all]]))
  const rows = await process(newEngine(shape, models), unchanged, CALL)
  const openings = [...rows.rows]
    .filter(([key]) => key.startsWith('warnings '))
    .map(([, row]) => JSON.parse(row) as WarningRow & { readonly partition: number; readonly offset: number })
    .filter(({ type, trigger_date }) => type === 'opened' && trigger_date === '')
    .map(({ partition, offset, signals }) => {
      // Each partition has its definitions before its first record.
      const place = unchanged.findIndex((one) => one.partition === partition && one.offset === offset)
      return { place: place - shape.partitions + 1, signals: JSON.parse(signals) as WarningSignal[] }
    })
    .filter(({ place }) => place > kept.length * 0.25 && place < kept.length * 0.5)
  const opening = draw.of(openings)
  const changes = new Map([
    [0, all],
    [opening.place, dropping(null, new Set(opening.signals.map(({ signal }) => signal)))],
    [Math.floor(kept.length * (0.5 + draw.below(10) / 100)), dropping(all.model)],
    [Math.floor(kept.length * (0.7 + draw.below(10) / 100)), all],
  ])
  return published(kept, changes)
}

/** Records with definitions before some of them, in all partitions, and numbered anew. */
function published(records: readonly LogRecord[], changes: ReadonlyMap<number, PublishedDefinitions>): LogRecord[] {
  const next = new Array<number>(shape.partitions).fill(0)
  const at = (record: LogRecord, partition = record.partition): LogRecord => {
    const offset = next[partition] as number
    next[partition] = offset + 1
    return { ...record, partition, offset }
  }
  return records.flatMap((record, place) => {
    const change = changes.get(place)
    if (change === undefined) return [at(record)]
    const publication = { ...record, event: publishing(change) }
    return [...next.map((_, partition) => at(publication, partition)), at(record)]
  })
}

/** Tables with all rows of a log. */
async function openWith(directory: string, records: readonly LogRecord[]): Promise<EmbeddedDatabase> {
  const opened = await openEmbedded(directory)
  if ('locked' in opened) throw new Error('somebody holds the folder')
  const sql = opened.session()
  await migrate(sql)
  const engine = newEngine(shape, models)
  await ensureFeatureColumns(sql, engine.catalogue.map(featureColumn))
  const block = createEventsBlock()
  for (const record of records) block.append(eventsRow(record, canonicalData(record.event), new Uint32Array(4)))
  await sql.insertBlock('events', block)
  // As a worker leaves them that was killed before it wrote `progress`, and did it again.
  block.clear()
  for (const record of records.slice(1000, 1500)) {
    block.append(eventsRow(record, canonicalData(record.event), new Uint32Array(4)))
  }
  await sql.insertBlock('events', block)
  const sink = new Sink(sql, new Map(), NOBODY_WATCHES, { catalogue: engine.catalogue })
  for (let at = 0; at < records.length; at += CALL) {
    await engine.process(records.slice(at, at + CALL), sink.outputs)
    await sink.flush()
  }
  await sql.close()
  return opened
}
