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
import { type RowWatcher, Sink } from '../engine/sink.ts'
import { FeedTail } from '../feed/feed-tail.ts'
import { createEventLog } from '../intake/event-log.ts'
import { Intake } from '../intake/intake.ts'
import { type Follower, type Incoming, type IntakeResult, type Log, type LogShape } from '../intake/items.ts'
import { Originals } from '../intake/originals.ts'
import { recoverIntake } from '../intake/recover.ts'
import { rebuildPartition } from '../rebuild/partition.ts'
import { type OnInsert, watchInserts } from '../watch/inserts.ts'
import { type OnTracedWarning, TracesInFlight, tracedWarning } from '../watch/traces.ts'
import { type Counts, count, countBatch, countResults, createCounts } from './counts.ts'
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
  readonly counts: Counts = createCounts()
  /** Tenants of which a source without a clock is being read: its time closes their days, not the wall clock's. */
  readonly clocklessTenants = new Set<string>()
  /** What the restart had to do, for people. */
  readonly recovery: string
  /** Models that definitions may name. */
  readonly models: readonly Model[]
  #intake: Intake | undefined
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
    checkpoints: Checkpoints
    recovery: string
    models: readonly Model[]
    options: PipelineOptions
  }) {
    this.database = parts.database
    this.shape = parts.shape
    this.engine = parts.engine
    this.feed = parts.feed
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
      refused: (reason, event) => {
        count(this.counts.dead_letters, reason)
        if (event !== undefined) this.#intake?.engineRefused(event)
      },
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
    const progress = await readProgress(sql)
    const acknowledged = new Map(progress.map((row) => [row.partition, row.offset]))
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
      checkpoints,
      recovery: detail,
      models,
      options,
    })
    // What had to be rebuilt counts as work that the next start is spared, as what is computed again does.
    for (const row of progress) pipeline.#evaluationsAtCheckpoint -= await rebuildPartition(engine, sql, row)
    await pipeline.#processRest(sql)
    await pipeline.#openIntake(sql, log)
    await pipeline.#publishCurrent()
    return pipeline
  }

  get intake(): Intake {
    if (this.#intake === undefined) throw new Error('intake is asked before the log was replayed')
    return this.#intake
  }

  /** What stopped the engine or the sink, if anything did: nothing is taken any more. */
  get failure(): unknown {
    return this.#failure
  }

  /** Appends a batch and hands its records to the engine. Resolves when the log has them. */
  async take(items: readonly Incoming[], now: number | undefined): Promise<IntakeResult[]> {
    return this.#append(async () => {
      const { records, results } = await this.intake.take(items, now)
      countResults(this.counts, items, results)
      this.#traces.note(items, records)
      await this.#enqueue(records)
      return results
    })
  }

  /** What would become of each item, were it taken alone now. */
  async preview(items: readonly Incoming[], now: number | undefined): Promise<IntakeResult[]> {
    return this.#intakeTurns.take(() => this.intake.preview(items, now))
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
    await this.#idle()
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
    await this.#settle()
  }

  /** Waits until the engine has done all that it was given. */
  async #idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async #settle(): Promise<void> {
    await this.#idle()
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
    countBatch(this.counts.steps.engine, records.length)
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

  /** Computes what the log holds beyond the tables. */
  async #processRest(sql: Sql): Promise<void> {
    for (const { partition, offset } of this.engine.partitions) {
      for await (const page of readLog(sql, partition, offset + 1)) {
        await this.engine.process(page, this.sink.outputs)
        await this.sink.flushIfDue()
      }
    }
    await this.sink.flush()
  }

  /** Once the tables hold all that follows from the log: what the engine refused of it does not count as received. */
  async #openIntake(sql: Sql, log: Log): Promise<void> {
    const follower: Follower = {
      isBehind: () => this.#working !== undefined,
      follow: async (records) => {
        await this.#enqueue([...records])
        await this.#idle()
        this.#throwFailure()
      },
      settle: () => this.#settle(),
    }
    this.#intake = new Intake(log, this.shape, await recoverIntake(sql, this.shape), follower)
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
