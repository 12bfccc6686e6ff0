import { crc32c } from './crc32c.ts'
import type { Headers, KafkaRecord, NewRecord } from './port.ts'

/**
 * Kafka's record batches (version 2 of its format), written and read here because intake and workers spend most of their
 * time on them: the library makes several objects of each field.
 *
 * A batch: base offset (8 bytes), length of what follows (4), leader epoch (4), version (1), checksum of what follows (4),
 * attributes (2), last offset delta (4), first and largest timestamp (8 each), producer id (8), epoch (2), first sequence (4),
 * number of records (4), records. A record is: length, attributes, timestamp delta, offset delta, key, value, headers; all
 * numbers there are zigzag varints, and -1 is the length of what is null.
 */

const HEADER_BYTES = 61
const BEHIND_LENGTH = 12
const AT_LENGTH = 8
const AT_VERSION = 16
const AT_CHECKSUM = 17
const AT_ATTRIBUTES = 21
const AT_LAST_DELTA = 23
const AT_FIRST_TIME = 27
const AT_LARGEST_TIME = 35
const AT_PRODUCER_ID = 43
const AT_PRODUCER_EPOCH = 51
const AT_SEQUENCE = 53
const AT_COUNT = 57
const VERSION = 2
const COMPRESSION_BITS = 0x07
const APPEND_TIME_BIT = 0x08
const TRANSACTION_BIT = 0x10
const CONTROL_BIT = 0x20
const GZIP = 1
const VARINT_BYTES_MAX = 9
/** Characters up to which a text is written one by one. */
const SHORT_TEXT = 48
const NO_HEADERS: Headers = {}

export type BatchMeta = {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly firstSequence: number
  /** Compresses the records, where they are to be. */
  readonly gzip?: ((bytes: Buffer) => Promise<Buffer>) | undefined
  /** The time of records that bring none. */
  readonly now: number
}

/** Records as a batch of one partition, ready to be sent. */
export async function encodeBatch(records: readonly NewRecord[], meta: BatchMeta): Promise<Buffer> {
  let first = Number.POSITIVE_INFINITY
  let largest = 0
  let room = HEADER_BYTES
  for (const record of records) {
    const time = record.timestampMs ?? meta.now
    first = Math.min(first, time)
    largest = Math.max(largest, time)
    room += roomFor(record)
  }
  let batch: Buffer = Buffer.allocUnsafe(room)
  const writer = new Writer(batch, HEADER_BYTES)
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    writer.record(record, i, (record.timestampMs ?? meta.now) - first)
  }
  batch = batch.subarray(0, writer.at)
  if (meta.gzip !== undefined) {
    batch = Buffer.concat([batch.subarray(0, HEADER_BYTES), await meta.gzip(batch.subarray(HEADER_BYTES))])
  }
  batch.writeBigInt64BE(0n, 0)
  batch.writeInt32BE(batch.length - BEHIND_LENGTH, AT_LENGTH)
  batch.writeInt32BE(0, BEHIND_LENGTH)
  batch.writeInt8(VERSION, AT_VERSION)
  batch.writeInt16BE(meta.gzip === undefined ? 0 : GZIP, AT_ATTRIBUTES)
  batch.writeInt32BE(records.length - 1, AT_LAST_DELTA)
  batch.writeBigInt64BE(BigInt(first), AT_FIRST_TIME)
  batch.writeBigInt64BE(BigInt(largest), AT_LARGEST_TIME)
  batch.writeBigInt64BE(meta.producerId, AT_PRODUCER_ID)
  batch.writeInt16BE(meta.producerEpoch, AT_PRODUCER_EPOCH)
  batch.writeInt32BE(meta.firstSequence, AT_SEQUENCE)
  batch.writeInt32BE(records.length, AT_COUNT)
  batch.writeUInt32BE(crc32c(batch, AT_ATTRIBUTES, batch.length), AT_CHECKSUM)
  return batch
}

/** Bytes that a record takes at most: a character of a text takes up to three. */
function roomFor({ key, value, headers }: NewRecord): number {
  let bytes = 6 * VARINT_BYTES_MAX + 1 + bytesMax(key) + bytesMax(value)
  for (const name in headers) {
    const given = headers[name] ?? ''
    const one = 3 * name.length + 2 * VARINT_BYTES_MAX
    if (isList(given)) for (const each of given) bytes += one + bytesMax(each)
    else bytes += one + bytesMax(given)
  }
  return bytes
}

function bytesMax(value: Buffer | string | null): number {
  if (value === null) return 0
  return typeof value === 'string' ? 3 * value.length : value.length
}

function isList(value: Buffer | string | readonly (Buffer | string)[]): value is readonly (Buffer | string)[] {
  return Array.isArray(value)
}

class Writer {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  record({ key, value, headers = NO_HEADERS }: NewRecord, offsetDelta: number, timeDelta: number): void {
    // The length comes first and is known last: room for the longest that a record of this size can have.
    const start = this.at
    this.at += VARINT_BYTES_MAX
    const body = this.at
    this.#bytes[this.at++] = 0
    this.#number(timeDelta)
    this.#number(offsetDelta)
    this.#sized(key)
    this.#sized(value)
    this.#headers(headers)
    const end = this.at
    this.at = start
    this.#number(end - body)
    this.#bytes.copyWithin(this.at, body, end)
    this.at += end - body
  }

