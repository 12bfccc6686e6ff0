import type { PublishedDefinitions } from '../../features/events/contract.ts'
import type { LogShape } from '../intake/items.ts'
import type { Admin, Batch, Generation, Kafka, PartitionReader, Producer } from '../kafka/port.ts'
import type { LogAppender } from './appender.ts'
import type { ClusterConfig, TopicNames } from './cluster-config.ts'
import type { KnownTopic } from './control-state.ts'
import { ClusterFailure, type Role } from './role.ts'
import { sourceName } from './source-reader.ts'
import { Ticker } from './ticker.ts'
import { knownTopic, putControl, readControl } from './topics.ts'

/** How often it is looked whether a day is due. */
const TICK_EVERY_MS = 250
/** How often it is asked how many partitions the input topics have: a new one holds days back until it is read. */
const SOURCES_EVERY_MS = 10_000

export type OwnerParts = {
  readonly kafka: Kafka
  readonly producer: Producer
  readonly admin: Admin
  readonly reader: PartitionReader
  readonly appender: LogAppender
  readonly config: ClusterConfig
  readonly names: TopicNames
  readonly shape: LogShape
  readonly topics: ReadonlyMap<string, KnownTopic>
  /** What this release puts in force. */
  readonly definitions: PublishedDefinitions
}

export type OwnerRole = Role & {
  /** Slices of days that this process has closed. */
  slicesClosed(): number
  /** Per tenant, in no order, how many days ago the last closed day was; none where another process is the owner. */
  closedDayAges(now: number): readonly number[]
  rebalances(): number
}

type Owned = {
  readonly ticker: Ticker
  readonly generation: Generation
  take(batch: Batch): void
}

/**
 * Takes part in the group of the control topic. Whoever is given its one partition makes ticks and puts definitions in
 * force; Kafka's membership decides who that is. A former owner that wakes up may send a tick again, which changes nothing.
 */
export function startOwner(parts: OwnerParts): OwnerRole {
  const { kafka, producer, admin, reader, appender, config, names, shape, topics } = parts
  let owned: Owned | undefined
  let formerSlices = 0
  let isStopping = false
  let sources: string[] = []
  let sourcesAt = Number.NEGATIVE_INFINITY

  async function listSources(): Promise<void> {
    if (performance.now() - sourcesAt < SOURCES_EVERY_MS) return
    const now = await Promise.all(config.inputs.map(({ topic }) => admin.identity(topic)))
    sources = config.inputs.flatMap(({ topic }, i) =>
      Array.from({ length: now[i]?.partitions ?? 0 }, (_, partition) =>
        sourceName(topic, knownTopic(topics, topic), partition),
      ),
    )
    sourcesAt = performance.now()
  }

  const consumer = kafka.subscribe(
    {
      topics: [names.control],
      group: `${config.kafka.prefix}-control`,
      fromBeginning: true,
      sessionTimeoutMs: config.kafka.session_timeout_ms,
    },
    {
      onAssigned: async ([assigned]) => {
        if (assigned === undefined) return []
        const { state, next } = await readControl(reader, admin, names)
        await listSources()
        const record = (one: Parameters<typeof putControl>[2][number]) => putControl(producer, names, [one])
        const ticker = new Ticker({ state, appender, record, shape, sources: () => sources })
        await ticker.publish(parts.definitions, Date.now())
        const take = ({ records }: Batch) => {
          for (const { key, value } of records)
            if (key !== null && value !== null) state.take(String(key), String(value))
        }
        owned = { ticker, generation: assigned.generation, take }
        return [{ topic: names.control, partition: 0, offset: next }]
      },
      onRevoked: () => {
        formerSlices += owned?.ticker.ticks ?? 0
        owned = undefined
        return Promise.resolve()
      },
      onSettle: () => Promise.resolve(),
      onBatch: (batch) => {
        owned?.take(batch)
        return Promise.resolve()
      },
    },
  )

  async function tick(): Promise<void> {
    const { ticker, generation } = owned ?? {}
    if (ticker === undefined || generation?.isCurrent() !== true) return
    await listSources()
    // As long as days are behind, one after the other without a pause.
    while (!isStopping && generation.isCurrent() && (await ticker.tick(Date.now()))) continue
  }

  const failed = Promise.withResolvers<never>()
  let ticking: Promise<void> | undefined
  const timer = setInterval(() => {
    ticking ??= tick()
      .catch(failed.reject)
      .finally(() => {
        ticking = undefined
      })
  }, TICK_EVERY_MS)

  const ended = consumer.finished.then((end) => {
    if (end.kind !== 'stopped') throw new ClusterFailure(end.message)
  })
  return {
    name: 'control',
    rebalances: () => consumer.rebalances(),
    slicesClosed: () => formerSlices + (owned?.ticker.ticks ?? 0),
    closedDayAges: (now) => owned?.ticker.closedDayAges(now) ?? [],
    finished: Promise.race([ended, failed.promise]),
    async stop() {
      // However many days are behind: the next owner goes on with them.
      isStopping = true
      clearInterval(timer)
      await ticking
      await consumer.stop()
    },
  }
}
