import type { Admin, Batch, Condition, Control, Kafka, Producer, TopicPartition } from '../kafka/port.ts'
import { NO_SCHEMAS, type SchemaSource } from '../registry/schemas.ts'
import type { LogAppender } from './appender.ts'
import type { ClusterConfig, TopicNames } from './cluster-config.ts'
import { type KnownTopic, sourceRecord } from './control-state.ts'
import { deadRecord } from './dead-letter.ts'
import { isByRegistry, neededSchemas } from './inputs.ts'
import { isOwned } from './ownership.ts'
import { ClusterFailure, type Role } from './role.ts'
import { type RefusedRecord, SourceReader, sourceName } from './source-reader.ts'
import { knownTopic, putControl } from './topics.ts'

/** How often it is reported how far the sources are read. */
export const REPORT_EVERY_MS = 1000
/** Records that are appended at once. */
const APPEND_RECORDS_MAX = 2000

/** What intake counts, for metrics. */
export type IntakeCounts = {
  batches: number
  accepted: number
  dropped_fields: number
  refused: Record<string, number>
}

export type IntakeRole = Role & {
  /** Records of each source partition read here that are not in the log yet. */
  lags(): readonly { readonly source: string; readonly records: number }[]
  rebalances(): number
}

export type IntakeParts = {
  readonly kafka: Kafka
  readonly producer: Producer
  readonly admin: Admin
  readonly appender: LogAppender
  readonly config: ClusterConfig
  readonly names: TopicNames
  readonly topics: ReadonlyMap<string, KnownTopic>
  readonly counts: IntakeCounts
  readonly schemas: SchemaSource
  /** Between an append and the commit of what it came from: where tests kill the process. */
  readonly onAppended?: () => void
}

/**
 * Reads the input topics into the log: decodes, appends, puts aside what is refused, and only then commits. What it does
 * twice after a crash, the log's worker drops. It stops when the log does not take what it appends. A partition whose records
 * need a schema that the registry does not give waits, and its lag is seen; the others go on.
 */
export function startIntake(parts: IntakeParts): IntakeRole {
  const { kafka, producer, config, names, topics, counts, schemas } = parts
  const stopping = new AbortController()
  const inputs = new Map(config.inputs.map((input) => [input.topic, input]))
  const readers = new Map<string, SourceReader>()
  const nameOf = ({ topic, partition }: TopicPartition) => sourceName(topic, knownTopic(topics, topic), partition)

  async function takeBatch(batch: Batch, control: Control): Promise<void> {
    const { topic, partition, records, highWatermark } = batch
    const reader = readers.get(nameOf(batch))
    const input = inputs.get(topic)
    if (reader === undefined || input === undefined)
      throw new Error(`a batch of ${topic}/${partition} came, which was not assigned`)
    const signal = AbortSignal.any([stopping.signal, batch.generation.lost])
    for (let from = 0; from < records.length; from += APPEND_RECORDS_MAX) {
      const some = records.slice(from, from + APPEND_RECORDS_MAX)
      const needed = isByRegistry(input.format) ? await schemas.load(neededSchemas(input, some), signal) : NO_SCHEMAS
      // The partition is another's now, or this process ends: it is read on from what was committed.
      if (needed === undefined) return
      const { entries, refused, dropped_fields } = reader.read(some, Date.now(), needed)
      // Whoever owns it now reads on from what was committed.
      if (!(await isOwned(batch.generation))) return
      await putAside(topic, refused)
      await parts.appender.append(entries)
      parts.onAppended?.()
      const last = some.at(-1)?.offset ?? -1
      reader.appended(entries, last, highWatermark)
      counts.batches++
      counts.accepted += entries.length
      counts.dropped_fields += dropped_fields
      await control.commit([{ topic, partition, offset: last + 1 }])
    }
  }

  async function putAside(topic: string, refused: readonly RefusedRecord[]): Promise<void> {
    if (refused.length === 0) return
    for (const { reason } of refused) counts.refused[reason] = (counts.refused[reason] ?? 0) + 1
    await producer.append(names.dead(topic), refused.map(deadRecord))
  }

  const consumer = kafka.subscribe(
    {
      topics: [...inputs.keys()],
      group: `${config.kafka.prefix}-intake`,
      fromBeginning: true,
      expected: Object.fromEntries([...inputs.keys()].map((topic) => [topic, knownTopic(topics, topic)])),
      sessionTimeoutMs: config.kafka.session_timeout_ms,
    },
    {
      onAssigned: (assigned) => {
        for (const one of assigned) {
          const input = inputs.get(one.topic)
          if (input === undefined) throw new Error(`${one.topic} was assigned and is no input`)
          readers.set(nameOf(one), new SourceReader(input, nameOf(one), one.committed ?? one.low))
        }
        return Promise.resolve([])
      },
      onRevoked: (partitions) => {
        for (const one of partitions) readers.delete(nameOf(one))
        return Promise.resolve()
      },
      // A batch commits what it has appended before the next one begins.
      onSettle: () => Promise.resolve(),
      onBatch: takeBatch,
    },
  )

  /** Says how far everything is read that this process reads. */
  async function report(): Promise<void> {
    const progress = consumer.progress()
    for (const one of progress) {
      if (one.caughtUpAtMs !== undefined) readers.get(nameOf(one))?.ended(one.highWatermark, one.caughtUpAtMs)
    }
    const records = [...readers.values()].map((reader) => sourceRecord(reader.name, reader.report()))
    if (records.length > 0) await putControl(producer, names, records)
  }

  const failed = Promise.withResolvers<never>()
  let reporting: Promise<void> | undefined
  const timer = setInterval(() => {
    reporting ??= report()
      .catch(failed.reject)
      .finally(() => {
        reporting = undefined
      })
  }, REPORT_EVERY_MS)

  const ended = consumer.finished.then((end) => {
    if (end.kind !== 'stopped') throw new ClusterFailure(`${end.message}; ${remedyOf(end, config)}`)
  })
  return {
    name: 'intake',
    rebalances: () => consumer.rebalances(),
    lags: () =>
      consumer.progress().flatMap((one) => {
        const reader = readers.get(nameOf(one))
        const source = `${one.topic}/${one.partition}`
        return reader === undefined ? [] : [{ source, records: Math.max(0, one.highWatermark - reader.position) }]
      }),
    finished: Promise.race([ended, failed.promise]),
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await consumer.stop()
      await reporting
    },
  }
}

/** What there is to do about an input topic that cannot be read on. */
function remedyOf(condition: Condition, { kafka: { prefix } }: ClusterConfig): string {
  const { kind, topic } = condition
  if (kind === 'OffsetOutOfRange') {
    return `what Kafka dropped unread is lost: set the offset of the group ${prefix}-intake to one that is there to go on`
  }
  if (condition.change === 'missing') return 'create it, or take it out of the configuration'
  return `start once with --accept-topic ${topic} to go on with it as it is`
}
