import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { businessEvents } from '../../../features/events/contract.ts'
import { decodeInput, type InputFormat, neededSchemas } from '../../../pipelines/cluster/inputs.ts'
import { createRegistryClient } from '../../../pipelines/registry/client.ts'
import { createSchemaSource, type SchemaSource } from '../../../pipelines/registry/schemas.ts'
import { randomEvents } from '../../registry/random-events.ts'
import {
  type AvroObject,
  avroEvent,
  EVENT_AVSC,
  EVENT_PROTO,
  framed,
  protobufBytes,
  protobufEvent,
  recordOf,
} from '../../registry/records.ts'
import { startRegistry, type TestRegistry } from '../../registry/server.ts'

const AVRO = 1
const PROTOBUF = 2
const EVENT = {
  id: '1',
  source: 's',
  type: 'transaction.posted',
  time: 1_735_689_600_000,
  subject: 'b',
  data: { account: 'a', direction: 'in', currency: 'CNY', amount_minor: 5 },
}
const ACCEPTED = { ok: true, dropped_fields: 0, event: { ...EVENT, tenant: 'acme', version: 1 } }

let registry: TestRegistry
let writer: SchemaRegistry
let source: SchemaSource

beforeAll(async () => {
  registry = await startRegistry()
  registry.schemas.set(AVRO, { schema: EVENT_AVSC })
  registry.schemas.set(PROTOBUF, { schema: EVENT_PROTO, schemaType: 'PROTOBUF' })
  writer = new SchemaRegistry({ host: registry.url })
  source = createSchemaSource({ fetchSchema: createRegistryClient({ url: registry.url, timeoutMs: 2000 }) })
})
afterAll(async () => {
  source.close()
  await registry.close()
})

let lastId = 100
function register(schema: string | object, schemaType: 'AVRO' | 'PROTOBUF' = 'AVRO'): number {
  registry.schemas.set(++lastId, { schema: typeof schema === 'string' ? schema : JSON.stringify(schema), schemaType })
  return lastId
}

async function decode(format: InputFormat, value: Buffer | null, headers: Record<string, string> = {}) {
  const input = { topic: 't', format, tenant: 'acme' } as const
  const record = recordOf(value, headers)
  const schemas = await source.load(neededSchemas(input, [record]), new AbortController().signal)
  return decodeInput(input, record, schemas).decoded
}

const readProtobuf = (schema: string, ...bytes: (Uint8Array | number[])[]) =>
  decode('protobuf', framed(register(schema, 'PROTOBUF'), ...bytes))
const readAvro = async (schema: object, value: object) => {
  const id = register(schema)
  return decode('avro', await writer.encode(id, value))
}
const ofAvro = (fields: object[], name = 'E') => ({ type: 'record', name, namespace: 'n', fields })

