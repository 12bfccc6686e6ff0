import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../../pipelines/kafka/crc32c.ts'
import type { NewRecord } from '../../../pipelines/kafka/port.ts'
import { decodeBatches, encodeBatch } from '../../../pipelines/kafka/record-batch.ts'

/** The client library reads and writes batches too, by code of its own. */
const library = createRequire(import.meta.url)
const LibraryDecoder = library('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object
const libraryBatch = library('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<{ firstSequence: number; producerId: string; producerEpoch: number; records: LibraryRecord[] }>

type LibraryRecord = {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | null | (Buffer | null)[]>
}

const META = { producerId: 2n ** 40n, producerEpoch: 3, firstSequence: 2_000_000_000, now: 1_700_000_000_000 }
const TIME_MAX = 4e12
const RUNS = 40

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const value = fc.oneof(bytes, fc.string({ unit: 'binary', maxLength: 200 }))
const record: fc.Arbitrary<NewRecord> = fc.record({
  partition: fc.constant(0),
  key: fc.option(value),
  value: fc.option(value),
  headers: fc.dictionary(
    // The library takes a header of the name of a method of all objects for one that is there twice.
    fc.string({ unit: 'binary', maxLength: 20 }).map((name) => `h${name}`),
    fc.oneof(value, fc.array(value, { minLength: 2 })),
    {
      maxKeys: 4,
      noNullPrototype: true,
    },
  ),
  timestampMs: fc.integer({ min: 0, max: TIME_MAX }),
})

function asBuffer(given: Buffer | string | null): Buffer | null {
  return typeof given === 'string' ? Buffer.from(given) : given
}

/** A record as a reader has it. */
function asRead({ key, value: given, headers = {}, timestampMs }: NewRecord, offset: number) {
  const read = Object.entries(headers).map(([name, one]) => [
    name,
    Array.isArray(one) ? (one as (Buffer | string)[]).map(asBuffer) : asBuffer((one ?? null) as Buffer | string | null),
  ])
  return { offset, key: asBuffer(key), value: asBuffer(given), headers: Object.fromEntries(read), timestampMs }
}

describe('a record batch', () => {
  it('that is written here is read by the library, and read back here', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 20 }), async (records) => {
        const batch = await encodeBatch(records, META)
        const wanted = records.map(asRead)
        const {
          producerId,
          producerEpoch,
          firstSequence,
          records: read,
        } = await libraryBatch(new LibraryDecoder(batch))
        expect([producerId, producerEpoch, firstSequence]).toEqual([`${2n ** 40n}`, 3, 2_000_000_000])
        expect(
          read.map(({ offset, key, value: one, headers, timestamp }) => ({
            offset: Number(offset),
            key,
            value: one,
            headers,
            timestampMs: Number(timestamp),
          })),
        ).toEqual(wanted)
        expect(decodeBatches(batch)).toEqual({ records: wanted, next: records.length })
      }),
      { numRuns: RUNS },
    )
  })

  it('gives a record without a time the present, and keeps a header without a value', async () => {
    const records = [{ partition: 0, key: null, value: null, headers: { empty: undefined } }]
    const read = decodeBatches(await encodeBatch(records, META))
    expect(read?.records).toEqual([
      { offset: 0, key: null, value: null, headers: { empty: undefined }, timestampMs: META.now },
    ])
    expect(Object.keys(read?.records[0]?.headers ?? {})).toEqual(['empty'])
  })

  it('keeps headers of whatever name', async () => {
    const headers = Object.fromEntries(['__proto__', 'toString', 'constructor', ''].map((name) => [name, name]))
    const read = decodeBatches(await encodeBatch([{ partition: 0, key: null, value: null, headers }], META))
    expect(Object.entries(read?.records[0]?.headers ?? {}).map(([name, given]) => [name, String(given)])).toEqual(
      Object.entries(headers),
    )
  })

  it('is read behind another, from its own offset, and not where it is cut off', async () => {
    const one = await encodeBatch([{ partition: 0, key: 'a', value: 'b' }], META)
    const two = Buffer.from(one)
    two.writeBigInt64BE(2n ** 40n, 0)
    // Records at its end were compacted away.
    two.writeInt32BE(5, 23)
    const read = decodeBatches(Buffer.concat([one, two, one.subarray(0, -1)]))
    expect(read?.records.map(({ offset }) => offset)).toEqual([0, 2 ** 40])
    expect(read?.next).toBe(2 ** 40 + 6)
    expect(decodeBatches(one.subarray(0, 69))).toEqual({ records: [], next: undefined })
  })

  it.each([
    ['compressed', 1],
    ['part of a transaction', 16],
    ['a marker', 32],
  ])('that is %s is left to the library', async (_what, attributes) => {
    const batch = await encodeBatch([{ partition: 0, key: 'a', value: 'b' }], META)
    batch.writeInt16BE(attributes, 21)
    expect(decodeBatches(batch)).toBeUndefined()
  })
})

describe('its checksum', () => {
  it('is that of the standard', () => {
    const digits = Buffer.from('123456789')
    expect(crc32c(digits, 0, digits.length)).toBe(0xe3069283)
    const zeros = Buffer.alloc(32)
    expect(crc32c(zeros, 0, zeros.length)).toBe(0x8a9136aa)
  })

  it('is that of the library, from anywhere to anywhere', () => {
    const libraryCrc = library('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (given: Buffer) => number
    fc.assert(
      fc.property(bytes, fc.nat(40), (given, from) => {
        const start = Math.min(from, given.length)
        expect(crc32c(given, start, given.length)).toBe(libraryCrc(given.subarray(start)))
      }),
    )
  })
})
