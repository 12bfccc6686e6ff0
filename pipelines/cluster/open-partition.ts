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
import type { CheckpointPlace } from './checkpoint-copies.ts'
import { isOwned, type Ownership } from './ownership.ts'
import { PartitionWorker } from './partition-worker.ts'
import { Repeats } from './repeats.ts'

/** Feature rows of one block where a process works on several partitions, each of which has blocks of its own. */
const FEATURE_ROWS_MIN = 4000

export type PartitionOptions = {
  readonly database: Database
  /** Makes a session wait for ClickHouse instead of failing. */
  readonly patiently: (sql: Sql) => Sql
  readonly shape: LogShape
  readonly models: readonly Model[]
  readonly catalogue: readonly FeatureDefinition[]
  readonly checkpoints: CheckpointPlace
  readonly watcher: RowWatcher
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
  if (progress !== undefined) await rebuildPartition(engine, reads, progress)
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
  const { flushAfterMs, checkpointEvaluations } = options
  return new PartitionWorker({
    partition,
    engine,
    sink: new Sink(writes, new Map([[partition, durable]]), watching, { catalogue, featureRowsPerBlock, flushAfterMs }),
    repeats,
    reads,
    checkpoints,
    copies,
    ownership,
    next: durable + 1,
    checkpointEvaluations,
    closeSessions: async () => {
      await Promise.all([reads.close(), writes.close()])
    },
  })
}

/** Columns of `features` that the catalogue needs. */
export function featureColumns(catalogue: readonly FeatureDefinition[]): string[] {
  return catalogue.map(featureColumn)
}
