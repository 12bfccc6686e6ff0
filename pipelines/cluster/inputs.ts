import { isUtf8 } from 'node:buffer'
import { type Decoded, decodeBytes, decodeValue, EVENT_BYTES_MAX } from '../../features/events/decode.ts'
import type { KafkaRecord } from '../kafka/port.ts'
import { headerText } from './headers.ts'

/**
 * Input topics and how their records are read: our events as JSON, or CloudEvents in structured mode (the same JSON under
 * a content type) or in binary mode (attributes in `ce_` headers, data as the value).
 */

export type InputTopic = {
  readonly topic: string
  readonly format: InputFormat
  /** Whose topic it is. Without one every event must name its tenant. */
  readonly tenant?: string | undefined
}

export const INPUT_FORMATS = ['json', 'cloudevents'] as const
export type InputFormat = (typeof INPUT_FORMATS)[number]

/** A record of an input topic, as far as decoding looks at it. */
export type InputRecord = Pick<KafkaRecord, 'value' | 'headers'>

/** What decoding made of a record, and whose it is; '' where that is not known. */
export type DecodedInput = { readonly tenant: string; readonly decoded: Decoded }

const CE_PREFIX = 'ce_'
const CE_ATTRIBUTES = ['id', 'source', 'type', 'time', 'subject', 'tenant'] as const

export function decodeInput(input: InputTopic, record: InputRecord): DecodedInput {
  const { value } = record
  if (value === null) return refused(input, 'not_json', 'the record has no value')
  if (input.format === 'cloudevents' && record.headers[`${CE_PREFIX}id`] !== undefined) {
    return decodeBinaryMode(input, value, record.headers)
  }
  if (input.tenant !== undefined) return { tenant: input.tenant, decoded: decodeBytes(value, input.tenant) }
  const tenant = tenantOf(value)
  if (tenant === undefined)
    return refused(input, 'wrong_tenant', 'the topic has no tenant of its own and the event names none')
  return { tenant, decoded: decodeBytes(value, tenant) }
}

/** CloudEvents' Kafka binding, binary mode. Other attributes are the platform's own and say nothing of a borrower. */
function decodeBinaryMode(input: InputTopic, value: Uint8Array, headers: InputRecord['headers']): DecodedInput {
  if (value.length > EVENT_BYTES_MAX) {
    return refused(input, 'too_long', `${value.length} bytes, at most ${EVENT_BYTES_MAX}`)
  }
  if (!isUtf8(value)) return refused(input, 'not_utf8', 'the bytes are not UTF-8')
  const event: Record<string, unknown> = {}
  for (const name of CE_ATTRIBUTES) {
    const text = headerText(headers, `${CE_PREFIX}${name}`)
    if (text !== undefined) event[name] = text
  }
  try {
    event['data'] = JSON.parse(textOf(value))
  } catch (error) {
    return refused(input, 'not_json', (error as Error).message)
  }
  const tenant = input.tenant ?? (typeof event['tenant'] === 'string' ? event['tenant'] : undefined)
  if (tenant === undefined)
    return refused(input, 'wrong_tenant', 'the topic has no tenant of its own and ce_tenant is missing')
  return { tenant, decoded: decodeValue(event, tenant) }
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

function refused(input: InputTopic, reason: Extract<Decoded, { ok: false }>['reason'], detail: string): DecodedInput {
  return { tenant: input.tenant ?? '', decoded: { ok: false, reason, detail } }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
