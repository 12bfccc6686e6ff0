import { type Link, nameOf, sleep } from './link.ts'
import type { Admin, NewTopic, TopicIdentity } from './port.ts'
import { listOffsets, listOffsetsAt, topicIdentities } from './topics.ts'

const DONE_MS_MAX = 30_000
const POLL_MS = 50

/** Looks after topics and asks about them. What fails in a way that passes is tried again. */
export function createAdmin(link: Link): Admin {
  async function identity(topic: string): Promise<TopicIdentity | undefined> {
    return (await link.attempt('topic', () => topicIdentities(link, [topic]))).get(topic)
  }

  async function partitionsOf(topic: string): Promise<number[]> {
    const found = await identity(topic)
    if (found === undefined) throw new Error(`there is no topic ${topic}`)
    return Array.from({ length: found.partitions }, (_, partition) => partition)
  }

  /** A topic is there, or gone, for every broker a moment after the controller says so. */
  async function until(topic: string, isThere: boolean): Promise<void> {
    const end = performance.now() + DONE_MS_MAX
    while (((await identity(topic)) !== undefined) !== isThere) {
      if (performance.now() > end) throw new Error(`the topic ${topic} is ${isThere ? 'not made' : 'still there'}`)
      await sleep(POLL_MS)
    }
  }

  async function createTopic({ topic, partitions, replicationFactor = 1, config = {} }: NewTopic) {
    const request = {
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    }
    const outcome = await link.attempt('create topic', async () => {
      await link.ready([])
      const controller = await link.cluster.findControllerBroker()
      try {
        await controller.createTopics({ topics: [request], timeout: DONE_MS_MAX })
        return 'created' as const
      } catch (error) {
        if (isExisting(error)) return 'exists' as const
        throw error
      }
    })
    await until(topic, true)
    return outcome
  }

  async function deleteTopic(topic: string): Promise<void> {
    await link.attempt('delete topic', async () => {
      await link.ready([])
      const controller = await link.cluster.findControllerBroker()
      try {
        await controller.deleteTopics({ topics: [topic], timeout: DONE_MS_MAX })
      } catch (error) {
        if (nameOf(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      }
    })
    await until(topic, false)
  }

  async function committed(group: string, topic: string): Promise<(number | undefined)[]> {
    const partitions = await partitionsOf(topic)
    const { responses } = await link.attempt('committed', async () => {
      const coordinator = await link.cluster.findGroupCoordinator({ groupId: group })
      return coordinator.offsetFetch({
        groupId: group,
        topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
      })
    })
    const found = new Map(responses[0]?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    return partitions.map((partition) => {
      const offset = found.get(partition) ?? -1
      return offset < 0 ? undefined : offset
    })
  }

  async function watermarks(topic: string): Promise<{ low: number; high: number }[]> {
    const partitions = await partitionsOf(topic)
    const found = await link.attempt('offsets', () => listOffsets(link, topic, partitions))
    return partitions.map((partition) => found.get(partition)!)
  }

  async function offsetsAt(topic: string, timestampMs: number): Promise<number[]> {
    const partitions = await partitionsOf(topic)
    const found = await link.attempt('offsets', () => listOffsetsAt(link, topic, partitions, timestampMs))
    const ends = await watermarks(topic)
    return partitions.map((partition) => {
      const offset = found.get(partition) ?? -1
      return offset < 0 ? ends[partition]!.high : offset
    })
  }

  return { createTopic, deleteTopic, identity, watermarks, offsetsAt, committed, close: link.close }
}

function isExisting(error: unknown): boolean {
  const { errors = [] } = error as { errors?: readonly unknown[] }
  return [error, ...errors].some((each) => nameOf(each) === 'TOPIC_ALREADY_EXISTS')
}
