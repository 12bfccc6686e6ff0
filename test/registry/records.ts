import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import type { InputRecord } from '../../pipelines/cluster/inputs.ts'

/** Records as a registry's serialisers write them: a zero, the schema's id, for Protobuf the message's path, the bytes. */

export const EVENT_AVSC = readFileSync(new URL('../../deploy/schemas/event.avsc', import.meta.url), 'utf8')
export const EVENT_PROTO = readFileSync(new URL('../../deploy/schemas/event.proto', import.meta.url), 'utf8')

const MS_PER_DAY = 86_400_000

export function framed(id: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(id, 1)
  return Buffer.concat([prefix, ...parts.map((part) => Uint8Array.from(part))])
}

export function recordOf(value: Buffer | null, headers: Readonly<Record<string, string>> = {}): InputRecord {
  return { value, headers: Object.fromEntries(Object.entries(headers).map(([k, text]) => [k, Buffer.from(text)])) }
}

export type AvroType = string | readonly AvroType[] | AvroObject
export type AvroObject = {
  readonly type: AvroType
  readonly name?: string
  readonly logicalType?: string
  readonly symbols?: readonly string[]
  readonly items?: AvroType
  readonly fields?: readonly { readonly name: string; readonly type: AvroType }[]
}

/** `loan.disbursed` → `LoanDisbursed`. */
function messageOf(type: string): string {
  return type.replaceAll(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/**
 * An event, as JSON has it, as Avro's writers take it by `event.avsc`: null for what is missing, dates as days, the branch named
 * where a union has several records.
 */
export function avroEvent(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const named = new Map<string, AvroObject>()
  const given = convert(JSON.parse(EVENT_AVSC) as AvroType, event, named) as Record<string, unknown>
  return given

  function convert(type: AvroType, value: unknown, known: Map<string, AvroObject>): unknown {
    if (typeof type === 'string') {
      const before = known.get(type)
      return before === undefined ? value : convert(before, value, known)
    }
    if (Array.isArray(type)) {
      const branches = type as readonly AvroType[]
      for (const one of branches) remember(one, known)
      if (branches[0] === 'null') return value === undefined ? null : convert(branches[1] as AvroType, value, known)
      const name = messageOf(String(event['type']))
      return { [`foreshock.${name}`]: convert(known.get(name) as AvroObject, value, known) }
    }
    const one = type as AvroObject
    remember(one, known)
    if (one.logicalType === 'date') return Date.parse(String(value)) / MS_PER_DAY
    if (one.items !== undefined) {
      remember(one.items, known)
      return (value as unknown[]).map((item) => convert(one.items as AvroType, item, known))
    }
    if (one.fields === undefined) return value
    const fields = value as Record<string, unknown>
    return Object.fromEntries(one.fields.map((field) => [field.name, convert(field.type, fields[field.name], known)]))
  }
}

/** Keeps named types at every depth, because a later one names them. */
function remember(type: AvroType, known: Map<string, AvroObject>): void {
  if (typeof type === 'string') return
  if (Array.isArray(type)) return (type as readonly AvroType[]).forEach((one) => remember(one, known))
  const one = type as AvroObject
  if (one.name !== undefined && one.fields !== undefined) known.set(one.name, one)
  if (one.items !== undefined) remember(one.items, known)
  for (const field of one.fields ?? []) remember(field.type, known)
}

/** An event as `event.proto` has it: the data in the member of its type. */
export function protobufEvent(event: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { data, ...envelope } = event
  return { ...envelope, [String(event['type']).replace('.', '_')]: data }
}

const roots = new Map<string, protobuf.Root>()

/** The bytes of a message by protobufjs, which is given names as they are in the file. */
export function protobufBytes(schema: string, message: string, value: object): Uint8Array {
  const root = roots.get(schema) ?? protobuf.parse(schema, new protobuf.Root(), { keepCase: true }).root
  roots.set(schema, root)
  const type = root.lookupType(message)
  return type.encode(type.fromObject(value)).finish()
}
