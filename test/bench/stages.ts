import { join } from 'node:path'
import { featureColumn } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { PARTITIONS_DEFAULT, SLICES_DEFAULT } from '../../pipelines/config.ts'
import { currentDefinitions } from '../../pipelines/engine/definitions.ts'
import { DISCARD, type EvaluationMeta, type Outputs } from '../../pipelines/engine/outputs.ts'
import { type RowWatcher, Sink } from '../../pipelines/engine/sink.ts'
import { createEventLog } from '../../pipelines/intake/event-log.ts'
import { Intake } from '../../pipelines/intake/intake.ts'
import type { HashedRecord, Incoming, Log } from '../../pipelines/intake/items.ts'
import { Originals } from '../../pipelines/intake/originals.ts'
import { mergeSources } from '../../pipelines/sources/merge.ts'
import { openSources } from '../../pipelines/sources/open.ts'
import type { Sql } from '../../sql/client.ts'
import { openEmbedded } from '../../sql/embedded.ts'
import { ensureFeatureColumns, migrate } from '../../sql/migrate.ts'
import { measureWork } from './clock.ts'
import { measureDecisions, measureScores, Recording, walkFeatures } from './evaluation-stages.ts'
import { newEngine, releaseModels } from './population.ts'
import { TENANT } from './simulated.ts'

/** As `ingest` does it. */
const LINES_PER_INSERT = 16_384
const RECORDS_PER_CALL = 4096
const FLUSH_AFTER_MS = 10_000

/** A part of the work alone: processor time of one of so many things. */
export type Stage = { readonly name: string; readonly per: string; readonly us: number; readonly count: number }

const NOBODY_WATCHES: RowWatcher = { warning() {}, refused() {}, late() {} }
const CATALOGUE_WIDTH = CATALOGUE.length

/** Each part of the way from a file to durable rows, alone and in the order in which an event goes through them. */
export async function measureStages(file: string, folder: string): Promise<Stage[]> {
  const items: Incoming[][] = []
  const decoding = await measureWork(() => readAll(file, items))
  const events = items.reduce((sum, batch) => sum + batch.length, 0)
  const records: HashedRecord[][] = []
  const checking = await measureWork(() => takeAll(items, records))
  items.length = 0
  const log = records.flat().map(({ record }) => record)
  const packing = await measureWork(() => appendAll(records, nullSql(), folder))

  // Twice before it counts, once of it to record: what the compiler takes is in the rest, as for the parts that follow.
  const recording = new Recording((await walkFeatures(log)).evaluations)
  await walkFeatures(log, recording)
  const features = await walkFeatures(log)
  const score_us = await measureScores(recording)
  const decide_us = await measureDecisions(recording)
  const engine = await measureWork(async () => processAll(log, DISCARD_SINK))
  const packRow_us = await measurePackedRow(recording)
  const stored = await countStored(log)
  const inserts = await measureInserts(records, log, folder)

  const { evaluations } = features
  const engineRest = engine.total_us - features.total_us - (score_us + decide_us) * evaluations
  const of = (name: string, per: string, count: number, total_us: number): Stage => {
    return { name, per, us: total_us / count, count }
  }
  return [
    of('reading, decoding and validating', 'event', events, decoding.total_us),
    of('checks, canonical JSON, hashes, places, days', 'event', events, checking.total_us),
    of('building blocks of `events`', 'record', log.length, packing.total_us),
    of('ClickHouse inserts and merges of `events`', 'record', log.length, inserts.log_us),
    of('features: events applied, all entries computed', 'evaluation', evaluations, features.total_us),
    { name: 'model: ONNX at batch 256', per: 'evaluation', us: score_us, count: evaluations },
    { name: 'rules and decision', per: 'evaluation', us: decide_us, count: evaluations },
    of("loans' rows and the engine's own (by difference)", 'evaluation', evaluations, engineRest),
    { name: 'building blocks of `features` and `scores`', per: 'stored row', us: packRow_us, count: stored },
    of(
      'ClickHouse inserts and merges of all other tables (threads but the main one, less the model)',
      'stored row',
      stored,
      Math.max(0, inserts.rows_us - score_us * evaluations),
    ),
  ]
}

async function readAll(file: string, batches: Incoming[][]): Promise<void> {
  const registry = { list: () => Promise.resolve([]), put: () => Promise.resolve() }
  const opened = await openSources([file], registry)
  if (!opened.ok) throw new Error(opened.detail)
  const merged = mergeSources(opened.sources, TENANT)
  for (;;) {
    const outcome = await merged.read(LINES_PER_INSERT)
    if (outcome.kind === 'end') break
    if (outcome.kind === 'failed') throw new Error(outcome.detail)
    batches.push(outcome.items.map((item): Incoming => ({ ...item, tenant: TENANT, item: 0 })))
  }
  await merged.close()
}

