import { join } from 'node:path'
import { type FeatureDefinition, featureColumn } from '../../features/catalogue/define.ts'
import type { Model } from '../../models/model.ts'
import type { Database, Sql } from '../../sql/client.ts'
import { readLog } from '../../sql/queries/log.ts'
import { readProgress } from '../../sql/queries/progress.ts'
import { Checkpoints } from '../checkpoint/checkpoint.ts'
import { createResolve, currentIdentity } from '../engine/definitions.ts'
import { Engine } from '../engine/engine.ts'
import { DISCARD } from '../engine/outputs.ts'
import { FEATURE_ROWS_PER_BLOCK, type RowWatcher, Sink } from '../engine/sink.ts'
import type { LogShape } from '../intake/items.ts'
import { type OnTracedWarning, type Traces, tracedWarning } from '../watch/traces.ts'
import type { Ownership } from './ownership.ts'
import { PartitionWorker, type WorkerCounts } from './partition-worker.ts'
import { Repeats } from './repeats.ts'

/** Feature rows of one block where a process works on several partitions, each of which has blocks of its own. */
const FEATURE_ROWS_MIN = 4000
/** A cluster's API finds warnings in the tables: they are written so soon after they were made. */
export const WARNINGS_AFTER_MS = 20

export type PartitionOptions = {
  readonly database: Database
  /** Makes a session wait for ClickHouse instead of failing. */
  readonly patiently: (sql: Sql) => Sql
  readonly shape: LogShape
  readonly models: readonly Model[]
  readonly catalogue: readonly FeatureDefinition[]
  /** Folder of the checkpoints of all partitions, local or shared. */
  readonly checkpoints: string
  readonly watcher: RowWatcher
  /** Counted into by all partitions of the process. */
  readonly counts?: WorkerCounts | undefined
  readonly onTraced?: OnTracedWarning | undefined
  /** Partitions that a process is expected to work on at once: the more, the smaller their blocks. */
  readonly partitionsAtOnce: number
  readonly flushAfterMs?: number | undefined
  readonly checkpointEvaluations?: number | undefined
  /** Told how a partition's state was found, for people. */
  readonly onOpened?: ((partition: number, detail: string) => void) | undefined
}

/**
 * Brings a partition to where the tables are: the newest checkpoint that they vouch for, then what `events` holds beyond
 * it, whose rows are in the tables already. What follows comes from the log.
 */
export async function openPartition(
  options: PartitionOptions,
  partition: number,
  ownership: Ownership,
): Promise<PartitionWorker> {
  const { database, patiently, shape, models, catalogue, watcher } = options
  const reads = patiently(database.session({ partition }))
  const writes = patiently(database.session({ partition }))
  const warningWrites = patiently(database.session({ partition }))
  const durable = (await readProgress(reads)).find((row) => row.partition === partition)?.offset ?? -1
  const checkpoints = new Checkpoints(join(options.checkpoints, String(partition)), currentIdentity(catalogue))
  const createEngine = () =>
    new Engine(shape, createResolve(models, catalogue), { catalogue, partitions: [partition], hasHoles: true })
  // The engine has this one partition: it is the first.
  const { engine, detail } = await checkpoints.restore(createEngine, new Map([[0, durable]]))
  options.onOpened?.(partition, detail)
  await catchUp(engine, reads, partition, durable)
  const repeats = new Repeats(engine.stateOf(partition).features)
  await repeats.restore(reads, partition, durable)
  const featureRowsPerBlock = Math.max(FEATURE_ROWS_MIN, Math.ceil(FEATURE_ROWS_PER_BLOCK / options.partitionsAtOnce))
  const { flushAfterMs, checkpointEvaluations, counts } = options
  const traces: Traces = new Map()
  const sink = new Sink(writes, new Map([[partition, durable]]), tracing(watcher, traces, options.onTraced), {
    catalogue,
    featureRowsPerBlock,
    flushAfterMs,
    earlyWarnings: { sql: warningWrites, afterMs: WARNINGS_AFTER_MS, mayWrite: () => ownership.isCurrent() },
  })
  return new PartitionWorker({
    partition,
    engine,
    sink,
    repeats,
    reads,
    checkpoints,
    ownership,
    next: durable + 1,
    counts,
    traces,
    checkpointEvaluations,
    closeSessions: async () => {
      await sink.stop()
      await Promise.all([reads.close(), writes.close(), warningWrites.close()])
    },
  })
}

/** The watcher, and whoever is told of the warnings that events with a trace context make. */
function tracing(watcher: RowWatcher, traces: Traces, onTraced: OnTracedWarning | undefined): RowWatcher {
  return {
    ...watcher,
    warning(row) {
      watcher.warning(row)
      const traced = tracedWarning(row, traces)
      if (traced !== undefined) onTraced?.(traced)
    },
  }
}

/** Computes again what lies between the checkpoint and what the tables hold; nothing of it is written again. */
async function catchUp(engine: Engine, sql: Sql, partition: number, durable: number): Promise<void> {
  const { offset } = engine.stateOf(partition)
  for await (const page of readLog(sql, partition, offset + 1)) {
    const covered = page.filter((record) => record.offset <= durable)
    await engine.process(covered, DISCARD)
    if (covered.length < page.length) break
  }
  engine.passTo(partition, durable, DISCARD)
}

/** Columns of `features` that the catalogue needs. */
export function featureColumns(catalogue: readonly FeatureDefinition[]): string[] {
  return catalogue.map(featureColumn)
}
