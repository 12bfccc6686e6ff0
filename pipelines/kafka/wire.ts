import type { DecodedBatches } from './record-batch.ts'

/** The requests of Kafka's protocol that are used here, as the client library sends them. Offsets travel as decimal text. */

export type WireMessage = {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | Buffer[]>
  readonly isControlRecord: boolean
  readonly batchContext: { readonly inTransaction: boolean; readonly producerId: string }
}

export type WireFetched = {
  readonly topicName: string
  readonly partitions: readonly {
    readonly partition: number
    readonly highWatermark: string
    readonly messages: readonly WireMessage[]
    /** The records where they were read here; `messages` is empty then. */
    readonly plain?: DecodedBatches
  }[]
}

type Group = { readonly groupId: string; readonly memberId: string }

export type WireBroker = {
  readonly connectionPool: { send(exchange: object): Promise<unknown> }
  disconnect(): Promise<void>
  heartbeat(request: Group & { groupGenerationId: number }): Promise<unknown>
  joinGroup(
    request: Group & {
      sessionTimeout: number
      rebalanceTimeout: number
      groupProtocols: readonly { name: string; metadata: Buffer }[]
    },
  ): Promise<{
    generationId: number
    leaderId: string
    memberId: string
    members: readonly { memberId: string; memberMetadata: Buffer }[]
  }>
  syncGroup(
    request: Group & {
      generationId: number
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[]
    },
  ): Promise<{ memberAssignment: Buffer }>
  leaveGroup(request: Group): Promise<unknown>
  offsetCommit(
    request: Group & {
      groupGenerationId: number
      topics: readonly { topic: string; partitions: { partition: number; offset: string; metadata: string }[] }[]
    },
  ): Promise<unknown>
  offsetFetch(request: {
    groupId: string
    topics: readonly { topic: string; partitions: { partition: number }[] }[]
  }): Promise<{
    responses: readonly {
      topic: string
      partitions: readonly { partition: number; offset: string; metadata: string | null }[]
    }[]
  }>
  listOffsets(request: {
    isolationLevel: number
    topics: readonly { topic: string; partitions: { partition: number; timestamp: number }[] }[]
  }): Promise<{
    responses: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]
  }>
  createTopics(request: { topics: readonly object[]; timeout: number }): Promise<unknown>
  deleteTopics(request: { topics: readonly string[]; timeout: number }): Promise<unknown>
  initProducerId(request: { transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>
}

export type WireCluster = {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>
  refreshMetadata(): Promise<void>
  findBroker(node: { nodeId: string }): Promise<WireBroker>
  findControllerBroker(): Promise<WireBroker>
  findGroupCoordinator(group: { groupId: string }): Promise<WireBroker>
  findTopicPartitionMetadata(topic: string): readonly { partitionId: number; leader: number }[]
}

/** The encodings of a group's membership, as every Kafka client has them. */
export type WireGroupCodec = {
  encodeMember(topics: readonly string[], userData: Buffer): Buffer
  decodeMember(bytes: Buffer): { topics: string[]; userData: Buffer }
  encodeAssignment(assignment: Readonly<Record<string, number[]>>): Buffer
  decodeAssignment(bytes: Buffer): Record<string, number[]>
}

export const READ_COMMITTED = 1
export const EARLIEST = -2
export const LATEST = -1
