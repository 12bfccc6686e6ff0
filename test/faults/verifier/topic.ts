import type { IHeaders, Kafka } from 'kafkajs'

/** A record of a topic as it lies there. */
export type TopicRecord = {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly timestamp: string
}

/** Offset after the last record of each partition. */
export async function topicEnds(kafka: Kafka, topic: string): Promise<number[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const ends: number[] = []
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) ends[partition] = Number(high)
    return ends
  } finally {
    await admin.disconnect()
  }
}

let readers = 0
/** A consumer that is done still waits for the end of its last fetch. */
const FETCH_WAIT_MS = 50

/** All records that a topic holds now, by partition and offset. Read with a library of its own, not with the product. */
export async function readTopic(kafka: Kafka, topic: string): Promise<TopicRecord[]> {
  const ends = await topicEnds(kafka, topic)
  const records: TopicRecord[] = []
  const open = new Set(ends.flatMap((end, partition) => (end > 0 ? [partition] : [])))
  if (open.size === 0) return records
  const groupId = `verifier-${process.pid}-${Date.now()}-${readers++}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: FETCH_WAIT_MS })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const done = Promise.withResolvers<void>()
  consumer.on(consumer.events.CRASH, ({ payload }) => done.reject(payload.error))
  await consumer.run({
    eachBatch: ({ batch }) => {
      for (const { offset, key, value, headers, timestamp } of batch.messages) {
        const texts = Object.fromEntries(Object.entries(headers ?? {}).map(([name, one]) => [name, textOf(one)]))
        const place = { partition: batch.partition, offset: Number(offset) }
        records.push({
          ...place,
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          headers: texts,
          timestamp,
        })
      }
      if (Number(batch.lastOffset()) + 1 >= (ends[batch.partition] ?? 0)) open.delete(batch.partition)
      if (open.size === 0) done.resolve()
      return Promise.resolve()
    },
  })
  try {
    await done.promise
  } finally {
    await consumer.disconnect()
  }
  return records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
}

function textOf(value: IHeaders[string]): string {
  return String(Array.isArray(value) ? value[0] : value)
}
