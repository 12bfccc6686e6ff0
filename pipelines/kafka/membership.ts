import { groupCodec } from './client.ts'
import { RECONNECT_MS_MIN } from './connect.ts'
import { isTransient, type Link, nameOf, sleep } from './link.ts'
import type { CommitOutcome, Logger, Position, TopicPartition } from './port.ts'
import { assignSticky } from './sticky.ts'
import type { WireBroker } from './wire.ts'

const ASSIGNER = 'foreshock-sticky'
/** Beats in a session: three may be lost. A beat is how a member hears that the group changes, so it is soon, too. */
const BEATS_PER_SESSION = 4
const BEAT_MS_MAX = 1000
/** Share of the time for forming the group that finishing work in flight may take. */
const SETTLE_SHARE = 0.5

const GONE = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID', 'MEMBER_ID_REQUIRED'])
const MOVED = new Set(['NOT_COORDINATOR_FOR_GROUP', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'GROUP_LOAD_IN_PROGRESS'])

type Hooks = {
  /** Finish what is in flight. Waited for within bounds. */
  settle(): Promise<void>
  /** The group is formed; `isUnbroken` if this member has missed no generation since the last time. */
  joined(generation: number, partitions: readonly TopicPartition[], isUnbroken: boolean): void
  /** The group goes on without this member. */
  lost(reason: string): void
  /** What this member owns. */
  owned(): readonly TopicPartition[]
  /** Work has been going on for so long that the partitions should go to somebody else. */
  isStuck(): boolean
}

export type Membership = {
  /** Takes part in the group until `leave`; rejects where Kafka refuses for good. */
  run(): Promise<void>
  /** Whether the coordinator has confirmed the membership within the session timeout, and the group is not being formed. */
  isConfirmed(): boolean
  isRebalancing(): boolean
  /** Asks the coordinator, unless it was asked a short while ago. */
  beat(): Promise<void>
  commit(positions: readonly Position[], metadata: (topic: string) => string): Promise<CommitOutcome>
  rebalances(): number
  leave(): Promise<void>
}

export type MembershipOptions = {
  readonly link: Link
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly logger: Logger
  readonly hooks: Hooks
}

