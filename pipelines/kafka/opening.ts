import { KafkaConditionError, type Link } from './link.ts'
import type { Owned } from './partitions.ts'
import type { Assigned, OffsetOutOfRange, Position, Subscription, TopicIdentity, TopicPartition } from './port.ts'
import { listOffsets, topicChange, topicIdentities } from './topics.ts'

export type Opener = {
  /** Finds where partitions are to be read from, lets `onAssigned` decide, and lets the reading begin. */
  open(entries: readonly Owned[], isOver: () => boolean): Promise<void>
  /** Throws if a topic is not what it was. */
  checkTopics(): Promise<void>
  /** Throws the condition that made a fetch go out of range. */
  explain(entries: readonly Owned[]): Promise<void>
  /** What is written beside a committed offset: the id of the topic that it belongs to. */
  identityOf(topic: string): string
}

type OpenerOptions = {
  readonly link: Link
  readonly subscription: Subscription
  readonly onAssigned: (assigned: readonly Assigned[]) => Promise<readonly Position[]>
}

/** Decides where partitions are read from, and tells when a topic or a position is not what it was. */
export function createOpener({ link, subscription, onAssigned }: OpenerOptions): Opener {
  const { topics, group, fromBeginning } = subscription
  /** Topics as they are expected to be, else as this process saw them first. */
  const known = new Map<string, TopicIdentity>(Object.entries(subscription.expected ?? {}))

  async function checkTopics(): Promise<void> {
    await link.ready(topics)
    const now = await topicIdentities(link, topics)
    for (const topic of topics) {
      const identity = now.get(topic)
      const before = known.get(topic) ?? identity
      if (before === undefined) continue
      known.set(topic, before)
      const change = topicChange(topic, before, identity)
      if (change !== undefined) throw new KafkaConditionError(change)
    }
  }

  async function committedOf(partitions: readonly TopicPartition[]): Promise<Map<string, number>> {
    const coordinator = await link.cluster.findGroupCoordinator({ groupId: group })
    const { responses } = await coordinator.offsetFetch({
      groupId: group,
      topics: [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => ({
        topic,
        partitions: list.map(({ partition }) => ({ partition })),
      })),
    })
    const found = new Map<string, number>()
    for (const { topic, partitions: list } of responses) {
      for (const { partition, offset, metadata } of list) {
        if (Number(offset) < 0) continue
        const now = known.get(topic)
        // Whoever committed wrote down which topic it was.
        if (now !== undefined && metadata !== null && metadata !== '' && metadata !== now.id) {
          const change = topicChange(topic, { ...now, id: metadata }, now)
          if (change !== undefined) throw new KafkaConditionError(change)
        }
        found.set(`${topic}/${partition}`, Number(offset))
      }
    }
    return found
  }

  async function look(entries: readonly Owned[]): Promise<Assigned[]> {
    await checkTopics()
    const committed = await committedOf(entries)
    const assigned: Assigned[] = []
    for (const [topic, list] of Map.groupBy(entries, (entry) => entry.topic)) {
      const offsets = await listOffsets(
        link,
        topic,
        list.map(({ partition }) => partition),
      )
      for (const { partition, generation } of list) {
        const marks = offsets.get(partition)!
        assigned.push({ topic, partition, generation, committed: committed.get(`${topic}/${partition}`), ...marks })
      }
    }
    return assigned
  }

  async function open(entries: readonly Owned[], isOver: () => boolean): Promise<void> {
    if (isOver()) return
    const assigned = await link.attempt('open', () => look(entries), isOver)
    const positions = await onAssigned(assigned)
    for (const entry of entries) {
      const isIt = (p: TopicPartition): boolean => p.topic === entry.topic && p.partition === entry.partition
      const { committed, low, high } = assigned.find(isIt)!
      const position = positions.find(isIt)?.offset ?? committed ?? (fromBeginning ? low : high)
      entry.highWatermark = high
      if (position < low || position > high) await assertThere(entry, position, isOver)
      entry.position ??= position
    }
  }

  /** The partition may have grown since it was looked at: whoever decided where to begin has read it meanwhile. */
  async function assertThere(entry: Owned, position: number, isOver: () => boolean): Promise<void> {
    const { topic, partition } = entry
    const found = await link.attempt('offsets', () => listOffsets(link, topic, [partition]), isOver)
    const marks = found.get(partition)!
    if (position < marks.low || position > marks.high) throw new KafkaConditionError(outOfRange(entry, position, marks))
    entry.highWatermark = marks.high
  }

  async function explain(entries: readonly Owned[]): Promise<void> {
    await checkTopics()
    for (const entry of entries) {
      const { topic, partition, position } = entry
      const marks = (await listOffsets(link, topic, [partition])).get(partition)!
      if (position !== undefined && (position < marks.low || position > marks.high)) {
        throw new KafkaConditionError(outOfRange(entry, position, marks))
      }
    }
  }

  return { open, checkTopics, explain, identityOf: (topic) => known.get(topic)?.id ?? '' }
}

export function outOfRange(
  { topic, partition }: TopicPartition,
  position: number,
  { low, high }: { readonly low: number; readonly high: number },
): OffsetOutOfRange {
  return {
    kind: 'OffsetOutOfRange',
    topic,
    partition,
    position,
    low,
    high,
    message: `offset ${position} of ${topic}, partition ${partition}, is not there: it holds ${low} to ${high} (excluded)`,
  }
}
