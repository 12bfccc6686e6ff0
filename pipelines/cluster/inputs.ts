import { isUtf8 } from 'node:buffer'
import {
  type Decoded,
  type DecodeReason,
  decodeBytes,
  decodeValue,
  EVENT_BYTES_MAX,
} from '../../features/events/decode.ts'
import type { KafkaRecord } from '../kafka/port.ts'
import { Misfit, type MisfitReason } from '../registry/exact.ts'
import { NO_SCHEMAS, REGISTRY_FORMATS, type RegistryFormat, type Schemas } from '../registry/schemas.ts'
import { headerText } from './headers.ts'

/**
 * Input topics and how their records are read: our events as JSON, or CloudEvents in structured mode (the same JSON under
 * a content type) or in binary mode (attributes in `ce_` headers, data as the value); or the same, whole or in binary mode,
 * in Avro or Protobuf by a schema of a registry.
 */

export type InputTopic = {
  readonly topic: string
  readonly format: InputFormat
  /** Whose topic it is. Without one every event must name its tenant. */
  readonly tenant?: string | undefined
}

export const INPUT_FORMATS = ['json', 'cloudevents', ...REGISTRY_FORMATS] as const
export type InputFormat = (typeof INPUT_FORMATS)[number]

/** A record of an input topic, as far as decoding looks at it. */
export type InputRecord = Pick<KafkaRecord, 'value' | 'headers'>

/** Why a record was refused before it was an event. */
export type RecordReason = DecodeReason | MisfitReason | 'wrong_magic_byte' | 'unknown_schema' | 'unusable_schema'

type RefusedInput = { readonly ok: false; readonly reason: RecordReason; readonly detail: string }

/** What decoding made of a record, and whose it is; '' where that is not known. */
export type DecodedInput = { readonly tenant: string; readonly decoded: Decoded | RefusedInput }

const CE_PREFIX = 'ce_'
const CE_ATTRIBUTES = ['id', 'source', 'type', 'time', 'subject', 'tenant'] as const

/** A record that a registry's serialiser wrote begins with this byte and the schema's id, four bytes. */
const MAGIC_BYTE = 0
const PREFIX_BYTES = 5
/** No registry gives a larger id: the bytes are something else. */
const SCHEMA_ID_MAX = 0x7f_ff_ff_ff

/** Decodes a record. `schemas` holds those of `neededSchemas`. */
export function decodeInput(input: InputTopic, record: InputRecord, schemas: Schemas = NO_SCHEMAS): DecodedInput {
  const { value } = record
  const { format } = input
  if (value === null)
    return refused(input, isByRegistry(format) ? 'not_by_schema' : 'not_json', 'the record has no value')
  const isBinaryMode = format !== 'json' && record.headers[`${CE_PREFIX}id`] !== undefined
  if (isByRegistry(format)) {
    const read = readBySchema(format, value, schemas)
    if (!read.ok) return refused(input, read.reason, read.detail)
    return decodeParsed(input, isBinaryMode ? binaryEvent(record.headers, read.value) : read.value)
  }
  if (isBinaryMode) return decodeBinaryMode(input, value, record.headers)
  if (input.tenant !== undefined) return { tenant: input.tenant, decoded: decodeBytes(value, input.tenant) }
  const tenant = tenantOf(value)
  if (tenant === undefined) return refused(input, 'wrong_tenant', NAMELESS)
  return { tenant, decoded: decodeBytes(value, tenant) }
}

const NAMELESS = 'the topic has no tenant of its own and the event names none'

/** Ids of the schemas that records of a topic were written by. */
export function neededSchemas(input: InputTopic, records: readonly InputRecord[]): Set<number> {
  const ids = new Set<number>()
  if (!isByRegistry(input.format)) return ids
  for (const { value } of records) {
    const id = value === null ? undefined : schemaIdOf(value)
    if (id !== undefined && id <= SCHEMA_ID_MAX) ids.add(id)
  }
  return ids
}

export function isByRegistry(format: InputFormat): format is RegistryFormat {
  return (REGISTRY_FORMATS as readonly string[]).includes(format)
}

function schemaIdOf(value: Buffer): number | undefined {
  return value.length < PREFIX_BYTES || value[0] !== MAGIC_BYTE ? undefined : value.readUInt32BE(1)
}

function readBySchema(
  format: RegistryFormat,
  value: Buffer,
  schemas: Schemas,
): { readonly ok: true; readonly value: unknown } | RefusedInput {
  const refuse = (reason: RecordReason, detail: string) => ({
    ok: false as const,
    reason,
    detail: detail.slice(0, 300),
  })
  if (value.length > EVENT_BYTES_MAX) return refuse('too_long', `${value.length} bytes, at most ${EVENT_BYTES_MAX}`)
  const id = schemaIdOf(value)
  if (id === undefined) return refuse('wrong_magic_byte', 'the value does not begin with a zero and the id of a schema')
  if (id > SCHEMA_ID_MAX) return refuse('unknown_schema', `no registry gives the id ${id}`)
  const schema = schemas.get(id)
  if (schema === undefined) throw new Error(`schema ${id} was not loaded before the record was decoded`)
  if (schema.kind !== 'schema') return refuse(schema.kind, schema.detail)
  if (schema.format !== format)
    return refuse('unusable_schema', `schema ${id} is ${schema.format}, the topic ${format}`)
  try {
    return { ok: true, value: schema.read(value.subarray(PREFIX_BYTES)) }
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    return refuse(error.reason, `schema ${id}: ${error.path.join('.') || 'record'}: ${error.message}`)
  }
}

/** CloudEvents' Kafka binding, binary mode. Other attributes are the platform's own and say nothing of a borrower. */
function decodeBinaryMode(input: InputTopic, value: Uint8Array, headers: InputRecord['headers']): DecodedInput {
  if (value.length > EVENT_BYTES_MAX) {
    return refused(input, 'too_long', `${value.length} bytes, at most ${EVENT_BYTES_MAX}`)
  }
  if (!isUtf8(value)) return refused(input, 'not_utf8', 'the bytes are not UTF-8')
  try {
    return decodeParsed(input, binaryEvent(headers, JSON.parse(textOf(value))))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return refused(input, 'not_json', error.message)
  }
}

function binaryEvent(headers: InputRecord['headers'], data: unknown): Record<string, unknown> {
  const event: Record<string, unknown> = {}
  for (const name of CE_ATTRIBUTES) {
    const text = headerText(headers, `${CE_PREFIX}${name}`)
    if (text !== undefined) event[name] = text
  }
  event['data'] = data
  return event
}

function decodeParsed(input: InputTopic, value: unknown): DecodedInput {
  const named = (value as { tenant?: unknown } | null | undefined)?.tenant
  const tenant = input.tenant ?? (typeof named === 'string' && named !== '' ? named : undefined)
  if (tenant === undefined) return refused(input, 'wrong_tenant', NAMELESS)
  return { tenant, decoded: decodeValue(value, tenant) }
}

/** The tenant that a JSON event names; undefined where there is none, or no JSON. */
function tenantOf(value: Uint8Array): string | undefined {
  try {
    const { tenant } = JSON.parse(textOf(value)) as { tenant?: unknown }
    return typeof tenant === 'string' && tenant !== '' ? tenant : undefined
  } catch {
    // Decoding says what is wrong with it, once it knows whose it is; nobody's is refused all the same.
    return undefined
  }
}

function refused(input: InputTopic, reason: RecordReason, detail: string): DecodedInput {
  return { tenant: input.tenant ?? '', decoded: { ok: false, reason, detail } }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