/** Membership of a consumer group: joins, beats, joins again when the group changes. */
export function createMembership(options: MembershipOptions): Membership {
  const { link, group, topics, sessionTimeoutMs, rebalanceTimeoutMs, logger, hooks } = options
  const beatMs = Math.min(sessionTimeoutMs / BEATS_PER_SESSION, BEAT_MS_MAX)
  const groupId = group
  let memberId = ''
  let generation = -1
  let coordinator: WireBroker | undefined
  /** `forming` from the moment the old generation is given up until the new one is known. */
  let state: 'out' | 'forming' | 'stable' = 'out'
  let isRebalancing = false
  let confirmedAt = Number.NEGATIVE_INFINITY
  let askedAt = Number.NEGATIVE_INFINITY
  let formed = 0
  let isLeaving = false
  let wake = (): void => {}

  function drop(reason: string): void {
    if (state !== 'out') logger('warn', 'Kafka membership is lost', { group, generation, reason })
    state = 'out'
    memberId = ''
    generation = -1
    isRebalancing = false
    hooks.lost(reason)
  }

  async function findCoordinator(): Promise<WireBroker> {
    await link.ready(topics)
    coordinator = await link.cluster.findGroupCoordinator({ groupId })
    return coordinator
  }

  /** One beat. A failure of the connection is left to the next one, the rest is noted. */
  async function ask(): Promise<void> {
    const sentAt = performance.now()
    askedAt = sentAt
    const asked = generation
    try {
      const broker = coordinator ?? (await findCoordinator())
      await broker.heartbeat({ groupId, memberId, groupGenerationId: asked })
      if (asked === generation) confirmedAt = sentAt
    } catch (error) {
      const name = nameOf(error)
      if (asked !== generation || state !== 'stable') return
      if (name === 'REBALANCE_IN_PROGRESS') {
        confirmedAt = sentAt
        isRebalancing = true
      } else if (GONE.has(name)) drop(name)
      else if (isTransient(error) || MOVED.has(name)) {
        coordinator = undefined
        await link.recover('heartbeat', error)
      } else throw error
    }
  }

  async function beat(): Promise<void> {
    if (state === 'stable' && performance.now() - askedAt >= beatMs) await ask()
  }

  /** Beats until the group is formed anew, or is left. */
  async function stay(): Promise<void> {
    while (state === 'stable' && !isRebalancing && !isLeaving) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, askedAt + beatMs - performance.now()))
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (hooks.isStuck()) {
        logger('error', 'a batch has been in work for too long: no more heartbeats', { group, generation })
        await sleep(beatMs)
      } else if (!isLeaving) await beat()
    }
  }

  /** Finishes what is in flight, with the heart beating, for as long as the others can wait. */
  async function settle(): Promise<void> {
    let isSettled = false
    const settled = hooks.settle().finally(() => {
      isSettled = true
    })
    const until = performance.now() + rebalanceTimeoutMs * SETTLE_SHARE
    while (!isSettled && performance.now() < until && state === 'stable') {
      await Promise.race([settled, sleep(Math.min(beatMs, until - performance.now()))])
      if (!isSettled) await beat()
    }
    if (!isSettled) {
      logger('error', 'work in flight was not finished before the group is formed anew', { group, generation })
      settled.catch(() => undefined)
    } else await settled
  }

  async function join(): Promise<void> {
    const broker = coordinator ?? (await findCoordinator())
    await link.ready(topics)
    const before = generation
    const userData = Buffer.from(JSON.stringify({ generation, owned: hooks.owned().map(nameOfPartition) }))
    if (state === 'stable') state = 'forming'
    const joined = await broker.joinGroup({
      groupId,
      memberId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      groupProtocols: [{ name: ASSIGNER, metadata: groupCodec.encodeMember(topics, userData) }],
    })
    memberId = joined.memberId
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? await assign(joined.members) : []
    const sentAt = performance.now()
    const synced = await broker.syncGroup({ groupId, memberId, generationId: joined.generationId, groupAssignment })
    generation = joined.generationId
    confirmedAt = sentAt
    askedAt = sentAt
    isRebalancing = false
    state = 'stable'
    formed++
    const assignment = groupCodec.decodeAssignment(synced.memberAssignment)
    const partitions = Object.entries(assignment).flatMap(([topic, list]) =>
      list.map((partition) => ({ topic, partition })),
    )
    logger('info', 'Kafka group is formed', { group, generation, isLeader, partitions: partitions.length })
    hooks.joined(generation, partitions, before >= 0 && generation === before + 1)
  }

  async function assign(members: readonly { memberId: string; memberMetadata: Buffer }[]) {
    await link.cluster.refreshMetadata()
    const all = topics.flatMap((topic) =>
      link.cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => partitionId)
        .toSorted((a, b) => a - b)
        .map((partition) => nameOfPartition({ topic, partition })),
    )
    const known = members.map(({ memberId: id, memberMetadata }) => ({
      id,
      ...readUserData(groupCodec.decodeMember(memberMetadata).userData),
    }))
    return [...assignSticky(known, all)].map(([id, partitions]) => {
      const byTopic: Record<string, number[]> = {}
      for (const name of partitions) {
        const at = name.lastIndexOf('/')
        const list = (byTopic[name.slice(0, at)] ??= [])
        list.push(Number(name.slice(at + 1)))
      }
      return { memberId: id, memberAssignment: groupCodec.encodeAssignment(byTopic) }
    })
  }

  async function run(): Promise<void> {
    while (!isLeaving) {
      try {
        if (state === 'stable') await settle()
        if (isLeaving) break
        await join()
        await stay()
      } catch (error) {
        const name = nameOf(error)
        if (isLeaving) break
        if (GONE.has(name)) drop(name)
        else if (MOVED.has(name) || isTransient(error)) {
          coordinator = undefined
          if (name !== 'REBALANCE_IN_PROGRESS') await link.recover('join', error)
        } else if (name !== 'REBALANCE_IN_PROGRESS') throw error
      }
    }
  }

  async function commit(positions: readonly Position[], metadata: (topic: string) => string): Promise<CommitOutcome> {
    if (state === 'out') return 'fenced'
    const topicsOf = Map.groupBy(positions, ({ topic }) => topic)
    const asked = generation
    try {
      const broker = coordinator ?? (await findCoordinator())
      await broker.offsetCommit({
        groupId,
        memberId,
        groupGenerationId: asked,
        topics: [...topicsOf].map(([topic, list]) => ({
          topic,
          partitions: list.map(({ partition, offset }) => ({
            partition,
            offset: String(offset),
            metadata: metadata(topic),
          })),
        })),
      })
      return 'committed'
    } catch (error) {
      const name = nameOf(error)
      if (GONE.has(name)) return 'fenced'
      if (name === 'REBALANCE_IN_PROGRESS' || MOVED.has(name) || isTransient(error)) return 'unavailable'
      throw error
    }
  }

  async function leave(): Promise<void> {
    isLeaving = true
    wake()
    const id = memberId
    if (id === '' || coordinator === undefined) return
    // A coordinator that is away notices by itself, after the session timeout.
    await Promise.race([
      coordinator.leaveGroup({ groupId, memberId: id }).catch(() => undefined),
      sleep(RECONNECT_MS_MIN),
    ])
  }

  return {
    run,
    beat,
    commit,
    leave,
    isConfirmed: () => state === 'stable' && performance.now() - confirmedAt < sessionTimeoutMs,
    isRebalancing: () => isRebalancing || state !== 'stable',
    rebalances: () => formed,
  }
}

export function nameOfPartition({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** What a member says of itself; nothing where another kind of member is in the group. */
function readUserData(bytes: Buffer): { owned: string[]; generation: number } {
  try {
    return JSON.parse(bytes.toString('utf8')) as { owned: string[]; generation: number }
  } catch {
    return { owned: [], generation: -1 }
  }
}
