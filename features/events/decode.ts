import { isUtf8 } from 'node:buffer'
import type { z } from 'zod'
import { compileCheck, type Noticed, type QuickCheck } from './compile.ts'
import { type Event, incomingEvent } from './contract.ts'

/** Bounds of one event as bytes; beyond them it is refused before it is parsed. */
export const EVENT_BYTES_MAX = 262_144
export const EVENT_DEPTH_MAX = 8
/** So short an event cannot be deep enough to hold up its parsing. */
export const SHALLOW_BYTES_MAX = 4096

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** Why an event was refused by decoding alone, without looking at anything else. */
export type DecodeReason =
  | 'too_long'
  | 'not_utf8'
  | 'not_json'
  | 'not_an_object'
  | 'too_deep'
  | 'forbidden_key'
  | 'unknown_type'
  | 'control_from_outside'
  | 'invalid_field'
  | 'wrong_tenant'

export type Decoded =
  | {
      readonly ok: true
      readonly event: Event
      readonly dropped_fields: number
    }
  | {
      readonly ok: false
      readonly reason: DecodeReason
      readonly detail: string
    }

const CONTROL_TYPES = new Set(['day.closed', 'definitions.published'])

/** Known keys at the top and in `data`, by type, to count what is dropped. */
const DATA_KEYS = new Map<string, ReadonlySet<string>>(
  incomingEvent.options.map((option) => {
    return [option.shape.type.value, new Set(Object.keys(option.shape.data.shape))]
  }),
)
type IncomingEvent = z.output<typeof incomingEvent>

/** For the types that come by the million: what is plainly as the contract says needs no more than these. */
const QUICK_CHECKS: ReadonlyMap<string, QuickCheck<IncomingEvent>> = new Map(
  incomingEvent.options
    .filter((option) => option.shape.type.value !== 'tenant.configured')
    .map((option) => [option.shape.type.value, compileCheck<z.ZodObject>(option) as QuickCheck<IncomingEvent>]),
)
const noticed: Noticed = { has_unknown: false }

/** `specversion`, `datacontenttype`, `dataschema` are CloudEvents' own and carry nothing of the borrower's. */
const ENVELOPE_KEYS = new Set([
  'id',
  'source',
  'type',
  'version',
  'time',
  'tenant',
  'subject',
  'data',
  'specversion',
  'datacontenttype',
  'dataschema',
])

/** Decodes the bytes of one event. An event without a tenant gets `tenant`; one of another tenant is refused. */
export function decodeBytes(bytes: Uint8Array, tenant: string): Decoded {
  if (bytes.length > EVENT_BYTES_MAX) {
    return refuse('too_long', `${bytes.length} bytes, at most ${EVENT_BYTES_MAX}`)
  }
  // JSON.parse takes seconds over megabytes of brackets, so a long event is measured before it is parsed.
  if (bytes.length > SHALLOW_BYTES_MAX && bracketDepth(bytes) > EVENT_DEPTH_MAX) {
    return refuse('too_deep', `nested deeper than ${EVENT_DEPTH_MAX}`)
  }
  if (!isUtf8(bytes)) return refuse('not_utf8', 'the bytes are not UTF-8')
  return decodeText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'), tenant)
}

/** Decodes one event from its JSON text, which is within the bounds or surely harmless: see `decodeBytes`. */
export function decodeText(text: string, tenant: string): Decoded {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refuse('not_json', (error as Error).message)
  }
  return decodeValue(value, tenant)
}

/** Decodes one event from a parsed JSON value, which it may alter (a negative zero becomes zero). */
export function decodeValue(value: unknown, tenant: string): Decoded {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('not_an_object', 'an event is a JSON object')
  }
  const record = value as Record<string, unknown>
  const type = record['type']
  const quickly = typeof type === 'string' ? QUICK_CHECKS.get(type) : undefined
  if (quickly !== undefined) {
    noticed.has_unknown = false
    const event = quickly(value, noticed)
    if (event !== undefined) return accept(event, record, tenant, noticed.has_unknown)
  }
  const flaw = inspect(value, 1)
  if (flaw !== undefined) return flaw
  if (typeof type !== 'string' || !DATA_KEYS.has(type)) {
    if (typeof type === 'string' && CONTROL_TYPES.has(type)) {
      return refuse('control_from_outside', `${type} is made by foreshock alone`)
    }
    return refuse('unknown_type', `type ${JSON.stringify(type)?.slice(0, 80) ?? 'is missing'}`)
  }
  const parsed = incomingEvent.safeParse(value)
  if (!parsed.success) return refuse('invalid_field', describe(parsed.error))
  return accept(parsed.data, record, tenant, true)
}

function accept(event: IncomingEvent, record: Record<string, unknown>, tenant: string, hasUnknown: boolean): Decoded {
  let dropped_fields = 0
  if (hasUnknown) {
    // What is left out is refused all the same where it nests too deep or has a forbidden key.
    const flaw = inspect(record, 1)
    if (flaw !== undefined) return flaw
    const dataKeys = DATA_KEYS.get(event.type) as ReadonlySet<string>
    dropped_fields = unknownKeys(record, ENVELOPE_KEYS) + unknownKeys(record['data'] as object, dataKeys)
  }
  if (event.tenant !== undefined && event.tenant !== tenant) {
    return refuse('wrong_tenant', `the event is of tenant ${event.tenant}, not ${tenant}`)
  }
  return {
    ok: true,
    event: {
      id: event.id,
      source: event.source,
      type: event.type,
      version: event.version,
      time: event.time,
      tenant,
      subject: 'subject' in event ? (event.subject ?? '') : '',
      data: event.data,
    } as Event,
    dropped_fields,
  }
}

/** The canonical JSON of an event's data: sorted keys, no unknown fields, what `events` stores. */
export function canonicalData(event: Event): string {
  return JSON.stringify(event.data)
}

/** Reads canonical JSON back; it was checked when it was written. */
export function restoreData<Data>(json: string): Data {
  return JSON.parse(json) as Data
}

/** Deepest nesting of brackets outside strings. */
function bracketDepth(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let isInString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (isInString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) isInString = false
    } else if (byte === QUOTE) isInString = true
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) deepest = Math.max(deepest, ++depth)
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
  }
  return deepest
}

function inspect(value: object, depth: number): Decoded | undefined {
  if (depth > EVENT_DEPTH_MAX) return refuse('too_deep', `nested deeper than ${EVENT_DEPTH_MAX}`)
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return refuse('forbidden_key', 'the key __proto__ is not allowed')
    const inner = (value as Record<string, unknown>)[key]
    if (typeof inner === 'object' && inner !== null) {
      const flaw = inspect(inner, depth + 1)
      if (flaw !== undefined) return flaw
    } else if (inner === 0) {
      // JSON knows -0, canonical JSON does not: what is computed now must equal what is replayed.
      ;(value as Record<string, unknown>)[key] = 0
    }
  }
  return undefined
}

function unknownKeys(record: object, known: ReadonlySet<string>): number {
  let count = 0
  for (const key of Object.keys(record)) if (!known.has(key)) count++
  return count
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'invalid' : `${issue.path.join('.') || 'event'}: ${issue.message}`.slice(0, 300)
}

function refuse(reason: DecodeReason, detail: string): Decoded {
  return { ok: false, reason, detail: detail.slice(0, 300) }
}
