import { join } from 'node:path'
import { type FeatureDefinition, featureColumn } from '../../features/catalogue/define.ts'
import type { Model } from '../../models/model.ts'
import type { Database, Sql } from '../../sql/client.ts'
import { readProgress } from '../../sql/queries/progress.ts'
import { Checkpoints } from '../checkpoint/checkpoint.ts'
import { createResolve, currentIdentity } from '../engine/definitions.ts'
import { Engine } from '../engine/engine.ts'
import { FEATURE_ROWS_PER_BLOCK, type RowWatcher, Sink } from '../engine/sink.ts'
import type { LogShape } from '../intake/items.ts'
import { rebuildPartition } from '../rebuild/partition.ts'
import { type OnTracedWarning, type Traces, tracedWarning } from '../watch/traces.ts'
import type { CheckpointPlace } from './checkpoint-copies.ts'
import { isOwned, type Ownership } from './ownership.ts'
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
  readonly checkpoints: CheckpointPlace
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
 * Brings a partition to where the tables are: the newest checkpoint that they vouch for, then what the tables themselves
 * say beyond it. What follows comes from the log.
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
  const progress = (await readProgress(reads)).find((row) => row.partition === partition)
  const durable = progress?.offset ?? -1
  const { folder, copiesOf } = options.checkpoints
  const identity = currentIdentity(catalogue)
  const copies = copiesOf?.(partition, ownership)
  await copies?.pull(identity)
  const checkpoints = new Checkpoints(join(folder, String(partition)), identity, {
    number: ownership.number,
    isOwned: () => isOwned(ownership),
  })
  const createEngine = () =>
    new Engine(shape, createResolve(models, catalogue), { catalogue, partitions: [partition], hasHoles: true })
  // The engine has this one partition: it is the first.
  const { engine, detail } = await checkpoints.restore(createEngine, new Map([[0, durable]]))
  options.onOpened?.(partition, detail)
  const rebuilt = progress === undefined ? 0 : await rebuildPartition(engine, reads, progress)
  const repeats = new Repeats(engine.stateOf(partition).features)
  await repeats.restore(reads, partition, durable)
  const watching: RowWatcher = {
    warning: (row) => watcher.warning(row),
    late: () => watcher.late(),
    refused: (reason, event) => {
      watcher.refused(reason, event)
      if (event !== undefined) repeats.engineRefused(event)
    },
  }
  const featureRowsPerBlock = Math.max(FEATURE_ROWS_MIN, Math.ceil(FEATURE_ROWS_PER_BLOCK / options.partitionsAtOnce))
  const { flushAfterMs, checkpointEvaluations, counts } = options
  const traces: Traces = new Map()
  const sink = new Sink(writes, new Map([[partition, durable]]), tracing(watching, traces, options.onTraced), {
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
    copies,
    ownership,
    next: durable + 1,
    rebuilt,
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

/** Columns of `features` that the catalogue needs. */
export function featureColumns(catalogue: readonly FeatureDefinition[]): string[] {
  return catalogue.map(featureColumn)
}
