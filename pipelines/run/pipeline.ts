import { type FeatureDefinition, featureColumn } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { LogRecord } from '../../features/events/record.ts'
import type { Model } from '../../models/model.ts'
import type { Sql } from '../../sql/client.ts'
import { type EmbeddedDatabase, openEmbedded } from '../../sql/embedded.ts'
import { ensureFeatureColumns, migrate } from '../../sql/migrate.ts'
import { readLog } from '../../sql/queries/log.ts'
import { readProgress } from '../../sql/queries/progress.ts'
import { dropScratch } from '../../sql/scratch.ts'
import { Checkpoints } from '../checkpoint/checkpoint.ts'
import { LOCK_WAIT_MS_MAX } from '../config.ts'
import { createResolve, currentDefinitions, currentIdentity, UnknownDefinitions } from '../engine/definitions.ts'
import { Engine } from '../engine/engine.ts'
import { DISCARD } from '../engine/outputs.ts'
import { type RowWatcher, Sink } from '../engine/sink.ts'
import { FeedTail } from '../feed/feed-tail.ts'
import { createEventLog } from '../intake/event-log.ts'
import { Intake } from '../intake/intake.ts'
import { type Incoming, type IntakeResult, type LogShape } from '../intake/items.ts'
import { Originals } from '../intake/originals.ts'
import { recoverIntake } from '../intake/recover.ts'
import { type OnInsert, watchInserts } from '../watch/inserts.ts'
import type { StepCount } from '../watch/pipeline-metrics.ts'
import { type OnTracedWarning, TracesInFlight, tracedWarning } from '../watch/traces.ts'
import { readOrCreateShape } from './log-shape.ts'
import { loadModels } from './models.ts'
import { Turns } from './turns.ts'

/** Batches of records that may wait for the engine; more of them hold up intake. */
export const ENGINE_BATCHES_MAX = 4
/** Evaluations after which a checkpoint is taken: what a restart may have to compute again. */
export const CHECKPOINT_EVALUATIONS = 100_000
/** Records that the engine takes in one call: between two of them a full block goes to the tables. */
const ENGINE_RECORDS_MAX = 4096
const LOCK_RETRY_MS = 250

export type Opened =
  | { readonly ok: true; readonly pipeline: Pipeline }
  | { readonly ok: false; readonly reason: 'locked' | 'model' | 'definitions'; readonly detail: string }

export type PipelineOptions = {
  readonly directory: string
  readonly shape?: Partial<LogShape>
  /** Runs without any model, as is needed before there is one: to make its training data. */
  readonly withoutModel?: boolean
  /** Evaluations after which a checkpoint is taken, and feature rows of one block; the defaults suit a large book. */
  readonly checkpointEvaluations?: number
  readonly featureRowsPerBlock?: number
  /** How long a row may wait for its block: longer makes fewer, fuller ones where nobody waits to read them. */
  readonly flushAfterMs?: number
  readonly onInsert?: OnInsert
  /** Told of each warning that an event with a trace context made. */
  readonly onTraced?: OnTracedWarning
  /** The release's features; tests have others. */
  readonly catalogue?: readonly FeatureDefinition[]
}

/** Counts of one run, for people. */
export type Counts = {
  events: number
  repeats: number
  dropped_fields: number
  late: number
  warnings: Record<string, number>
  dead_letters: Record<string, number>
  readonly steps: { readonly intake: StepCount; readonly engine: StepCount }
}

/** Opens a data directory, made when absent, and brings the engine to where the tables are. */
export async function openPipeline(options: PipelineOptions): Promise<Opened> {
  const loaded = options.withoutModel === true ? { ok: true as const, models: [] } : await loadModels(options.catalogue)
  if (!loaded.ok) return { ok: false, reason: 'model', detail: loaded.detail }
  const database = await openPatiently(options.directory)
  if (database === undefined) {
    const detail = `another process holds ${options.directory}: stop it, or choose another directory with --data`
    return { ok: false, reason: 'locked', detail }
  }
  try {
    const pipeline = await Pipeline.start(database, loaded.models, options)
    return { ok: true, pipeline }
  } catch (error) {
    await database.close()
    if (error instanceof UnknownDefinitions) return { ok: false, reason: 'definitions', detail: error.message }
    throw error
  }
}

