import { fetchAnswer, produceAnswer } from './client.ts'
import { nameOf } from './link.ts'
import { decodeBatches } from './record-batch.ts'
import type { WireBroker, WireFetched } from './wire.ts'

/**
 * The two requests that carry records, written here so that their records need not go through the library's objects. Its
 * connections send them, and what an answer's error codes mean it tells.
 */

const PRODUCE = 0
const PRODUCE_VERSION = 7
const FETCH = 1
const FETCH_VERSION = 11
const ACKS_ALL = -1
/** A consumer, not a replica that follows. */
const NO_REPLICA = -1
const NO_SESSION = 0
const NO_SESSION_EPOCH = -1
const UNKNOWN = -1
const INT64_BYTES = 8

/** A batch for a partition. */
export type ProducedBatch = { readonly topic: string; readonly partition: number; readonly batch: Buffer }

export type ProduceAnswer = {
  readonly topics: readonly {
    readonly topicName: string
    readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[]
  }[]
}

/** Appends batches, acknowledged by all in-sync replicas. Throws what the broker says of one that it refuses. */
export async function produce(
  broker: WireBroker,
  batches: readonly ProducedBatch[],
  timeoutMs: number,
): Promise<ProduceAnswer> {
  const parts: Buffer[] = [shorts(UNKNOWN, ACKS_ALL), ints(timeoutMs)]
  const topics = Map.groupBy(batches, ({ topic }) => topic)
  parts.push(ints(topics.size))
  for (const [topic, list] of topics) {
    parts.push(text(topic), ints(list.length))
    for (const { partition, batch } of list) parts.push(ints(partition, batch.length), batch)
  }
  const body = Buffer.concat(parts)
  const request = { apiKey: PRODUCE, apiVersion: PRODUCE_VERSION, apiName: 'Produce', encode: encoderOf(body) }
  return (await send(broker, { request, response: produceAnswer })) as ProduceAnswer
}

export type FetchRequest = {
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { partition: number; fetchOffset: number; maxBytes: number }[]
  }[]
}

/** Fetches records. Throws what the broker says of a partition that it cannot read. */
export async function fetch(broker: WireBroker, request: FetchRequest): Promise<readonly WireFetched[]> {
  const { maxWaitTime, minBytes, maxBytes, isolationLevel, topics } = request
  const parts: Buffer[] = [
    ints(NO_REPLICA, maxWaitTime, minBytes, maxBytes),
    Buffer.from([isolationLevel]),
    ints(NO_SESSION, NO_SESSION_EPOCH, topics.length),
  ]
  for (const { topic, partitions } of topics) {
    parts.push(text(topic), ints(partitions.length))
    for (const { partition, fetchOffset, maxBytes: bytes } of partitions) {
      // No leader epoch and no log start are claimed.
      parts.push(ints(partition, UNKNOWN), longs(fetchOffset, UNKNOWN), ints(bytes))
    }
  }
  // No topics to forget, no rack.
  parts.push(ints(0), shorts(0))
  const answer = await send(broker, {
    request: { apiKey: FETCH, apiVersion: FETCH_VERSION, apiName: 'Fetch', encode: encoderOf(Buffer.concat(parts)) },
    response: {
      decode: async (payload: Buffer) => decodeFetched(payload) ?? (await fetchAnswer.decode(payload)),
      parse: fetchAnswer.parse,
    },
  })
  return (answer as { responses: readonly WireFetched[] }).responses
}

/** As the library sends: a connection that was closed under a request is given up. */
async function send(broker: WireBroker, exchange: object): Promise<unknown> {
  try {
    return await broker.connectionPool.send(exchange)
  } catch (error) {
    if (nameOf(error) === 'KafkaJSConnectionClosedError') await broker.disconnect()
    throw error
  }
}

/** An answer to Fetch, as the library has it but for the records; undefined where it holds what only the library reads. */
function decodeFetched(payload: Buffer): object | undefined {
  let at = 0
  const int16 = () => payload.readInt16BE((at += 2) - 2)
  const int32 = () => payload.readInt32BE((at += 4) - 4)
  const int64 = () => payload.readBigInt64BE((at += INT64_BYTES) - INT64_BYTES).toString()
  const clientSideThrottleTime = int32()
  const errorCode = int16()
  const sessionId = int32()
  const responses: WireFetched[] = []
  for (let topics = int32(); topics > 0; topics--) {
    const length = int16()
    const topicName = payload.toString('utf8', at, at + length)
    at += length
    const partitions: WireFetched['partitions'][number][] = []
    for (let left = int32(); left > 0; left--) {
      const head = { partition: int32(), errorCode: int16(), highWatermark: int64() }
      // Last stable offset and log start.
      at += 2 * INT64_BYTES
      const aborted = int32()
      if (aborted > 0) return undefined
      // Preferred replica.
      int32()
      const bytes = Math.max(0, int32())
      const plain = decodeBatches(payload.subarray(at, at + bytes))
      if (plain === undefined) return undefined
      at += bytes
      partitions.push({ ...head, messages: [], plain })
    }
    responses.push({ topicName, partitions })
  }
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses }
}

/** The library writes what has a buffer and a size. */
export function encoderOf(buffer: Buffer): () => Promise<{ buf: Buffer; buffer: Buffer; size: () => number }> {
  return () => Promise.resolve({ buf: buffer, buffer, size: () => buffer.length })
}

function shorts(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [i, value] of values.entries()) bytes.writeInt16BE(value, 2 * i)
  return bytes
}

function ints(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeInt32BE(value, 4 * i)
  return bytes
}

function longs(...values: number[]): Buffer {
  const bytes = Buffer.alloc(INT64_BYTES * values.length)
  for (const [i, value] of values.entries()) bytes.writeBigInt64BE(BigInt(value), INT64_BYTES * i)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([shorts(bytes.length), bytes])
}
