import { KafkaConditionError, type Link } from './link.ts'
import { outOfRange } from './opening.ts'
import type { Batch, PartitionReader, TopicPartition } from './port.ts'
import { fetch as fetchRecords } from './record-requests.ts'
import { FETCH_BYTES_MAX, readFetched } from './records.ts'
import { isOutOfRange, listOffsets, partitionsByLeader } from './topics.ts'
import { READ_COMMITTED } from './wire.ts'

const FETCH_WAIT_MS = 250

/** Reads partitions from start to end without a group. */
export function createReader(link: Link): PartitionReader {
  let isClosed = false

  async function* read(
    { topic, partition }: TopicPartition,
    from: number,
    to?: number,
  ): AsyncGenerator<Omit<Batch, 'generation'>, void, void> {
    const marks = await link.attempt(
      'offsets',
      async () => (await listOffsets(link, topic, [partition])).get(partition)!,
    )
    if (from < marks.low || from > marks.high) {
      throw new KafkaConditionError(outOfRange({ topic, partition }, from, marks))
    }
    const end = to ?? marks.high
    let position = from
    while (position < end && !isClosed) {
      const asked = position
      const { records, next, highWatermark } = await link.attempt('read', () => fetch({ topic, partition }, asked))
      position = next
      const wanted = records.filter(({ offset }) => offset < end)
      if (wanted.length > 0) yield { topic, partition, records: wanted, highWatermark }
    }
  }

  async function fetch(
    { topic, partition }: TopicPartition,
    position: number,
  ): Promise<ReturnType<typeof readFetched>> {
    await link.ready([topic])
    const [nodeId] = partitionsByLeader(link, topic, [partition]).keys()
    const broker = await link.cluster.findBroker({ nodeId: nodeId! })
    try {
      const responses = await fetchRecords(broker, {
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes: FETCH_BYTES_MAX,
        isolationLevel: READ_COMMITTED,
        topics: [{ topic, partitions: [{ partition, fetchOffset: position, maxBytes: FETCH_BYTES_MAX }] }],
      })
      return readFetched(topic, position, responses[0]!.partitions[0]!)
    } catch (error) {
      if (!isOutOfRange(error)) throw error
      const marks = (await listOffsets(link, topic, [partition])).get(partition)!
      throw new KafkaConditionError(outOfRange({ topic, partition }, position, marks))
    }
  }

  async function close(): Promise<void> {
    isClosed = true
    await link.close()
  }

  return { read, close }
}