/** Tries for a while: the process before may be about to end. */
async function openPatiently(directory: string): Promise<EmbeddedDatabase | undefined> {
  const until = performance.now() + LOCK_WAIT_MS_MAX
  for (;;) {
    const opened = await openEmbedded(directory)
    if (!('locked' in opened)) return opened
    if (performance.now() >= until) return undefined
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS))
  }
}

/**
 * One process's whole pipeline over the embedded log: intake appends, the engine follows, the sink writes, the feed
 * shows. Intake and engine each do one batch at a time; the queue between them is bounded.
 */
export class Pipeline {
  readonly database: EmbeddedDatabase
  readonly shape: LogShape
  readonly engine: Engine
  readonly sink: Sink
  readonly feed: FeedTail
  readonly counts: Counts = {
    events: 0,
    repeats: 0,
    dropped_fields: 0,
    late: 0,
    warnings: {},
    dead_letters: {},
    steps: { intake: { events: 0, batches: 0 }, engine: { events: 0, batches: 0 } },
  }
  /** Tenants of which a source without a clock is being read: its time closes their days, not the wall clock's. */
  readonly clocklessTenants = new Set<string>()
  /** What the restart had to do, for people. */
  readonly recovery: string
  /** Models that definitions may name. */
  readonly models: readonly Model[]
  readonly intake: Intake
  readonly checkpoints: Checkpoints
  readonly #checkpointEvaluations: number
  readonly #intakeTurns = new Turns()
  /** The engine fills the block that the sink writes: they take turns. */
  readonly #engineTurns = new Turns()
  readonly #queue: LogRecord[][] = []
  readonly #traces = new TracesInFlight()
  #working: Promise<void> | undefined
  #failure: unknown
  #flushTimer: NodeJS.Timeout | undefined
  #evaluationsAtCheckpoint: number
  /** The checkpoint that is being written. */
  #checkpointing: Promise<void> | undefined