  #headers(headers: Headers): void {
    let count = 0
    for (const name in headers) {
      const given = headers[name]
      count += given !== undefined && isList(given) ? given.length : 1
    }
    this.#number(count)
    for (const name in headers) {
      const given = headers[name]
      if (given === undefined || !isList(given)) this.#header(name, given ?? null)
      else for (const each of given) this.#header(name, each)
    }
  }

  #header(name: string, value: Buffer | string | null): void {
    this.#sized(name)
    this.#sized(value)
  }

  #sized(value: Buffer | string | null): void {
    if (value === null) {
      this.#number(-1)
    } else if (typeof value === 'string') {
      if (value.length <= SHORT_TEXT && this.#ascii(value)) return
      const length = Buffer.byteLength(value)
      this.#number(length)
      this.#bytes.write(value, this.at, length)
      this.at += length
    } else {
      this.#number(value.length)
      this.#bytes.set(value, this.at)
      this.at += value.length
    }
  }

  /** Writes a short text of ASCII alone, as keys and headers are, for which a call out of JavaScript would take longer. */
  #ascii(value: string): boolean {
    const bytes = this.#bytes
    const { length } = value
    const start = this.at
    this.#number(length)
    let at = this.at
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) {
        this.at = start
        return false
      }
      bytes[at++] = code
    }
    this.at = at
    return true
  }

  /** A whole number as a zigzag varint. Times need more than the 32 bits of the bitwise operators. */
  #number(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    while (rest > 0x7f) {
      this.#bytes[this.at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#bytes[this.at++] = rest
  }
}

/** What the batches of an answer hold. */
export type DecodedBatches = {
  readonly records: readonly KafkaRecord[]
  /** Offset behind the last batch, whatever it still holds; undefined where there is no whole batch. */
  readonly next: number | undefined
}

/**
 * Reads batches as they lie behind each other; the last may be cut off. Undefined where one is compressed, part of a
 * transaction or of an older format: for those the library has the rules.
 */
export function decodeBatches(bytes: Buffer): DecodedBatches | undefined {
  const records: KafkaRecord[] = []
  let next: number | undefined
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + BEHIND_LENGTH + bytes.readInt32BE(at + AT_LENGTH)
    if (end > bytes.length) break
    const attributes = bytes.readInt16BE(at + AT_ATTRIBUTES)
    const isPlain = (attributes & (COMPRESSION_BITS | TRANSACTION_BIT | CONTROL_BIT)) === 0
    if (bytes[at + AT_VERSION] !== VERSION || !isPlain) return undefined
    const base = Number(bytes.readBigInt64BE(at))
    const firstTime = Number(bytes.readBigInt64BE(at + AT_FIRST_TIME))
    const appendTime =
      (attributes & APPEND_TIME_BIT) === 0 ? undefined : Number(bytes.readBigInt64BE(at + AT_LARGEST_TIME))
    const reader = new Reader(bytes, at + HEADER_BYTES)
    for (let left = bytes.readInt32BE(at + AT_COUNT); left > 0; left--) {
      records.push(reader.record(base, firstTime, appendTime))
    }
    next = base + bytes.readInt32BE(at + AT_LAST_DELTA) + 1
    at = end
  }
  return { records, next }
}

/** Sets a property whatever its name, `__proto__` too: names come from anybody. */
function setOwn(headers: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') headers[name] = value
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
}

class Reader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  record(base: number, firstTime: number, appendTime: number | undefined): KafkaRecord {
    const length = this.#number()
    const end = this.#at + length
    this.#at++
    const time = firstTime + this.#number()
    const offset = base + this.#number()
    const key = this.#sized()
    const value = this.#sized()
    const headers = this.#headers()
    this.#at = end
    return { offset, key, value, headers, timestampMs: appendTime ?? time }
  }

  #headers(): Headers {
    const count = this.#number()
    if (count <= 0) return NO_HEADERS
    const headers: Record<string, Buffer | Buffer[] | undefined> = {}
    for (let left = count; left > 0; left--) {
      const length = this.#number()
      const name = this.#bytes.toString('utf8', this.#at, this.#at + length)
      this.#at += length
      const value = this.#sized() ?? undefined
      const before = Object.hasOwn(headers, name) ? headers[name] : undefined
      if (before === undefined || value === undefined) setOwn(headers, name, before ?? value)
      else headers[name] = Array.isArray(before) ? [...before, value] : [before, value]
    }
    return headers
  }

  #sized(): Buffer | null {
    const length = this.#number()
    if (length < 0) return null
    const from = this.#at
    this.#at += length
    return this.#bytes.subarray(from, this.#at)
  }

  #number(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++]!
    let value = byte & 0x7f
    for (let factor = 0x80; byte >= 0x80; factor *= 0x80) {
      byte = bytes[this.#at++]!
      value += (byte & 0x7f) * factor
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
