import type { LogRecord } from '../../features/events/record.ts'
import type { Sql } from '../../sql/client.ts'
import type { Checkpoints } from '../checkpoint/checkpoint.ts'
import type { Engine } from '../engine/engine.ts'
import type { Sink } from '../engine/sink.ts'
import type { KafkaRecord } from '../kafka/port.ts'
import { Turns } from '../run/turns.ts'
import type { WrittenCheckpoint } from '../watch/pipeline-metrics.ts'
import type { Traces } from '../watch/traces.ts'
import type { PartitionCopies } from './checkpoint-copies.ts'
import { type ReadEntry, readMessage } from './log-message.ts'
import { isOwned, type Ownership, OwnershipLost } from './ownership.ts'
import type { Repeats, StoredIds, Verdict } from './repeats.ts'

/** Records that go to the engine in one call: between two of them a full block goes to the tables. */
const ENGINE_RECORDS_MAX = 4096
/** Evaluations after which a checkpoint is taken: what a new owner may have to compute again. */
export const CHECKPOINT_EVALUATIONS = 100_000
const NOTHING_STORED: StoredIds = new Map()

/** What the workers of a process count, for metrics. */
export type WorkerCounts = {
  /** Records of the log looked at, and what they came in. */
  records: number
  batches: number
  events: number
  repeats: number
  conflicts: number
  evaluations: number
}

export function createWorkerCounts(): WorkerCounts {
  return { records: 0, batches: 0, events: 0, repeats: 0, conflicts: 0, evaluations: 0 }
}

/**
 * One partition of the log on its way into the tables: repeats are dropped, the engine follows, the sink writes. All of it
 * is a function of the log, so that a former owner that wakes up late could only write the same rows again.
 */
export class PartitionWorker {
  readonly partition: number
  readonly engine: Engine
  readonly sink: Sink
  readonly counts: WorkerCounts
  readonly #traces: Traces
  readonly #repeats: Repeats
  readonly #reads: Sql
  readonly #checkpoints: Checkpoints
  readonly #copies: PartitionCopies | undefined
  readonly #checkpointEvaluations: number
  readonly #ownership: Ownership
  readonly #closeSessions: () => Promise<void>
  /** The engine fills the block that the sink writes: they take turns. */
  readonly #turns = new Turns()
  #evaluationsAtCheckpoint: number
  #checkpointing: Promise<void> | undefined
  #failure: unknown
  #isClosing = false
  #isClosed = false
  /** Offset of the next record that is wanted. */
  next: number

  constructor(parts: {
    partition: number
    engine: Engine
    sink: Sink
    repeats: Repeats
    reads: Sql
    checkpoints: Checkpoints
    copies?: PartitionCopies | undefined
    ownership: Ownership
    next: number
    /** Records that the engine was rebuilt from: they count as work that the next owner should be spared. */
    rebuilt?: number | undefined
    closeSessions: () => Promise<void>
    checkpointEvaluations?: number | undefined
    counts?: WorkerCounts | undefined
    /** Filled here while the engine works on what they belong to. */
    traces?: Traces
  }) {
    this.counts = parts.counts ?? createWorkerCounts()
    this.#traces = parts.traces ?? new Map()
    this.partition = parts.partition
    this.engine = parts.engine
    this.sink = parts.sink
    this.#repeats = parts.repeats
    this.#reads = parts.reads
    this.#checkpoints = parts.checkpoints
    this.#copies = parts.copies
    this.#checkpointEvaluations = parts.checkpointEvaluations ?? CHECKPOINT_EVALUATIONS
    this.#ownership = parts.ownership
    this.#closeSessions = parts.closeSessions
    this.#evaluationsAtCheckpoint = parts.engine.evaluations - (parts.rebuilt ?? 0)
    this.next = parts.next
  }

  /** Offset of the next record that the tables do not vouch for. */
  get durable(): number {
    return (this.sink.acknowledged.get(this.partition) ?? -1) + 1
  }

  /** The checkpoint that counts. */
  get checkpoint(): WrittenCheckpoint | undefined {
    return this.#checkpoints.written
  }

