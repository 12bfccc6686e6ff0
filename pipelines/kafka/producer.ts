import { promisify } from 'node:util'
import { gzip as gzipWithCallback } from 'node:zlib'
import type { Link } from './link.ts'
import type { NewRecord, Producer } from './port.ts'
import { encodeBatch } from './record-batch.ts'
import { produce } from './record-requests.ts'
import { partitionsByLeader } from './topics.ts'

/** Records and bytes that one request carries at most (more where one call brings more), and that may wait in all. */
const REQUEST_RECORDS_MAX = 8000
const REQUEST_BYTES_MAX = 768 * 1024
const WAITING_BYTES_MAX = 8 * 1024 * 1024
/** What a record costs beside its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 64
const BROKER_TIMEOUT_MS = 15_000
const gzip: (bytes: Buffer) => Promise<Buffer> = promisify(gzipWithCallback)
/** Sequence numbers of a partition count so far and begin again at 0. */
const SEQUENCES = 2 ** 31

type Call = {
  readonly topic: string
  readonly records: readonly NewRecord[]
  readonly bytes: number
  readonly since: number
  resolve(offsets: readonly number[]): void
  reject(error: Error): void
}

/**
 * An idempotent producer. One request is under way at a time, with everything that came in while the one before it was: so
 * records keep their order, and a request whose answer was lost is repeated as it was, which the broker recognises. A failure
 * that leaves it open what was written ends the producer: its sequence numbers could vouch for nothing any more.
 */
export function createProducer(link: Link, compression: 'none' | 'gzip'): Producer {
  const waiting: Call[] = []
  const inFlight: Call[] = []
  const sequences = new Map<string, number>()
  const roomWaiters: (() => void)[] = []
  let waitingBytes = 0
  let id: { readonly producerId: string; readonly producerEpoch: number } | undefined
  let failure: Error | undefined
  let isClosed = false
  let pumping: Promise<void> | undefined

  async function append(topic: string, records: readonly NewRecord[]): Promise<readonly number[]> {
    const bytes = records.reduce((sum, record) => sum + sizeOf(record), 0)
    // In turn: whoever waits for room first goes first.
    while (waitingBytes > 0 && waitingBytes + bytes > WAITING_BYTES_MAX && failure === undefined) {
      await new Promise<void>((resolve) => roomWaiters.push(resolve))
    }
    if (failure !== undefined) throw failure
    if (isClosed) throw new Error('the Kafka producer is closed')
    if (records.length === 0) return []
    waitingBytes += bytes
    return new Promise((resolve, reject) => {
      waiting.push({ topic, records, bytes, since: performance.now(), resolve, reject })
      pumping ??= pump().finally(() => {
        pumping = undefined
      })
    })
  }

  async function pump(): Promise<void> {
    // Calls of the same turn go together.
    await Promise.resolve()
    while (waiting.length > 0 && failure === undefined) {
      takeCalls()
      try {
        const offsets = await send(inFlight)
        for (const [i, call] of inFlight.entries()) call.resolve(offsets[i]!)
      } catch (error) {
        failure = new Error(`Kafka took the records no further: ${(error as Error).message}`, { cause: error })
        for (const call of [...inFlight, ...waiting.splice(0)]) call.reject(failure)
      }
      waitingBytes -= inFlight.splice(0).reduce((sum, { bytes }) => sum + bytes, 0)
      for (const go of roomWaiters.splice(0)) go()
    }
  }

  function takeCalls(): void {
    let records = 0
    let bytes = 0
    while (waiting.length > 0) {
      const next = waiting[0]!
      const isFull = records + next.records.length > REQUEST_RECORDS_MAX || bytes + next.bytes > REQUEST_BYTES_MAX
      if (inFlight.length > 0 && isFull) return
      records += next.records.length
      bytes += next.bytes
      inFlight.push(waiting.shift()!)
    }
  }

  /** Sends the records of some calls, as often as it takes, and returns their offsets. */
  async function send(calls: readonly Call[]): Promise<number[][]> {
    const parts = partition(calls)
    const topics = [...new Set(calls.map(({ topic }) => topic))]
    const pending = new Set(parts.values())
    await link.attempt(
      'produce',
      async () => {
        await link.ready(topics)
        id ??= await (await link.cluster.findControllerBroker()).initProducerId({
          transactionTimeout: BROKER_TIMEOUT_MS,
        })
        await Promise.all(byLeader(pending).map(([nodeId, list]) => request(nodeId, list, pending)))
      },
      () => isClosed,
    )
    for (const part of parts.values()) {
      const next = (sequences.get(part.name) ?? 0) + part.records.length
      sequences.set(part.name, next % SEQUENCES)
    }
    return calls.map(({ topic, records }) => records.map((record) => parts.get(`${topic}/${record.partition}`)!.base++))
  }

  async function request(nodeId: string, parts: readonly Part[], pending: Set<Part>): Promise<void> {
    const broker = await link.cluster.findBroker({ nodeId })
    const batches = await Promise.all(
      parts.map(async (part) => ({ topic: part.topic, partition: part.partition, batch: await batchOf(part) })),
    )
    const answer = await produce(broker, batches, BROKER_TIMEOUT_MS)
    for (const { topicName, partitions } of answer.topics) {
      for (const { partition, baseOffset } of partitions) {
        const part = parts.find((p) => p.topic === topicName && p.partition === partition)!
        part.base = Number(baseOffset)
        pending.delete(part)
      }
    }
  }

  /** A part's batch: made once, as what is repeated must be what was sent. */
  function batchOf(part: Part): Promise<Buffer> {
    part.batch ??= encodeBatch(part.records, {
      producerId: BigInt(id!.producerId),
      producerEpoch: id!.producerEpoch,
      firstSequence: sequences.get(part.name) ?? 0,
      gzip: compression === 'gzip' ? gzip : undefined,
      now: Date.now(),
    })
    return part.batch
  }

  function byLeader(parts: Iterable<Part>): [string, Part[]][] {
    const found = Map.groupBy(
      parts,
      ({ topic, partition }) => [...partitionsByLeader(link, topic, [partition]).keys()][0]!,
    )
    return [...found]
  }

  async function close(): Promise<void> {
    isClosed = true
    await pumping
    await link.close()
  }

  return { append, waitingSince: () => (inFlight[0] ?? waiting[0])?.since, close }
}

/** The records that a request carries for one partition. */
type Part = {
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly records: NewRecord[]
  batch: Promise<Buffer> | undefined
  /** Offset of the first one, once it is known. */
  base: number
}

function partition(calls: readonly Call[]): Map<string, Part> {
  const parts = new Map<string, Part>()
  for (const { topic, records } of calls) {
    for (const record of records) {
      const name = `${topic}/${record.partition}`
      let part = parts.get(name)
      if (part === undefined) {
        part = { name, topic, partition: record.partition, records: [], batch: undefined, base: -1 }
        parts.set(name, part)
      }
      part.records.push(record)
    }
  }
  return parts
}

function sizeOf({ key, value, headers }: NewRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const name in headers) bytes += name.length + lengthOf(headers[name])
  return bytes
}

function lengthOf(value: Buffer | string | readonly (Buffer | string)[] | undefined): number {
  if (value === undefined) return 0
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value.length
  return value.reduce((sum, each) => sum + each.length, 0)
}
