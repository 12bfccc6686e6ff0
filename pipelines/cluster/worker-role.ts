import type { Control, Kafka, Position, Progress } from '../kafka/port.ts'
import type { ClusterConfig, TopicNames } from './cluster-config.ts'
import type { KnownTopic } from './control-state.ts'
import { type Ownership, OwnershipLost } from './ownership.ts'
import type { PartitionWorker } from './partition-worker.ts'
import { ClusterFailure, type Role } from './role.ts'

/** How often it is looked whether rows wait that no batch pushes on, and what is durable is committed. */
const FLUSH_EVERY_MS = 100

const LOG_IS_CUT =
  'the tables need the log from there on: set its retention so that nothing is dropped, and read the input topics into a ' +
  'new log (another kafka.prefix and database)'

/** Brings a partition to where the tables are, for whoever owns it now. */
export type OpenPartition = (partition: number, ownership: Ownership) => Promise<PartitionWorker>

export type WorkerParts = {
  readonly kafka: Kafka
  readonly config: ClusterConfig
  readonly names: TopicNames
  /** The log as it is known. */
  readonly topic: KnownTopic
  readonly open: OpenPartition
}

export type WorkerRole = Role & {
  /** The partitions that this process works on now. */
  readonly workers: ReadonlyMap<number, PartitionWorker>
  rebalances(): number
  /** Partitions that were given to this process and whose state is on its way back. */
  restoring(): number
  /** How far the partitions are read that this process works on. */
  progress(): readonly Progress[]
}

/**
 * Takes part in the group of the log: works on the partitions that it is given. Where it begins is what the tables vouch
 * for, not what was committed: that is for people who look at lag.
 */
export function startWorkers({ kafka, config, names, topic, open }: WorkerParts): WorkerRole {
  const workers = new Map<number, PartitionWorker>()
  const committed = new Map<number, number>()
  let restoring = 0

  function durable(): Position[] {
    return [...workers.values()]
      .filter((worker) => worker.durable > (committed.get(worker.partition) ?? -1))
      .map((worker) => ({ topic: names.log, partition: worker.partition, offset: worker.durable }))
  }

  async function commitDurable(control: Control): Promise<void> {
    const positions = durable()
    if (positions.length === 0) return
    const outcome = await control.commit(positions)
    if (outcome === 'committed') for (const { partition, offset } of positions) committed.set(partition, offset)
  }

  const consumer = kafka.subscribe(
    {
      topics: [names.log],
      group: config.kafka.worker_group ?? `${config.kafka.prefix}-workers`,
      fromBeginning: true,
      expected: { [names.log]: topic },
      sessionTimeoutMs: config.kafka.session_timeout_ms,
    },
    {
      onAssigned: async (assigned) => {
        restoring += assigned.length
        const opened = await Promise.all(
          assigned.map(async ({ partition, generation }) => [partition, await open(partition, generation)] as const),
        ).finally(() => {
          restoring -= assigned.length
        })
        for (const [partition, worker] of opened) workers.set(partition, worker)
        return opened.map(([partition, { next }]) => ({ topic: names.log, partition, offset: next }))
      },
      onRevoked: async (partitions) => {
        for (const { partition } of partitions) {
          const worker = workers.get(partition)
          workers.delete(partition)
          committed.delete(partition)
          await worker?.abandon()
        }
      },
      onSettle: async (control) => {
        await Promise.all([...workers.values()].map((worker) => dropped(worker.drain())))
        await commitDurable(control)
      },
      onBatch: async ({ partition, records }) => {
        const worker = workers.get(partition)
        if (worker === undefined) throw new Error(`a batch of log partition ${partition} came, which was not assigned`)
        await dropped(worker.take(records))
      },
    },
  )

  const failed = Promise.withResolvers<never>()
  let flushing: Promise<void> | undefined
  async function flush(): Promise<void> {
    await Promise.all([...workers.values()].map((worker) => dropped(worker.flushIfDue())))
    await commitDurable(consumer.control)
  }
  const timer = setInterval(() => {
    flushing ??= flush()
      .catch(failed.reject)
      .finally(() => {
        flushing = undefined
      })
  }, FLUSH_EVERY_MS)

  const ended = consumer.finished.then((end) => {
    if (end.kind === 'OffsetOutOfRange') throw new ClusterFailure(`${end.message}; ${LOG_IS_CUT}`)
    if (end.kind !== 'stopped') throw new ClusterFailure(end.message)
  })
  return {
    name: 'worker',
    workers,
    rebalances: () => consumer.rebalances(),
    restoring: () => restoring,
    progress: () => consumer.progress(),
    finished: Promise.race([ended, failed.promise]),
    async stop() {
      clearInterval(timer)
      await flushing
      // Checkpoints first, while the partitions are ours: the next owner need not compute again.
      await Promise.all([...workers.values()].map((worker) => dropped(worker.close())))
      await consumer.stop()
    },
  }
}

/** What another worker does now is no failure of this one. */
async function dropped(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof OwnershipLost)) throw error
  }
}