describe('a topic by a schema registry', () => {
  it('gives the event that JSON gives, in Avro and in Protobuf, whatever the event', async () => {
    const { types, event } = randomEvents(JSON.parse(EVENT_AVSC) as AvroObject)
    const accepted = new Map<string, number>()
    const property = fc.asyncProperty(event, async (one) => {
      const expected = await decode('json', Buffer.from(JSON.stringify(one)))
      expect(await decode('avro', await writer.encode(AVRO, avroEvent(one)))).toEqual(expected)
      const bytes = protobufBytes(EVENT_PROTO, 'foreshock.Event', protobufEvent(one))
      expect(await decode('protobuf', framed(PROTOBUF, [0], bytes))).toEqual(expected)
      if (expected.ok) accepted.set(expected.event.type, (accepted.get(expected.event.type) ?? 0) + 1)
    })
    // A failure prints its seed.
    await fc.assert(property, { numRuns: 500 })
    expect([...accepted.keys()].sort()).toEqual([...types].sort())
  }, 60_000)

  it('is read in Avro as whatever schema it was written by', async () => {
    const long = (logicalType: string) => ({ type: 'long', logicalType })
    const decoded = await readAvro(
      ofAvro([
        { name: 'id', type: 'string' },
        { name: 'source', type: { type: 'fixed', name: 'F', size: 3 } },
        { name: 'type', type: ['null', 'string'] },
        { name: 'time', type: long('timestamp-micros') },
        { name: 'subject', type: ['null', 'string'] },
        { name: 'tenant', type: ['null', 'string'] },
        {
          name: 'data',
          type: ofAvro(
            [
              { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['litigation', 'enforcement'] } },
              { name: 'reported_at', type: long('timestamp-nanos') },
              { name: 'amount_minor', type: { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 } },
              {
                name: 'value',
                type: ['null', { type: 'fixed', name: 'D', size: 4, logicalType: 'decimal', scale: 3 }],
              },
              { name: 'more', type: { type: 'map', values: ['null', 'int'] } },
            ],
            'Data',
          ),
        },
      ]),
      {
        id: 'x',
        source: Buffer.from([0, 1, 2]),
        type: 'signal.reported',
        time: 1_735_689_600_000_999,
        subject: null,
        tenant: null,
        data: {
          kind: 'enforcement',
          reported_at: 1_000_001_999_999,
          amount_minor: Buffer.from([0xff, 0x38]),
          value: Buffer.from([0, 0, 0, 125]),
          more: { a: 1 },
        },
      },
    )
    expect(decoded).toMatchObject({
      ok: true,
      dropped_fields: 1,
      event: {
        source: 'AAEC',
        time: 1_735_689_600_000,
        subject: '',
        data: { kind: 'enforcement', reported_at: 1_000_001, amount_minor: -2, value: 0.125 },
      },
    })
  })

  it('is read in Protobuf by the path of its message, with imports, wrappers, decimals and what is not written', async () => {
    const schema = `syntax = "proto3"; package a.b;
      import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto"; import "confluent/type/decimal.proto";
      enum Kind { litigation = 0; enforcement = 1; }
      message Other { int64 id = 1; message Not { string id = 1; } message Signal {
        string id = 1; string source = 2; string type = 3; google.protobuf.Timestamp time = 4; Data data = 6; } }
      message Data { Kind kind = 1; google.protobuf.Timestamp reported_at = 2; confluent.type.Decimal amount_minor = 3;
        google.protobuf.DoubleValue value = 4; optional string reference = 5; string unused = 6; }`
    const time = { seconds: 1_735_689_600, nanos: 1_999_999 }
    const known = schema
      .replaceAll(/import "[^"]+";/g, '')
      .replaceAll('google.protobuf.Timestamp', 'T')
      .replaceAll('google.protobuf.DoubleValue', 'V')
      .replaceAll('confluent.type.Decimal', 'C')
    const others = `message T { int64 seconds = 1; int32 nanos = 2; } message V { double value = 1; }
      message C { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`
    const data = { reported_at: time, amount_minor: { value: Buffer.from([1, 0]), scale: 0 }, value: { value: 0 } }
    const signal = { id: 'x', source: 's', type: 'signal.reported', time, data }
    const bytes = protobufBytes(`${known} ${others}`, 'a.b.Other.Signal', signal)
    // The second message of the first one: two steps, 0 and 1, each doubled by the zigzag.
    expect(await readProtobuf(schema, [4, 0, 2], bytes)).toMatchObject({
      ok: true,
      dropped_fields: 0,
      event: {
        time: 1_735_689_600_001,
        data: { kind: 'litigation', reported_at: 1_735_689_600_001, amount_minor: 256, value: 0 },
      },
    })
    for (const path of [[4, 0, 4], [2, 8], [2, 1], [40, 0], [255]]) {
      expect(await readProtobuf(schema, path, bytes)).toMatchObject({ ok: false, reason: 'not_by_schema' })
    }
  })

  it('reads CloudEvents in binary mode, data as the value', async () => {
    const { data, ...attributes } = EVENT
    const headers = Object.fromEntries(
      Object.entries({ ...attributes, time: '2025-01-01T00:00:00Z' }).map(([k, v]) => [`ce_${k}`, v]),
    )
    const fields = 'account direction currency'.split(' ').map((name) => ({ name, type: 'string' }))
    const id = register(ofAvro([...fields, { name: 'amount_minor', type: 'long' }], 'Transaction'))
    expect(await decode('avro', await writer.encode(id, data), headers)).toEqual(ACCEPTED)
    const bytes = protobufBytes(EVENT_PROTO, 'foreshock.TransactionPosted', data)
    const at = EVENT_PROTO.split(/^message /m).findIndex((text) => text.startsWith('TransactionPosted')) - 1
    expect(await decode('protobuf', framed(PROTOBUF, [2, at * 2], bytes), headers)).toEqual(ACCEPTED)
  })

  it('follows references of schemas', async () => {
    registry.subjects.set('data', {
      schema: JSON.stringify(
        ofAvro(
          [
            ...'account direction currency'.split(' ').map((name) => ({ name, type: 'string' })),
            { name: 'amount_minor', type: 'n.Money' },
          ],
          'Data',
        ),
      ),
      references: [{ name: 'n.Money', subject: 'money/1', version: 1 }],
    })
    registry.subjects.set('money/1', { schema: '{"type":"fixed","name":"n.Money","size":2,"logicalType":"decimal"}' })
    const envelope = ['id', 'source', 'type', 'subject'].map((name) => ({ name, type: 'string' }))
    const id = register(ofAvro([...envelope, { name: 'time', type: 'long' }, { name: 'data', type: 'n.Data' }]))
    const references = [{ name: 'n.Data', subject: 'data', version: 1 }]
    registry.schemas.set(id, { ...(registry.schemas.get(id) as { schema: string }), references })
    const data = { ...EVENT.data, amount_minor: Buffer.from([0, 5]) }
    expect(await decode('avro', await writer.encode(id, { ...EVENT, data }))).toEqual(ACCEPTED)

    registry.subjects.set('proto', { schema: EVENT_PROTO.replace('message Event', 'message Unused') })
    const main = `syntax = "proto3"; package foreshock; import "parts.proto"; message Signal {
      string id = 1; string source = 2; string type = 3; int64 time = 4; string subject = 5; TransactionPosted data = 6; }`
    const proto = register(main, 'PROTOBUF')
    registry.schemas.set(proto, {
      schema: main,
      schemaType: 'PROTOBUF',
      references: [{ name: 'parts.proto', subject: 'proto', version: 1 }],
    })
    const whole = `${EVENT_PROTO} ${main.slice(main.indexOf('message'))}`
    const bytes = protobufBytes(whole, 'foreshock.Signal', EVENT)
    expect(await decode('protobuf', framed(proto, [0], bytes))).toEqual(ACCEPTED)
  })
})

