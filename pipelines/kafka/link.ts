import { openCluster } from './client.ts'
import { RECONNECT_MS_MIN } from './connect.ts'
import type { Condition, KafkaOptions, Logger } from './port.ts'
import type { WireCluster } from './wire.ts'

/** A condition of a topic or position, where there is a caller to throw it to. */
export class KafkaConditionError extends Error {
  readonly condition: Condition

  constructor(condition: Condition) {
    super(condition.message)
    this.name = 'KafkaConditionError'
    this.condition = condition
  }
}

type LibraryError = Error & {
  readonly type?: string
  readonly code?: string
  readonly retriable?: boolean
  readonly cause?: unknown
}

/** The error that an error of the library was made of. */
export function rootOf(error: unknown): LibraryError {
  let root = error as LibraryError
  while (root.cause instanceof Error) root = root.cause
  return root
}

/** The protocol's name of an error (`REBALANCE_IN_PROGRESS`), else the library's (`KafkaJSConnectionError`). */
export function nameOf(error: unknown): string {
  const root = rootOf(error)
  return root.type ?? root.name
}

/** What passes by itself: a broker that is away or has handed over its partitions, a topic that is just being made. */
export function isTransient(error: unknown): boolean {
  const root = rootOf(error)
  if (root instanceof KafkaConditionError) return false
  if (root.type !== undefined) return root.retriable === true || root.type === 'UNKNOWN_TOPIC_OR_PARTITION'
  // Of its own errors the library calls some final that are not: a coordinator that is not found, for one.
  if (root.name.startsWith('KafkaJS')) return !FINAL.has(root.name)
  return root.retriable === true || CONNECTION_CODES.has(root.code ?? '')
}

const FINAL = new Set([
  'KafkaJSNonRetriableError',
  'KafkaJSSASLAuthenticationError',
  'KafkaJSNotImplemented',
  'KafkaJSInvariantViolation',
  'KafkaJSUnsupportedMagicByteInMessageSet',
])
const WITHOUT_ANSWER = new Set(['KafkaJSRequestTimeoutError', 'KafkaTryHangs'])
const CONNECTION_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENOTFOUND'])

/**
 * A try that has not come to an end for so long is given up, with its connections: longer than the requests of any one, which
 * have limits of their own, may take together. What still hangs then is a fault of the client library.
 */
const TRY_MS_MAX = 120_000

/** Says what was tried, where nothing else does. */
export class KafkaTryHangs extends Error {
  readonly retriable = true

  constructor(what: string, ms: number) {
    super(`what was tried (${what}) has not come to an end for ${ms} ms`)
    this.name = 'KafkaTryHangs'
  }
}

/** Connections to a cluster for one purpose, with what to do when they fail. */
export type Link = {
  readonly cluster: WireCluster
  /** Connects where that is needed, and knows the topics afterwards. */
  ready(topics: readonly string[]): Promise<void>
  /** Tries again, once a second, what fails in a way that passes, until `isOver`. */
  attempt<T>(what: string, work: () => Promise<T>, isOver?: () => boolean): Promise<T>
  /** After a failure: lets the next try find a good connection and fresh metadata, and waits for its turn. */
  recover(what: string, error: unknown): Promise<void>
  close(): Promise<void>
}

export function openLink(options: KafkaOptions): Link {
  const { cluster, dropAll } = openCluster(options)
  const logger: Logger = options.logger
  let isClosed = false

  async function ready(topics: readonly string[]): Promise<void> {
    await cluster.connect()
    await cluster.addMultipleTargetTopics(topics)
  }

  async function recover(what: string, error: unknown): Promise<void> {
    const root = rootOf(error)
    logger('warn', 'Kafka is tried again', { what, error: root.message, type: nameOf(error) })
    // No answer for so long: what is sent over the same connection would wait as well.
    if (WITHOUT_ANSWER.has(root.name)) dropAll('a request was not answered in time')
    await sleep(RECONNECT_MS_MIN)
    if (!isClosed) await withinLimit('metadata', cluster.refreshMetadata()).catch(() => undefined)
  }

  /** What is given up may end later: its connections are broken, so that it ends soon, and nobody hears of it. */
  async function withinLimit<T>(what: string, work: Promise<T>): Promise<T> {
    const ms = options.tryTimeoutMs ?? TRY_MS_MAX
    const over = Promise.withResolvers<never>()
    const timer = setTimeout(() => over.reject(new KafkaTryHangs(what, ms)), ms)
    try {
      return await Promise.race([work, over.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  async function attempt<T>(what: string, work: () => Promise<T>, isOver = () => false): Promise<T> {
    for (;;) {
      try {
        return await withinLimit(what, work())
      } catch (error) {
        if (!isTransient(error) || isClosed || isOver()) throw error
        await recover(what, error)
      }
    }
  }

  async function close(): Promise<void> {
    isClosed = true
    await Promise.race([cluster.disconnect(), sleep(RECONNECT_MS_MIN)])
    dropAll('closed')
  }

  return { cluster, ready, attempt, recover, close }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
