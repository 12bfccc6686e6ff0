import { type Link, nameOf } from './link.ts'
import type { TopicChanged, TopicIdentity } from './port.ts'
import { encoderOf } from './record-requests.ts'
import { EARLIEST, LATEST, READ_COMMITTED } from './wire.ts'

const METADATA = 3
/** The first version of the request that can tell topics by their id; the library stops at 6. */
const VERSION = 12
const UNKNOWN_TOPIC = 3

/** Asks a broker for the identities of topics; a topic that is not there is left out. */
export async function topicIdentities(link: Link, topics: readonly string[]): Promise<Map<string, TopicIdentity>> {
  await link.ready([])
  const broker = await link.cluster.findControllerBroker()
  const answer = await broker.connectionPool.send({
    request: {
      apiKey: METADATA,
      apiVersion: VERSION,
      apiName: 'Metadata',
      encode: encoderOf(encodeRequest(topics)),
    },
    response: {
      decode: (payload: Buffer) => Promise.resolve({ clientSideThrottleTime: 0, payload }),
      parse: ({ payload }: { payload: Buffer }) => Promise.resolve(decodeResponse(payload)),
    },
  })
  return answer as Map<string, TopicIdentity>
}

/** Request body of Metadata, version 12. It begins with the (empty) tags of a header that the library does not know. */
function encodeRequest(topics: readonly string[]): Buffer {
  const parts = [Buffer.from([0]), varint(topics.length + 1)]
  for (const topic of topics) {
    const name = Buffer.from(topic)
    parts.push(Buffer.alloc(16), varint(name.length + 1), name, Buffer.from([0]))
  }
  // No creation of topics, no authorised operations, no tags.
  parts.push(Buffer.from([0, 0, 0]))
  return Buffer.concat(parts)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

function decodeResponse(payload: Buffer): Map<string, TopicIdentity> {
  let at = 0
  const skip = (bytes: number): void => {
    at += bytes
  }
  const length = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = payload.readUInt8(at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value - 1
    }
  }
  const text = (): string => {
    const size = length()
    if (size < 0) return ''
    at += size
    return payload.toString('utf8', at - size, at)
  }
  const tags = (): void => {
    // A count (here one less than `length` takes it for) of tags, each with a number and a size.
    for (let left = length() + 1; left > 0; left--) {
      length()
      skip(length() + 1)
    }
  }
  tags()
  skip(4)
  for (let left = length(); left > 0; left--) {
    skip(4)
    text()
    skip(4)
    text()
    tags()
  }
  text()
  skip(4)
  const found = new Map<string, TopicIdentity>()
  for (let left = length(); left > 0; left--) {
    const error = payload.readInt16BE(at)
    skip(2)
    const name = text()
    const id = payload.toString('hex', at, at + 16)
    skip(17)
    const partitions = length()
    for (let i = 0; i < partitions; i++) {
      skip(14)
      for (let list = 0; list < 3; list++) skip(4 * length())
      tags()
    }
    skip(4)
    tags()
    if (error !== UNKNOWN_TOPIC) found.set(name, { id, partitions })
  }
  return found
}

/** What has changed of a topic, if anything. */
export function topicChange(
  topic: string,
  before: TopicIdentity,
  now: TopicIdentity | undefined,
): TopicChanged | undefined {
  const changed = (change: TopicChanged['change'], message: string): TopicChanged => ({
    kind: 'TopicChanged',
    topic,
    change,
    message,
  })
  if (now === undefined) return changed('missing', `the topic ${topic} is not there any more`)
  if (now.id !== before.id) {
    return changed(
      'recreated',
      `the topic ${topic} was deleted and made again (id ${before.id}, now ${now.id}): positions mean nothing in it`,
    )
  }
  if (now.partitions !== before.partitions) {
    return changed('partitions', `the topic ${topic} had ${before.partitions} partitions and has ${now.partitions}`)
  }
  return undefined
}

/** First offset and the one after the last of a topic's partitions. */
export async function listOffsets(
  link: Link,
  topic: string,
  partitions: readonly number[],
): Promise<Map<number, { low: number; high: number }>> {
  const low = await listOffsetsAt(link, topic, partitions, EARLIEST)
  const high = await listOffsetsAt(link, topic, partitions, LATEST)
  return new Map(partitions.map((p) => [p, { low: low.get(p)!, high: high.get(p)! }]))
}

/** Offsets by a time in milliseconds or `EARLIEST`, `LATEST`; −1 where no record is that late. */
export async function listOffsetsAt(
  link: Link,
  topic: string,
  partitions: readonly number[],
  timestamp: number,
): Promise<Map<number, number>> {
  await link.ready([topic])
  const found = new Map<number, number>()
  for (const [nodeId, asked] of partitionsByLeader(link, topic, partitions)) {
    const broker = await link.cluster.findBroker({ nodeId })
    const { responses } = await broker.listOffsets({
      isolationLevel: READ_COMMITTED,
      topics: [{ topic, partitions: asked.map((partition) => ({ partition, timestamp })) }],
    })
    for (const { partition, offset } of responses[0]?.partitions ?? []) found.set(partition, Number(offset))
  }
  return found
}

/** Partitions by the node that leads them, as last heard. */
export function partitionsByLeader(link: Link, topic: string, partitions: readonly number[]): Map<string, number[]> {
  const leaders = new Map(link.cluster.findTopicPartitionMetadata(topic).map((p) => [p.partitionId, String(p.leader)]))
  const byLeader = new Map<string, number[]>()
  for (const partition of partitions) {
    const leader = leaders.get(partition)
    if (leader === undefined) throw noLeader(topic, partition)
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition])
  }
  return byLeader
}

function noLeader(topic: string, partition: number): Error {
  return Object.assign(new Error(`no leader is known of partition ${partition} of ${topic}`), { retriable: true })
}

/** Whether an error says that an offset is not there. */
export function isOutOfRange(error: unknown): boolean {
  return nameOf(error) === 'OFFSET_OUT_OF_RANGE'
}
