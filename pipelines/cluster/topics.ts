import type { LogShape } from '../intake/items.ts'
import type { Admin, PartitionReader, Producer } from '../kafka/port.ts'
import type { ClusterConfig, TopicNames } from './cluster-config.ts'
import { type ControlRecord, ControlState, type KnownTopic, shapeRecord, topicRecord } from './control-state.ts'
import { ClusterFailure } from './role.ts'

/** Refused records are kept up to so many bytes: by time would go by their own, which may lie years back. */
const DEAD_BYTES_MAX = 10 * 1024 ** 3
/** The log is the truth: Kafka keeps it for ever unless an operator says otherwise. */
const LOG_CONFIG = { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' }
const CONTROL_CONFIG = { 'cleanup.policy': 'compact' }
const DEAD_CONFIG = { 'retention.ms': '-1', 'retention.bytes': String(DEAD_BYTES_MAX), 'cleanup.policy': 'delete' }

/** What a cluster's topics are: the log's shape, and the topics that are read, by name. */
export type ReadyTopics = { readonly shape: LogShape; readonly topics: ReadonlyMap<string, KnownTopic> }

/**
 * Makes our topics where they are missing. Refuses a log of another shape, for who goes to which partition depends on it,
 * and a topic that is not the one that was read before: its offsets would mean other records. `accepted` input topics are
 * taken as new ones.
 */
export async function ensureTopics(
  parts: { admin: Admin; producer: Producer; reader: PartitionReader },
  config: ClusterConfig,
  names: TopicNames,
  accepted: readonly string[],
): Promise<ReadyTopics> {
  const { admin, producer } = parts
  const replicationFactor = config.kafka.replication
  const shape: LogShape = { partitions: config.partitions, slices: config.slices }
  await admin.createTopic({ topic: names.log, partitions: shape.partitions, replicationFactor, config: LOG_CONFIG })
  await admin.createTopic({ topic: names.control, partitions: 1, replicationFactor, config: CONTROL_CONFIG })
  for (const { topic } of config.inputs) {
    const dead = { topic: names.dead(topic), partitions: 1, replicationFactor, config: DEAD_CONFIG }
    await admin.createTopic(dead)
  }
  const { state } = await readControl(parts.reader, admin, names)
  if (state.shape !== undefined && !isSameShape(state.shape, shape)) throw otherShape(names.log, state.shape, shape)
  const topics = new Map<string, KnownTopic>()
  const news: ControlRecord[] = state.shape === undefined ? [shapeRecord(shape)] : []
  for (const topic of [names.log, ...config.inputs.map((one) => one.topic)]) {
    const known = state.topics.get(topic)
    const now = await identify(admin, topic, known, accepted.includes(topic) && topic !== names.log)
    topics.set(topic, now)
    if (JSON.stringify(known) !== JSON.stringify(now)) news.push(topicRecord(topic, now))
  }
  const partitions = topics.get(names.log)?.partitions
  if (partitions !== shape.partitions) throw otherShape(names.log, { ...shape, partitions: partitions ?? 0 }, shape)
  if (news.length > 0) await putControl(producer, names, news)
  return { shape, topics }
}

/** A topic that `ensureTopics` has seen. */
export function knownTopic(topics: ReadonlyMap<string, KnownTopic>, name: string): KnownTopic {
  const topic = topics.get(name)
  if (topic === undefined) throw new Error(`${name} is none of the topics that are read`)
  return topic
}

/** Which topic it is that has the name now, if it is the one that is known or is taken as a new one. */
async function identify(
  admin: Admin,
  topic: string,
  known: KnownTopic | undefined,
  isAccepted: boolean,
): Promise<KnownTopic> {
  const now = await admin.identity(topic)
  if (now === undefined) {
    throw new ClusterFailure(`the topic ${topic} does not exist: create it, or take it out of the configuration`)
  }
  if (known === undefined) return { ...now, epoch: 0 }
  const isSame = now.id === known.id
  if (isSame && now.partitions === known.partitions) return known
  if (isAccepted) return { ...now, epoch: known.epoch + (isSame ? 0 : 1) }
  const what = isSame
    ? `has ${now.partitions} partitions, it had ${known.partitions}: events of one borrower may come in another order`
    : 'was deleted and made again: its offsets mean other records now'
  throw new ClusterFailure(
    `the topic ${topic} ${what}; start once with --accept-topic ${topic} to go on with it as it is`,
  )
}

function otherShape(log: string, has: LogShape, wanted: LogShape): ClusterFailure {
  return new ClusterFailure(
    `the log ${log} has ${has.partitions} partitions and ${has.slices} slices, the configuration says ` +
      `${wanted.partitions} and ${wanted.slices}: this is fixed with a log; to change it, read the input topics ` +
      'into a new log (another kafka.prefix and database)',
  )
}

function isSameShape(a: LogShape, b: LogShape): boolean {
  return a.partitions === b.partitions && a.slices === b.slices
}

/** What the control topic says now, and the offset behind it. */
export async function readControl(
  reader: PartitionReader,
  admin: Admin,
  names: TopicNames,
): Promise<{ readonly state: ControlState; readonly next: number }> {
  const state = new ControlState()
  const [bounds] = await admin.watermarks(names.control)
  const { low, high } = bounds ?? { low: 0, high: 0 }
  if (low < high) {
    for await (const { records } of reader.read({ topic: names.control, partition: 0 }, low, high)) {
      for (const { key, value } of records) if (key !== null && value !== null) state.take(String(key), String(value))
    }
  }
  return { state, next: high }
}

export async function putControl(
  producer: Producer,
  { control }: TopicNames,
  records: readonly ControlRecord[],
): Promise<void> {
  await producer.append(
    control,
    records.map(({ key, value }) => ({ partition: 0, key, value })),
  )
}