  private constructor(parts: {
    database: EmbeddedDatabase
    shape: LogShape
    engine: Engine
    sinkSql: Sql
    acknowledged: Map<number, number>
    feed: FeedTail
    intake: Intake
    checkpoints: Checkpoints
    recovery: string
    models: readonly Model[]
    options: PipelineOptions
  }) {
    this.database = parts.database
    this.shape = parts.shape
    this.engine = parts.engine
    this.feed = parts.feed
    this.intake = parts.intake
    this.recovery = parts.recovery
    this.models = parts.models
    this.checkpoints = parts.checkpoints
    this.#evaluationsAtCheckpoint = parts.engine.evaluations
    this.#checkpointEvaluations = parts.options.checkpointEvaluations ?? CHECKPOINT_EVALUATIONS
    const { onTraced } = parts.options
    const watcher: RowWatcher = {
      warning: (row) => {
        this.feed.add(row)
        const traced = tracedWarning(row, this.#traces.of(row.partition))
        if (traced !== undefined) onTraced?.(traced)
        count(this.counts.warnings, `${row.type} ${row.severity}`)
      },
      refused: (reason) => count(this.counts.dead_letters, reason),
      late: () => {
        this.counts.late++
      },
    }
    const { featureRowsPerBlock, flushAfterMs } = parts.options
    const { catalogue } = parts.engine
    this.sink = new Sink(parts.sinkSql, parts.acknowledged, watcher, { catalogue, featureRowsPerBlock, flushAfterMs })
  }

  static async start(
    database: EmbeddedDatabase,
    models: readonly Model[],
    options: PipelineOptions,
  ): Promise<Pipeline> {
    const shape = readOrCreateShape(options.directory, options.shape)
    const { catalogue = CATALOGUE } = options
    const { onInsert } = options
    const writes = () => (onInsert === undefined ? database.session() : watchInserts(database.session(), onInsert))
    const sql = database.session()
    await migrate(sql)
    // What a verify that was killed left behind.
    await dropScratch(sql)
    await ensureFeatureColumns(sql, catalogue.map(featureColumn))
    const acknowledged = new Map((await readProgress(sql)).map((row) => [row.partition, row.offset]))
    const checkpoints = new Checkpoints(database.path, currentIdentity(catalogue))
    const createEngine = () => new Engine(shape, createResolve(models, catalogue), { catalogue })
    const { engine, detail } = await checkpoints.restore(createEngine, acknowledged)
    const log = createEventLog(writes(), new Originals(database.path))
    const pipeline = new Pipeline({
      database,
      shape,
      engine,
      sinkSql: writes(),
      acknowledged,
      feed: new FeedTail(database.session(), shape.partitions),
      intake: new Intake(log, shape, await recoverIntake(sql, shape)),
      checkpoints,
      recovery: detail,
      models,
      options,
    })
    await pipeline.#replay(sql, acknowledged)
    await pipeline.#publishCurrent()
    return pipeline
  }

  /** What stopped the engine or the sink, if anything did: nothing is taken any more. */
  get failure(): unknown {
    return this.#failure
  }

  /** Appends a batch and hands its records to the engine. Resolves when the log has them. */
  async take(items: readonly Incoming[], now: number | undefined): Promise<IntakeResult[]> {
    return this.#append(async () => {
      const { records, results } = await this.intake.take(items, now)
      const { intake } = this.counts.steps
      intake.events += items.length
      intake.batches++
      results.forEach((result, i) => {
        if (result.status === 'refused') count(this.counts.dead_letters, result.reason ?? 'unknown')
        else if (result.status === 'repeat') this.counts.repeats++
        else this.counts.events++
        const decoded = items[i]?.decoded
        if (decoded?.ok === true && result.status === 'accepted') this.counts.dropped_fields += decoded.dropped_fields
      })
      this.#traces.note(items, records)
      await this.#enqueue(records)
      return results
    })
  }

  /**
   * Closes one slice in one partition of a tenant's next day if the clock says so. True if it did, once the engine is done
   * with it: so that an event never waits for more than one sweep.
   */
  async closeDueSlice(tenant: string, now: number): Promise<boolean> {
    const isClosed = await this.#append(async () => {
      const records = await this.intake.closeDueSlice(tenant, now)
      await this.#enqueue(records)
      return records.length > 0
    })
    while (this.#working !== undefined) await this.#working
    return isClosed
  }

  /** Closes one more of a tenant's days up to `day`. True if it did. */
  async closeThrough(tenant: string, day: number): Promise<boolean> {
    return this.#append(async () => {
      const records = await this.intake.closeThrough(tenant, day)
      await this.#enqueue(records)
      return records.length > 0
    })
  }

  /** Does something while the tables hold exactly what the engine was given, and no row is written. It must be short. */
  async atRest<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#engineTurns.take(async () => {
      this.#throwFailure()
      await this.sink.flush()
      return work()
    })
  }

  /** Waits until everything appended so far is in the tables. */
  async drain(): Promise<void> {
    await this.#intakeTurns.done
    while (this.#working !== undefined) await this.#working
    this.#throwFailure()
    await this.#engineTurns.take(() => this.sink.flush())
  }

  /** Finishes what is in flight, writes a checkpoint and lets the directory go. */
  async close(): Promise<void> {
    clearTimeout(this.#flushTimer)
    try {
      await this.drain()
      await this.#checkpointing
      this.#throwFailure()
      await this.checkpoints.write(this.checkpoints.begin(this.engine))
    } finally {
      await this.checkpoints.close()
      await this.database.close()
    }
  }

  /** One at a time. What could not be appended leaves intake ahead of the log, so nothing may be appended after it. */
  #append<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#intakeTurns.take(async () => {
      this.#throwFailure()
      try {
        return await work()
      } catch (error) {
        this.#failure ??= error
        throw error
      }
    })
  }

  async #enqueue(records: LogRecord[]): Promise<void> {
    this.#throwFailure()
    if (records.length === 0) return
    this.#queue.push(records)
    this.#working ??= this.#work()
    while (this.#queue.length >= ENGINE_BATCHES_MAX && this.#failure === undefined) await this.#working
  }

  /** Rows that no further batch pushes on must not wait: an empty batch takes them to the tables. */
  #flushSoon(): void {
    this.#flushTimer ??= setTimeout(() => {
      this.#flushTimer = undefined
      if (this.#failure !== undefined || this.#working !== undefined) return
      this.#queue.push([])
      this.#working = this.#work()
    }, this.sink.flushAfterMs).unref()
  }

  async #work(): Promise<void> {
    try {
      // Leaves the caller's turn first, so that what it appended is answered before it is computed.
      await new Promise((resolve) => setImmediate(resolve))
      const records = this.#queue.shift()
      if (records !== undefined) await this.#engineTurns.take(() => this.#process(records))
    } catch (error) {
      this.#failure = error
    }
    this.#working = this.#queue.length > 0 && this.#failure === undefined ? this.#work() : undefined
  }

  async #process(records: readonly LogRecord[]): Promise<void> {
    // Also an empty batch is a call: it pushes on what waits.
    for (let from = 0; from === 0 || from < records.length; from += ENGINE_RECORDS_MAX) {
      await this.engine.process(records.slice(from, from + ENGINE_RECORDS_MAX), this.sink.outputs)
      this.feed.announce()
      await this.sink.flushIfDue()
    }
    const { engine } = this.counts.steps
    engine.events += records.length
    engine.batches++
    this.#traces.done(records)
    if (this.sink.hasWaiting) this.#flushSoon()
    const isDue = this.engine.evaluations - this.#evaluationsAtCheckpoint >= this.#checkpointEvaluations
    if (isDue) this.#checkpointing ??= this.#checkpoint()
  }

  /** Writes the state as it is now, while the engine goes on; it counts once the sink has acknowledged all of it. */
  async #checkpoint(): Promise<void> {
    this.#evaluationsAtCheckpoint = this.engine.evaluations
    const snapshot = this.checkpoints.begin(this.engine)
    const places = snapshot.shells.map(({ offset }, partition) => [partition, offset] as const)
    try {
      await this.checkpoints.write(snapshot, () => this.sink.reached(places))
      this.#checkpointing = undefined
    } catch (error) {
      this.#failure ??= error
    }
  }

  /** Computes again what lies between the checkpoint and the end of the log; what the tables hold is not written again. */
  async #replay(sql: Sql, acknowledged: ReadonlyMap<number, number>): Promise<void> {
    for (const { partition, offset } of this.engine.partitions) {
      const written = acknowledged.get(partition) ?? -1
      for await (const page of readLog(sql, partition, offset + 1)) {
        const done = page.filter((record) => record.offset <= written)
        await this.engine.process(done, DISCARD)
        await this.engine.process(page.slice(done.length), this.sink.outputs)
        await this.sink.flushIfDue()
      }
    }
    await this.sink.flush()
    this.#evaluationsAtCheckpoint = this.engine.evaluations
  }

  async #publishCurrent(): Promise<void> {
    const current = currentDefinitions(this.models.at(-1) ?? null, this.engine.catalogue)
    await this.#append(async () => this.#enqueue(await this.intake.publish(current, 0)))
    await this.drain()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}
