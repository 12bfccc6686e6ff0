import { isTransient, KafkaConditionError, type Link, nameOf, sleep } from './link.ts'
import { createMembership } from './membership.ts'
import { createOpener } from './opening.ts'
import { createOwnedPartitions, type Owned } from './partitions.ts'
import type { Condition, Control, GroupConsumer, GroupHandlers, Logger, Subscription, TopicPartition } from './port.ts'
import { fetch } from './record-requests.ts'
import { FETCH_BYTES_MAX, FETCH_PARTITION_BYTES_MAX, readFetched } from './records.ts'
import { isOutOfRange, partitionsByLeader } from './topics.ts'
import { READ_COMMITTED } from './wire.ts'

const SESSION_TIMEOUT_MS = 30_000
const REBALANCE_TIMEOUT_MS = 60_000
/** How long a fetch waits for records where there are none. */
const FETCH_WAIT_MS = 250
/** The same while some partition is being worked at: it must not wait for the others once it is done. */
const FETCH_WAIT_BUSY_MS = 20
/** A batch that takes longer costs the member its partitions. */
const BATCH_MS_MAX = 300_000
/** How often it is looked whether topics are still what they were. */
const TOPIC_CHECK_MS = 5000
/** How long a member that stops waits for its handlers. */
const STOP_MS_MAX = 8000

type End = Awaited<GroupConsumer['finished']>

