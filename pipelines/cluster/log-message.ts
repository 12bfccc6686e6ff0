import type { Event } from '../../features/events/contract.ts'
import { restoreData } from '../../features/events/decode.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { borrowerHash } from '../../features/hash.ts'
import type { LogShape } from '../intake/items.ts'
import { OWN_SOURCE, type Prepared } from '../intake/prepare.ts'
import type { KafkaRecord } from '../kafka/port.ts'
import { headerBytes, headerText } from './headers.ts'

/**
 * How a record of the log lies in Kafka. The value is the event as JSON, its envelope first and `data`, in canonical form,
 * last; what intake adds is in the headers. The place of a record is its Kafka partition and offset.
 */

const HEADERS = {
  sourcePartition: 'source_partition',
  sourcePosition: 'source_position',
  receivedAt: 'received_at',
  /** Hashes of identity and content, as four unsigned 32-bit numbers, big end first. */
  hashes: 'hashes',
  traceparent: 'traceparent',
} as const
const HASH_BYTES = 16
const DATA_MARK = ',"data":'

/** What intake appends. */
export type LogEntry = Prepared & {
  readonly event: Event
  readonly received_at: number
  readonly source_partition: string
  /** Undefined where the source has no positions that rise: a repeat is then told by its id alone. */
  readonly source_position: number | undefined
  /** W3C trace context of the input, carried on to the warning. */
  readonly traceparent?: string | undefined
}

export type LogMessage = {
  readonly partition: number
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string | Buffer>>
}

/** A record as it was read from the log, with what the worker needs besides. */
export type ReadEntry = {
  readonly record: LogRecord
  readonly data: string
  readonly hashes: Uint32Array
  /** Whether positions of its source rise, so that what lies not above the largest is a repeat. */
  readonly isPositioned: boolean
  readonly traceparent: string | undefined
}

/** Partition of a borrower's records. */
export function partitionOf(tenant: string, subject: string, { partitions }: Pick<LogShape, 'partitions'>): number {
  return borrowerHash(tenant, subject) % partitions
}

export function toMessage(entry: LogEntry, partition: number): LogMessage {
  const { event } = entry
  const { id, source, type, version, time, tenant, subject } = event
  const envelope = JSON.stringify({ id, source, type, version, time, tenant, subject })
  const headers: Record<string, string | Buffer> = {
    [HEADERS.sourcePartition]: entry.source_partition,
    [HEADERS.receivedAt]: String(entry.received_at),
  }
  if (entry.source_position !== undefined) headers[HEADERS.sourcePosition] = String(entry.source_position)
  if (entry.source_partition !== OWN_SOURCE) headers[HEADERS.hashes] = hashBytes(entry.hashes)
  if (entry.traceparent !== undefined) headers[HEADERS.traceparent] = entry.traceparent
  return {
    partition,
    key: subject === '' ? '' : `${tenant}\u0000${subject}`,
    value: `${envelope.slice(0, -1)}${DATA_MARK}${entry.data}}`,
    headers,
  }
}

/** A message of the log that foreshock did not write, or wrote otherwise: the log is damaged, and nobody may guess. */
export class DamagedLog extends Error {}

/** Reads a message of the log back. Throws `DamagedLog` for one that `toMessage` did not make. */
export function readMessage(partition: number, message: Pick<KafkaRecord, 'offset' | 'value' | 'headers'>): ReadEntry {
  const { offset, headers } = message
  const damaged = (what: string) => new DamagedLog(`the log record at ${partition}/${offset} ${what}`)
  if (message.value === null) throw damaged('has no value')
  const text = Buffer.from(message.value.buffer, message.value.byteOffset, message.value.length).toString('utf8')
  const mark = text.indexOf(DATA_MARK)
  const sourcePartition = headerText(headers, HEADERS.sourcePartition)
  const receivedAt = Number(headerText(headers, HEADERS.receivedAt) ?? Number.NaN)
  if (mark < 0 || sourcePartition === undefined || !Number.isSafeInteger(receivedAt)) {
    throw damaged('is not one of foreshock: does another program write to this topic?')
  }
  const data = text.slice(mark + DATA_MARK.length, -1)
  const envelope = JSON.parse(`${text.slice(0, mark)}}`) as Omit<Event, 'data'>
  const position = headerText(headers, HEADERS.sourcePosition)
  return {
    record: {
      partition,
      offset,
      received_at: receivedAt,
      source_partition: sourcePartition,
      source_position: position === undefined ? offset : Number(position),
      // The contract checked the event before intake appended it.
      event: { ...envelope, data: restoreData(data) } as Event,
    },
    data,
    hashes: readHashes(headerBytes(headers, HEADERS.hashes)),
    isPositioned: position !== undefined && sourcePartition !== OWN_SOURCE,
    traceparent: headerText(headers, HEADERS.traceparent),
  }
}

function hashBytes(hashes: Uint32Array): Buffer {
  const bytes = Buffer.allocUnsafe(HASH_BYTES)
  for (let k = 0; k < 4; k++) bytes.writeUInt32BE(hashes[k] as number, k * 4)
  return bytes
}

function readHashes(header: Uint8Array | undefined): Uint32Array {
  const hashes = new Uint32Array(4)
  if (header === undefined || header.length !== HASH_BYTES) return hashes
  const view = new DataView(header.buffer, header.byteOffset, HASH_BYTES)
  for (let k = 0; k < 4; k++) hashes[k] = view.getUint32(k * 4)
  return hashes
}