  /** Takes records of the log in order; those before `next` are passed over. Resolves when the engine has done them. */
  async take(records: readonly KafkaRecord[]): Promise<void> {
    for (let from = 0; from < records.length; from += ENGINE_RECORDS_MAX) {
      const entries: ReadEntry[] = []
      for (const record of records.slice(from, from + ENGINE_RECORDS_MAX)) {
        if (record.offset >= this.next) entries.push(readMessage(this.partition, record))
      }
      this.counts.records += entries.length
      this.counts.batches++
      await this.#turn(async () => {
        for (const stretch of stretchesOf(entries)) await this.#takeStretch(stretch)
        await this.sink.flushIfDue()
      })
    }
    const isDue = this.engine.evaluations - this.#evaluationsAtCheckpoint >= this.#checkpointEvaluations
    if (isDue && !this.#isClosing) {
      this.#checkpointing ??= this.#checkpoint()
    }
  }

  /** Starts writing what has waited long enough, where no further batch pushes it on. */
  async flushIfDue(): Promise<void> {
    if (this.sink.hasWaiting) await this.#turn(() => this.sink.flushIfDue())
  }

  /** Writes all there is. */
  async drain(): Promise<void> {
    await this.#turn(() => this.sink.flush())
  }

  /** Writes all there is and a checkpoint of it, for whoever owns the partition next. */
  async close(): Promise<void> {
    this.#copies?.hurry()
    // A batch that is under way begins no checkpoint beside the last one.
    this.#isClosing = true
    await this.drain()
    await this.#checkpointing
    this.#throwFailure()
    // In one turn: a batch that came meanwhile must not get in between, or the checkpoint would run ahead of the tables.
    const isWritten = await this.#turn(async () => {
      await this.sink.flush()
      return this.#checkpoints.write(this.#checkpoints.begin(this.engine))
    })
    if (isWritten) await this.#copies?.push()
    await this.abandon()
  }

  /** Leaves everything as it is: the partition is another's. */
  async abandon(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#turns.done
    await this.#checkpoints.close()
    await this.#copies?.stop()
    await this.#closeSessions()
  }

  /** One at a time, and nothing more once something has failed or the partition is another's. */
  #turn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#turns.take(async () => {
      this.#throwFailure()
      await this.#assertOwned()
      return work()
    })
  }

  async #takeStretch(entries: readonly ReadEntry[]): Promise<void> {
    const stored = await this.#findStored(entries)
    let accepted: LogRecord[] = []
    const { outputs } = this.sink
    for (const entry of entries) {
      // Cut where the log says so, whatever the batch: the engine refuses what it refuses before this record is judged.
      if (accepted.length > 0 && this.#repeats.dependsOnEngine(entry)) {
        await this.engine.process(accepted, outputs)
        accepted = []
      }
      const verdict = this.#judge(entry, stored)
      if (verdict === 'new') {
        outputs.event(entry)
        accepted.push(entry.record)
        if (entry.traceparent !== undefined) this.#traces.set(entry.record.offset, entry.traceparent)
        this.counts.events++
      } else if (verdict === 'conflict') {
        this.counts.conflicts++
        outputs.conflict(entry.record)
        // Each process that appends says a tenant's configuration anew: that is nobody's repeat.
      } else if (entry.record.event.type !== 'tenant.configured') this.counts.repeats++
    }
    const before = this.engine.evaluations
    await this.engine.process(accepted, outputs)
    this.counts.evaluations += this.engine.evaluations - before
    if (this.#traces.size > 0) this.#traces.clear()
    const last = entries.at(-1)?.record
    if (last === undefined) return
    // Also where all of it was dropped: a restart need not read it again.
    this.engine.passTo(this.partition, last.offset, outputs)
    this.next = last.offset + 1
    if (last.event.type === 'day.closed') this.#repeats.forget(last.event.tenant)
  }

  #judge(entry: ReadEntry, stored: StoredIds): Verdict {
    const { event } = entry.record
    // The engine itself passes over a slice that is closed already; it is stored all the same, as it is part of the log.
    if (event.type === 'day.closed' || event.type === 'definitions.published') return 'new'
    return this.#repeats.judge(entry, stored)
  }

  async #findStored(entries: readonly ReadEntry[]): Promise<StoredIds> {
    const late = this.#repeats.late(entries)
    const first = entries[0]
    if (late.length === 0 || first === undefined) return NOTHING_STORED
    await this.sink.flush()
    return this.#repeats.findStored(this.#reads, this.partition, first.record.offset, late)
  }

  /** Writes the state as it is now, while the engine goes on; it counts once the sink has acknowledged all of it. */
  async #checkpoint(): Promise<void> {
    this.#evaluationsAtCheckpoint = this.engine.evaluations
    const snapshot = this.#checkpoints.begin(this.engine)
    const place = [this.partition, this.engine.stateOf(this.partition).offset] as const
    try {
      const isWritten = await this.#checkpoints.write(snapshot, async () => {
        await this.sink.reached([place])
        await this.#assertOwned()
      })
      if (isWritten && !this.#isClosed) await this.#copies?.push()
    } catch (error) {
      if (!(error instanceof OwnershipLost)) this.#failure ??= error
    }
    this.#checkpointing = undefined
  }

  async #assertOwned(): Promise<void> {
    if (this.#isClosed || !(await isOwned(this.#ownership)))
      throw new OwnershipLost(`partition ${this.partition} is not this worker's any more`)
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** Records in stretches that end where what counts as late, or a tenant's calendar, may change. */
function stretchesOf(entries: readonly ReadEntry[]): ReadEntry[][] {
  const stretches: ReadEntry[][] = []
  let stretch: ReadEntry[] = []
  for (const entry of entries) {
    stretch.push(entry)
    const { type } = entry.record.event
    if (type !== 'day.closed' && type !== 'tenant.configured') continue
    stretches.push(stretch)
    stretch = []
  }
  if (stretch.length > 0) stretches.push(stretch)
  return stretches
}