/** A member of a consumer group that reads the partitions it is given, with handlers that it waits for. */
export function subscribe(
  link: Link,
  subscription: Subscription,
  handlers: GroupHandlers,
  logger: Logger,
): GroupConsumer {
  const { topics, group } = subscription
  const finish = Promise.withResolvers<End>()
  let isStopping = false
  let wake = Promise.withResolvers<void>()

  const membership = createMembership({
    link,
    group,
    topics,
    sessionTimeoutMs: subscription.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    rebalanceTimeoutMs: subscription.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS,
    logger,
    hooks: {
      settle,
      joined: (generation, partitions, isUnbroken) => reassign(partitions, generation, isUnbroken),
      lost: () => reassign([], -1, false),
      owned: () => owned.all(),
      isStuck: () => owned.all().some(({ busySince = Infinity }) => performance.now() - busySince > BATCH_MS_MAX),
    },
  })
  const owned = createOwnedPartitions(membership.isConfirmed)
  const control: Control = {
    pause: (partitions) => owned.setPaused(partitions, true),
    resume: (partitions) => {
      owned.setPaused(partitions, false)
      rouse()
    },
    seek: (position) => {
      owned.seek(position)
      rouse()
    },
    commit: (positions) =>
      membership.commit(
        positions.filter((position) => owned.get(position) !== undefined),
        opener.identityOf,
      ),
    heartbeat: membership.beat,
    isRebalancing: membership.isRebalancing,
  }
  const opener = createOpener({ link, subscription, onAssigned: (assigned) => handlers.onAssigned(assigned, control) })

  /** Lets whoever waits for something to read look again. */
  function rouse(): void {
    wake.resolve()
    wake = Promise.withResolvers()
  }

  async function settle(): Promise<void> {
    // A partition that is only being opened has nothing in flight.
    const busy = owned.all().filter(({ busySince }) => busySince !== undefined)
    await Promise.all(busy.map(({ work }) => work))
    await handlers.onSettle(control)
  }

  /** Whatever is done for a partition comes after what is being done for it. A failure ends the consumer. */
  function chain(entries: readonly Owned[], task: () => Promise<void>): void {
    const before = Promise.all(entries.map(({ work }) => work))
    const work = before.then(task).catch(fail)
    for (const entry of entries) entry.work = work
  }

  function reassign(partitions: readonly TopicPartition[], generation: number, isUnbroken: boolean): void {
    const before = new Map(owned.all().map((entry) => [`${entry.topic}/${entry.partition}`, entry.work]))
    const { come, gone } = owned.assign(partitions, generation, isUnbroken)
    if (gone.length > 0)
      chain(gone, () => handlers.onRevoked(gone.map(({ topic, partition }) => ({ topic, partition }))))
    if (come.length > 0) {
      // A partition that has gone and come back is given up first.
      const revoked = gone.map(({ work }) => work)
      const last = come.map((entry) => before.get(`${entry.topic}/${entry.partition}`) ?? Promise.resolve())
      const begin = Promise.all([...revoked, ...last]).then(() => open(come))
      const work = begin.catch(fail)
      for (const entry of come) entry.work = work
    }
  }

  async function open(come: readonly Owned[]): Promise<void> {
    const isOver = (): boolean => isStopping || come.every(({ generation }) => generation.lost.aborted)
    try {
      await opener.open(come, isOver)
    } catch (error) {
      // What fails for partitions that are lost meanwhile is their next owner's to find out.
      if (!isOver()) throw error
    }
    rouse()
  }

  function fail(error: unknown): void {
    if (error instanceof KafkaConditionError) end(error.condition)
    else end(undefined, error)
  }

  function end(condition: Condition | undefined, error?: unknown): void {
    if (isStopping) return
    if (condition === undefined) finish.reject(error)
    else finish.resolve(condition)
    if (condition !== undefined) logger('error', condition.message, { group, kind: condition.kind })
    void stop()
  }

  /** Partitions of a node that can be read on now. */
  function readable(nodeId: string): (Owned & { position: number })[] {
    if (membership.isRebalancing()) return []
    const open = owned
      .all()
      .filter(({ position, isPaused, busySince }) => position !== undefined && !isPaused && busySince === undefined)
    return topics.flatMap((topic) => {
      const ofTopic = open.filter((entry) => entry.topic === topic)
      if (ofTopic.length === 0) return []
      const here =
        partitionsByLeader(
          link,
          topic,
          ofTopic.map(({ partition }) => partition),
        ).get(nodeId) ?? []
      return ofTopic.filter(({ partition }) => here.includes(partition)) as (Owned & { position: number })[]
    })
  }

  async function fetchFrom(nodeId: string): Promise<void> {
    const entries = readable(nodeId)
    const isBusy = owned.all().some(({ busySince }) => busySince !== undefined)
    if (entries.length === 0) {
      await Promise.race([wake.promise, sleep(FETCH_WAIT_MS)])
      return
    }
    const broker = await link.cluster.findBroker({ nodeId })
    const asked = new Map(entries.map((entry) => [entry, { position: entry.position, seeks: entry.seeks }]))
    const askedAtMs = Date.now()
    const responses = await fetch(broker, {
      maxWaitTime: isBusy ? FETCH_WAIT_BUSY_MS : FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      isolationLevel: READ_COMMITTED,
      topics: [...Map.groupBy(entries, ({ topic }) => topic)].map(([topic, list]) => ({
        topic,
        partitions: list.map(({ partition, position }) => ({
          partition,
          fetchOffset: position,
          maxBytes: FETCH_PARTITION_BYTES_MAX,
        })),
      })),
    })
    for (const { topicName: topic, partitions } of responses) {
      for (const fetched of partitions) {
        const entry = owned.get({ topic, partition: fetched.partition })
        const request = entry === undefined ? undefined : asked.get(entry as Owned & { position: number })
        // What was asked for before a seek, a rebalance or a loss is not wanted any more.
        if (entry === undefined || request === undefined || request.seeks !== entry.seeks) continue
        if (isStopping || membership.isRebalancing()) continue
        const { records, next, highWatermark } = readFetched(topic, request.position, fetched)
        entry.highWatermark = highWatermark
        if (records.length > 0) deliver(entry, records, next)
        else {
          entry.position = next
          if (next >= highWatermark) entry.caughtUpAtMs = askedAtMs
        }
      }
    }
  }

  function deliver(entry: Owned, records: ReturnType<typeof readFetched>['records'], next: number): void {
    const { topic, partition, generation, highWatermark, seeks } = entry
    entry.busySince = performance.now()
    chain([entry], async () => {
      if (generation.lost.aborted) return
      await handlers.onBatch({ topic, partition, records, highWatermark, generation }, control)
      if (entry.seeks === seeks) entry.position = next
      entry.busySince = undefined
      rouse()
    })
  }

  async function fetchLoop(nodeId: string): Promise<void> {
    while (!isStopping) {
      try {
        await fetchFrom(nodeId)
        await yieldToWork()
      } catch (error) {
        if (isStopping) return
        if (isOutOfRange(error)) await opener.explain(owned.all())
        else if (isTransient(error)) await link.recover('fetch', error)
        else throw error
      }
    }
  }

  /** Gives what was just handed over a moment to be done, so that the next fetch asks for it again. */
  async function yieldToWork(): Promise<void> {
    if (owned.all().some(({ busySince }) => busySince !== undefined)) {
      await Promise.race([wake.promise, sleep(FETCH_WAIT_BUSY_MS)])
    }
  }

  async function watchTopics(): Promise<void> {
    const loops = new Set<string>()
    while (!isStopping) {
      await link.attempt('topics', opener.checkTopics, () => isStopping)
      for (const topic of topics) {
        for (const { leader } of link.cluster.findTopicPartitionMetadata(topic)) {
          const nodeId = String(leader)
          if (leader < 0 || loops.has(nodeId)) continue
          loops.add(nodeId)
          fetchLoop(nodeId).catch(fail)
        }
      }
      await Promise.race([finish.promise.catch(() => undefined), stopped.promise, sleep(TOPIC_CHECK_MS)])
    }
  }

  const stopped = Promise.withResolvers<void>()
  let stopping: Promise<void> | undefined
  function stop(): Promise<void> {
    isStopping = true
    stopping ??= (async () => {
      stopped.resolve()
      rouse()
      const isDone = await Promise.race([giveUp().then(() => true), sleep(STOP_MS_MAX).then(() => false)])
      if (!isDone) logger('error', 'handlers did not finish when the consumer stopped', { group })
      await membership.leave()
      await link.close()
      finish.resolve({ kind: 'stopped' })
    })()
    return stopping
  }

  async function giveUp(): Promise<void> {
    try {
      await settle()
    } catch (error) {
      finish.reject(error)
    }
    const last = owned.all()
    reassign([], -1, false)
    await Promise.all(last.map(({ work }) => work))
  }

  async function start(): Promise<void> {
    await link.attempt('topics', opener.checkTopics, () => isStopping)
    await Promise.all([membership.run(), watchTopics()])
  }
  start().catch((error: unknown) => {
    if (!isStopping) fail(error)
    else logger('debug', 'ended while stopping', { group, error: nameOf(error) })
  })

  return { control, progress: owned.progress, rebalances: membership.rebalances, finished: finish.promise, stop }
}