const SHAPE = { partitions: PARTITIONS_DEFAULT, slices: SLICES_DEFAULT }

/** Intake with a log that keeps the records in memory. */
async function takeAll(batches: readonly (readonly Incoming[])[], records: HashedRecord[][]): Promise<void> {
  const log: Log = {
    append: async (batch) => void records.push([...batch]),
    refuse: async (refused) => {
      throw new Error(`${refused.length} events were refused`)
    },
    findIds: async () => new Map(),
  }
  const intake = new Intake(log, SHAPE, {
    offsets: new Array<number>(SHAPE.partitions).fill(0),
    sourcePositions: new Map(),
    refusedPositions: new Map(),
    tenants: [],
    definitions: undefined,
  })
  await intake.publish(currentDefinitions((await releaseModels()).at(-1) ?? null), 0)
  for (const batch of batches) await intake.take(batch, undefined)
}

async function appendAll(records: readonly (readonly HashedRecord[])[], sql: Sql, folder: string): Promise<void> {
  const log = createEventLog(sql, new Originals(folder))
  for (const batch of records) await log.append(batch)
}

/** Takes blocks as they are handed to ClickHouse and lets them go. */
function nullSql(): Sql {
  const unused = () => Promise.reject(new Error('only blocks are written here'))
  return {
    query: unused,
    bytes: unused,
    stream: () => {
      throw new Error('only blocks are written here')
    },
    command: unused,
    async insertBlock(_table, block) {
      block.chunks()
    },
    close: () => Promise.resolve(),
  }
}

type Destination = Pick<Sink, 'flushIfDue' | 'flush'> & { readonly outputs: Outputs }

const DISCARD_SINK: Destination = {
  outputs: DISCARD,
  flushIfDue: () => Promise.resolve(),
  flush: () => Promise.resolve(),
}

async function processAll(log: readonly LogRecord[], sink: Destination): Promise<void> {
  const engine = await newEngine()
  for (let from = 0; from < log.length; from += RECORDS_PER_CALL) {
    await engine.process(log.slice(from, from + RECORDS_PER_CALL), sink.outputs)
    await sink.flushIfDue()
  }
  await sink.flush()
}

async function countStored(log: readonly LogRecord[]): Promise<number> {
  let rows = 0
  await processAll(log, { ...DISCARD_SINK, outputs: { ...DISCARD, features: () => void rows++ } })
  return rows
}

/** Feature rows and scores put into blocks, one row. */
async function measurePackedRow({ matrix, metas }: Recording): Promise<number> {
  const sink = new Sink(nullSql(), new Map(), NOBODY_WATCHES, { flushAfterMs: FLUSH_AFTER_MS })
  const pack = async (rows: readonly EvaluationMeta[]) => {
    for (let row = 0; row < rows.length; row++) {
      if (row % RECORDS_PER_CALL === 0) {
        // A block is written only where there is a place that it reaches to.
        sink.outputs.progress({ partition: 0, offset: row }, new Map())
        await sink.flushIfDue()
      }
      const meta = rows[row] as EvaluationMeta
      sink.outputs.features(meta, matrix, row * CATALOGUE_WIDTH, 0)
      sink.outputs.score(meta, 'model@1', 0.5, 'none')
    }
    sink.outputs.progress({ partition: 0, offset: 0 }, new Map())
    await sink.flush()
  }
  await pack(metas)
  const work = await measureWork(() => pack(metas))
  return work.total_us / metas.length
}

/** What the embedded ClickHouse takes on threads of its own, for the log and for the engine's rows. */
async function measureInserts(
  records: readonly (readonly HashedRecord[])[],
  log: readonly LogRecord[],
  folder: string,
): Promise<{ log_us: number; rows_us: number }> {
  const database = await openEmbedded(join(folder, 'inserts'))
  if ('locked' in database) throw new Error('the directory is held')
  try {
    const sql = database.session()
    await migrate(sql)
    await ensureFeatureColumns(sql, CATALOGUE.map(featureColumn))
    const appending = await measureWork(() => appendAll(records, database.session(), folder))
    const sink = new Sink(database.session(), new Map(), NOBODY_WATCHES, { flushAfterMs: FLUSH_AFTER_MS })
    const processing = await measureWork(() => processAll(log, sink))
    return { log_us: appending.total_us - appending.main_us, rows_us: processing.total_us - processing.main_us }
  } finally {
    await database.close()
  }
}
