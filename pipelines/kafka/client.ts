/**
 * The one door to the client library. What is used of it is its connections and Kafka's protocol (`WireCluster`); how records
 * are produced, consumed and shared among members is up to the files beside this one, for the library's consumer resets
 * positions that are out of range without a word, forgets positions at a rebalance and gives no say before one, and its
 * idempotent producer may lose a record when a request fails while others wait.
 */
import { createRequire } from 'node:module'
import { AssignerProtocol, type Cluster, type KafkaConfig, Kafka as KafkaJs, logLevel } from 'kafkajs'
import { createConnector } from './connect.ts'
import type { KafkaOptions } from './port.ts'
import type { WireCluster, WireFetched, WireGroupCodec, WireMessage } from './wire.ts'

/** A request without an answer for so long has failed, and its connection is dropped. */
const REQUEST_TIMEOUT_MS = 20_000
/** Opening a connection, the wait for its turn included. */
const CONNECT_TIMEOUT_MS = 15_000
/** The library tries some things again by itself before what is here does. */
const INNER_RETRIES = { retries: 3, initialRetryTime: 100, factor: 0, multiplier: 2, maxRetryTime: 1000 }
/** Never joined: the library hands out its connections only to a consumer's assigner. */
const NO_GROUP = 'unused'

/** How the library reads the answers to two requests that are written here. */
type AnswerCodec = {
  decode(payload: Buffer): Promise<object>
  parse(decoded: object): Promise<unknown>
}
const library = createRequire(import.meta.url)
export const produceAnswer = library('kafkajs/src/protocol/requests/produce/v7/response.js') as AnswerCodec
export const fetchAnswer = library('kafkajs/src/protocol/requests/fetch/v11/response.js') as AnswerCodec

type Filter = new (
  topic: string,
  fetchedOffset: string,
  partition: WireFetched['partitions'][number],
) => {
  readonly messages: readonly WireMessage[]
}
/** The library's own rule for what a reader may see of transactions. */
const CommittedBatch = library('kafkajs/src/consumer/batch.js') as Filter

/** Connections of its own to the cluster, and a way to break them all. */
export function openCluster(options: KafkaOptions): { cluster: WireCluster; dropAll: (reason: string) => void } {
  const connector = createConnector()
  const { brokers, clientId, ssl, sasl, requestTimeoutMs, logger } = options
  const kafka = new KafkaJs({
    brokers: [...brokers],
    clientId,
    requestTimeout: requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    retry: INNER_RETRIES,
    socketFactory: connector.open,
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, broker, error } = entry.log
      // An error of the library is tried again here, or ends the call that made it.
      logger('debug', message, { of: entry.namespace, broker: broker as unknown, error: error as unknown })
    },
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
  })
  const found: Cluster[] = []
  kafka.consumer({
    groupId: NO_GROUP,
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found.push(cluster)
        return { name: NO_GROUP, version: 0, assign: () => Promise.resolve([]), protocol: () => NO_STATE }
      },
    ],
  })
  const [cluster] = found
  if (cluster === undefined) throw new Error('the Kafka client has handed out no connections')
  quietTimers(cluster as unknown as Pools)
  return { cluster: cluster as unknown as WireCluster, dropAll: connector.dropAll }
}

type Queue = { readonly pending: readonly object[]; throttledUntil: number; scheduleCheckPendingRequests(): void }
type Pools = {
  readonly connectionPoolBuilder: {
    build(to?: object): Promise<{ readonly pool: readonly { readonly requestQueue: Queue }[] }>
  }
}

/**
 * After every answer the library sets a timer for requests that wait for their turn, with a time far in the past where none
 * does: of that Node warns. Here it is set when something waits.
 */
function quietTimers({ connectionPoolBuilder }: Pools): void {
  const build = connectionPoolBuilder.build
  connectionPoolBuilder.build = async (to) => {
    const pool = await build(to)
    for (const { requestQueue } of pool.pool) {
      const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
      requestQueue.scheduleCheckPendingRequests = () => {
        if (requestQueue.pending.length > 0 || requestQueue.throttledUntil > Date.now()) schedule()
      }
    }
    return pool
  }
}

const NO_STATE = { name: NO_GROUP, metadata: Buffer.alloc(0) }

/** What a reader of committed records sees of what was fetched from `offset` on: no markers, nothing that was aborted. */
export function visibleMessages(
  topic: string,
  offset: number,
  partition: WireFetched['partitions'][number],
): readonly WireMessage[] {
  return new CommittedBatch(topic, String(offset), partition).messages
}

export const groupCodec: WireGroupCodec = {
  encodeMember: (topics, userData) =>
    AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [...topics], userData }),
  decodeMember: (bytes) => {
    const { topics, userData } = AssignerProtocol.MemberMetadata.decode(bytes) ?? NO_MEMBER
    return { topics, userData }
  },
  encodeAssignment: (assignment) =>
    AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: { ...assignment }, userData: Buffer.alloc(0) }),
  // A member that is given nothing gets no bytes at all.
  decodeAssignment: (bytes) => AssignerProtocol.MemberAssignment.decode(bytes)?.assignment ?? {},
}

const NO_MEMBER = { topics: [], userData: Buffer.alloc(0) }
