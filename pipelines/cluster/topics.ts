import type { LogShape } from '../intake/items.ts'
import type { Admin, PartitionReader, Producer } from '../kafka/port.ts'
import type { ClusterConfig, TopicNames } from './cluster-config.ts'
import { type ControlRecord, ControlState, shapeRecord } from './control-state.ts'
import { ClusterFailure } from './role.ts'

/** Refused records are kept so long: as long as a dead letter can be shown and sent again. */
const DEAD_RETENTION_MS = 30 * 86_400_000
/** The log is the truth: Kafka keeps it for ever unless an operator says otherwise. */
const LOG_CONFIG = { 'retention.ms': '-1', 'retention.bytes': '-1', 'cleanup.policy': 'delete' }
const CONTROL_CONFIG = { 'cleanup.policy': 'compact' }

/** Makes our topics where they are missing, and refuses a log of another shape: who goes to which partition depends on it. */
export async function ensureTopics(
  parts: { admin: Admin; producer: Producer; reader: PartitionReader },
  config: ClusterConfig,
  names: TopicNames,
): Promise<LogShape> {
  const { admin } = parts
  const replicationFactor = config.kafka.replication
  const wanted: LogShape = { partitions: config.partitions, slices: config.slices }
  await admin.createTopic({ topic: names.log, partitions: wanted.partitions, replicationFactor, config: LOG_CONFIG })
  await admin.createTopic({ topic: names.control, partitions: 1, replicationFactor, config: CONTROL_CONFIG })
  for (const { topic } of config.inputs) {
    if ((await admin.identity(topic)) === undefined) {
      throw new ClusterFailure(
        `the input topic ${topic} does not exist: create it, or take it out of the configuration`,
      )
    }
    const dead = { topic: names.dead(topic), partitions: 1, replicationFactor }
    await admin.createTopic({ ...dead, config: { 'retention.ms': String(DEAD_RETENTION_MS) } })
  }
  const partitions = (await admin.identity(names.log))?.partitions
  const { state } = await readControl(parts.reader, admin, names)
  const known = state.shape
  const isSame = partitions === wanted.partitions && (known === undefined || isSameShape(known, wanted))
  if (!isSame) {
    const has = `${known?.partitions ?? partitions} partitions${known === undefined ? '' : ` and ${known.slices} slices`}`
    throw new ClusterFailure(
      `the log ${names.log} was made with ${has}${known !== undefined && partitions !== known.partitions ? ` and has ${partitions} partitions now` : ''}, ` +
        `the configuration says ${wanted.partitions} and ${wanted.slices}: this is fixed with a log; ` +
        'to change it, read the input topics into a new log (another kafka.prefix and database)',
    )
  }
  if (known === undefined) await putControl(parts.producer, names, [shapeRecord(wanted)])
  return wanted
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