describe('the example schemas', () => {
  it('have no field that the contract lacks, and all that it requires', () => {
    const data = (JSON.parse(EVENT_AVSC) as AvroObject).fields?.find(({ name }) => name === 'data')
    for (const { name = '', fields = [] } of (data as { type: readonly AvroObject[] }).type) {
      const type = Object.keys(businessEvents).find((one) => one.replaceAll(/[._]/g, '') === name.toLowerCase())
      const shape: Readonly<Record<string, z.ZodType>> = businessEvents[type as keyof typeof businessEvents].shape
      const names = fields.map((field) => field.name)
      expect(Object.keys(shape)).toEqual(expect.arrayContaining(names))
      const required = Object.entries(shape).filter(([, field]) => !field.safeParse(undefined).success)
      expect(names).toEqual(expect.arrayContaining(required.map(([key]) => key)))
    }
  })
})

describe('a record by a schema registry is refused', () => {
  const amount = (type: unknown) => ofAvro([{ name: 'data', type: ofAvro([{ name: 'amount_minor', type }], 'D') }])

  it('when an amount cannot be kept exactly, and says which', async () => {
    const beyond = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]
    const id = register(amount('long'))
    const inexact = { ok: false, reason: 'inexact_number', detail: expect.stringContaining(': data.amount_minor: ') }
    expect(await decode('avro', framed(id, beyond))).toMatchObject(inexact)
    const largest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]
    expect(await decode('avro', framed(id, largest))).toMatchObject({ ok: false, reason: 'unknown_type' })
    const decimal = { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 2 }
    expect(
      await readAvro(amount(decimal), { data: { amount_minor: Buffer.from('0de0b6b3a7640019', 'hex') } }),
    ).toMatchObject(inexact)
    const schema = 'syntax = "proto3"; message E { message D { uint64 amount_minor = 1; } D data = 1; }'
    const bytes = protobufBytes(schema, 'E', { data: { amount_minor: '9007199254740992' } })
    expect(await readProtobuf(schema, [0], bytes)).toMatchObject(inexact)
  })

  it.each([
    ['nothing', 'avro', null, 'not_by_schema'],
    ['JSON', 'avro', Buffer.from('{"id":"1"}'), 'wrong_magic_byte'],
    ['four bytes', 'protobuf', Buffer.alloc(4), 'wrong_magic_byte'],
    ['an id that nobody gave', 'avro', framed(77, [0]), 'unknown_schema'],
    ['an id that nobody gives', 'avro', framed(0xff_ff_ff_ff, [0]), 'unknown_schema'],
    ['a schema of the other format', 'protobuf', framed(AVRO, [0]), 'unusable_schema'],
    ['too much', 'avro', framed(AVRO, Buffer.alloc(300_000)), 'too_long'],
    ['too little', 'avro', framed(AVRO, [2]), 'not_by_schema'],
    ['nothing after the id', 'protobuf', framed(PROTOBUF), 'not_by_schema'],
    ['a wire type that there is not', 'protobuf', framed(PROTOBUF, [0, 0x0f]), 'not_by_schema'],
  ] as const)('when it is %s', async (_, format, value, reason) => {
    expect(await decode(format, value)).toMatchObject({ ok: false, reason })
  })

  it.each([
    [
      'a count of more items than bytes',
      { type: 'array', items: 'null' },
      [0xfe, 0xff, 0xff, 0xff, 0x0f, 2],
      'not_by_schema',
    ],
    ['a branch that the union has not', ['null', 'int'], [4], 'not_by_schema'],
    ['a symbol that the enum has not', { type: 'enum', name: 'S', symbols: ['a'] }, [2], 'not_by_schema'],
    ['bytes left over', 'int', [2, 2], 'not_by_schema'],
    ['an integer without end', 'int', Array(11).fill(0xff) as number[], 'not_by_schema'],
    ['a number that is none', 'float', [0, 0, 0xc0, 0x7f], 'not_by_schema'],
    ['text that is not UTF-8', 'string', [2, 0xff], 'not_utf8'],
    ['a text of negative length', 'string', [1], 'not_by_schema'],
    [
      'a key that sets a prototype',
      { type: 'map', values: 'int' },
      [2, 18, ...Buffer.from('__proto__'), 2, 0],
      'forbidden_key',
    ],
    ['a date that there is not', { type: 'int', logicalType: 'date' }, [0xfe, 0xff, 0xff, 0xff, 0x0f], 'not_by_schema'],
  ] as const)('in Avro for %s', async (_, type, bytes, reason) => {
    const decoded = await decode('avro', framed(register(ofAvro([{ name: 'f', type }])), bytes))
    expect(decoded).toMatchObject({ ok: false, reason })
  })

  it('in Avro for what nests without end', async () => {
    const id = register(ofAvro([{ name: 'again', type: ['null', 'n.E'] }]))
    expect(await decode('avro', framed(id, Buffer.alloc(200_000, 2)))).toMatchObject({
      ok: false,
      reason: 'not_by_schema',
    })
  })

  it('in Protobuf for text that is not UTF-8, an unknown symbol, two members of a oneof', async () => {
    const schema = 'syntax = "proto3"; enum K { a = 0; } message E { oneof o { string s = 1; K k = 2; } }'
    for (const [bytes, reason] of [
      [[10, 1, 0xff], 'not_utf8'],
      [[16, 1], 'not_by_schema'],
      [[10, 1, 65, 16, 0], 'not_by_schema'],
    ] as const) {
      expect(await readProtobuf(schema, [0], [...bytes])).toMatchObject({ ok: false, reason })
    }
  })

  it.each([
    ['is no JSON', 'AVRO', '{'],
    ['names a type that there is not', 'AVRO', '"Absent"'],
    ['has instants without a zone', 'AVRO', '{"type":"long","logicalType":"local-timestamp-millis"}'],
    ['is no file of Protobuf', 'PROTOBUF', 'message'],
    ['imports what it does not bring', 'PROTOBUF', 'syntax = "proto3"; import "x.proto"; message E { X x = 1; }'],
    ['is JSON Schema', 'JSON', '{}'],
  ] as const)('when its schema %s', async (_, type, text) => {
    const id = register(text)
    registry.schemas.set(id, { schema: text, schemaType: type })
    const format = type === 'PROTOBUF' ? 'protobuf' : 'avro'
    expect(await decode(format, framed(id, [0]))).toMatchObject({ ok: false, reason: 'unusable_schema' })
  })
})
