import { isUtf8 } from 'node:buffer'
import protobuf from 'protobufjs'
import { decimalOf, finite, integerOf, Misfit, millisOf, misfitAt, put } from './exact.ts'

/**
 * Records in Protobuf's encoding, each after the path of its message in the schema's file, as the values that the same event
 * would have in JSON: fields by their names in the file, a `oneof` as the field of its name. protobufjs reads schema and bytes.
 */

/** What the registry's own programs know without being told: a decimal, and options that say nothing of the bytes. */
const DECIMAL = `syntax = "proto3"; package confluent.type; message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }`
const PATH_LENGTH_MAX = 16

export type ProtobufReference = { readonly name: string; readonly schema: string }

type Fields = Record<string, unknown>
type Read = (value: unknown) => unknown
type FieldReader = {
  /** As it is called in the file. */
  readonly name: string
  /** The field of ours: that of the `oneof` that it is in, if any. */
  readonly key: string
  readonly read: Read
  /** What a field has that is not in the bytes: nothing, or where zeros are not written the zero. */
  readonly absent: unknown
}
type MessageReader = (fields: Fields) => unknown

/**
 * Makes the reader of a schema, given as the text of its `.proto` file, with the files that it imports. Throws an `Error` for
 * a schema that is none. The reader throws `Misfit`.
 */
export function compileProtobuf(
  schema: string,
  references: readonly ProtobufReference[],
): (payload: Uint8Array) => unknown {
  const root = new protobuf.Root()
  const file = protobuf.parse(schema, root, { keepCase: true })
  const scope = file.package === undefined ? root : root.lookup(file.package)
  // Only this file's messages have numbers, also where another file has the same package.
  const messages = messagesOf(scope as protobuf.NamespaceBase)
  const imported = new Set([...(file.imports ?? []), ...(file.weakImports ?? [])])
  for (const reference of references) {
    const { imports = [] } = protobuf.parse(reference.schema, root, { keepCase: true })
    for (const name of imports) imported.add(name)
  }
  for (const { name } of references) imported.delete(name)
  for (const name of imported) addKnown(root, name)
  root.resolveAll()
  const known = new Map<protobuf.Type, MessageReader>()
  return (payload) => {
    const { path, body } = readPath(payload)
    const type = messageAt(messages, path)
    return readerOf(type, known)(decode(type, body))
  }
}

function messagesOf(scope: protobuf.NamespaceBase): protobuf.Type[] {
  return scope.nestedArray.filter((one) => one instanceof protobuf.Type)
}

/** Adds a file that nobody has to register. */
function addKnown(root: protobuf.Root, name: string): void {
  if (name === 'confluent/type/decimal.proto') protobuf.parse(DECIMAL, root, { keepCase: true })
  const nested = protobuf.common.get(name)?.nested
  if (nested !== undefined) root.addJSON(nested)
}

/** The path comes first: its length and its steps, as zigzag varints; a length of 0 stands for the first message. */
function readPath(payload: Uint8Array): { path: number[]; body: Uint8Array } {
  const reader = protobuf.Reader.create(payload)
  try {
    const length = reader.sint32()
    if (length < 0 || length > PATH_LENGTH_MAX) throw new Misfit('not_by_schema', 'names no message of its schema')
    const path = Array.from({ length }, () => reader.sint32())
    return { path: length === 0 ? [0] : path, body: payload.subarray(reader.pos) }
  } catch (error) {
    throw asMisfit(error)
  }
}

function messageAt(messages: readonly protobuf.Type[], path: readonly number[]): protobuf.Type {
  let among = messages
  let type: protobuf.Type | undefined
  for (const step of path) {
    type = among[step]
    if (type === undefined) throw new Misfit('not_by_schema', `its schema has no message ${path.join('.')}`)
    among = messagesOf(type)
  }
  return type as protobuf.Type
}

function decode(type: protobuf.Type, body: Uint8Array): Fields {
  try {
    const reader = protobuf.Reader.create(body)
    reader.string = readText
    return type.decode(reader) as unknown as Fields
  } catch (error) {
    throw asMisfit(error)
  }
}

/** protobufjs puts replacement characters for what is not UTF-8: the event would be another one. */
function readText(this: protobuf.Reader): string {
  const bytes = this.bytes()
  if (!isUtf8(bytes)) throw new Misfit('not_utf8', 'the bytes are not UTF-8')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

function asMisfit(error: unknown): Misfit {
  return error instanceof Misfit ? error : new Misfit('not_by_schema', (error as Error).message)
}

function readerOf(type: protobuf.Type, known: Map<protobuf.Type, MessageReader>): MessageReader {
  const found = known.get(type)
  if (found !== undefined) return found
  // A message may contain itself, so it has a reader before its fields have theirs.
  known.set(type, (fields) => (known.get(type) as MessageReader)(fields))
  const made = meantReader(type) ?? messageReader(type, known)
  known.set(type, made)
  return made
}

function messageReader(type: protobuf.Type, known: Map<protobuf.Type, MessageReader>): MessageReader {
  const readers = type.fieldsArray.map((field) => fieldReader(field.resolve(), known))
  return (fields) => {
    const value: Fields = {}
    for (const { name, key, read, absent } of readers) {
      try {
        // What was not in the bytes is on the prototype.
        if (!Object.hasOwn(fields, name)) put(value, key, absent)
        else if (key !== name && Object.hasOwn(value, key)) throw new Misfit('not_by_schema', `${key} is there twice`)
        else put(value, key, read(fields[name]))
      } catch (error) {
        throw misfitAt(error, name)
      }
    }
    return value
  }
}

function fieldReader(field: protobuf.Field, known: Map<protobuf.Type, MessageReader>): FieldReader {
  const { name, partOf } = field
  const one = singleReader(field, known)
  if (field.map)
    return {
      name,
      key: name,
      read: mapReader(field as protobuf.FieldBase as protobuf.MapField, one),
      absent: undefined,
    }
  if (field.repeated) return { name, key: name, read: (items) => (items as unknown[]).map(one), absent: undefined }
  const key = partOf === null || partOf.isProto3Optional ? name : partOf.name
  return { name, key, read: one, absent: field.hasPresence ? undefined : zeroOf(field) }
}

/** Of a field whose zero is not written. An empty text says nothing in any field of ours, so it is none. */
function zeroOf({ type, resolvedType }: protobuf.Field): unknown {
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[0]
  if (type === 'string' || type === 'bytes') return undefined
  return type === 'bool' ? false : 0
}

function singleReader(field: protobuf.Field, known: Map<protobuf.Type, MessageReader>): Read {
  const { type, resolvedType } = field
  if (resolvedType instanceof protobuf.Type) {
    const read = readerOf(resolvedType, known)
    return (value) => read(value as Fields)
  }
  if (resolvedType instanceof protobuf.Enum) return (value) => symbolOf(resolvedType, value as number)
  switch (type) {
    case 'bytes':
      return (value) => Buffer.from(value as Uint8Array).toString('base64')
    case 'float':
    case 'double':
      return (value) => finite(value as number)
    case 'int64':
    case 'uint64':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
      return wholeOf
    default:
      return (value) => value
  }
}

function mapReader({ keyType }: protobuf.MapField, one: Read): Read {
  // protobufjs packs such keys into eight characters.
  if (keyType.endsWith('64')) throw new Error(`a map with keys of ${keyType} is not read`)
  return (entries) => {
    const map: Fields = {}
    for (const [key, value] of Object.entries(entries as Fields)) put(map, key, one(value))
    return map
  }
}

/** 64 bits, of which a double holds 53. */
function wholeOf(value: unknown): number {
  return integerOf(bigOf(value))
}

function bigOf(value: unknown): bigint {
  if (typeof value === 'number') return BigInt(value)
  const { low, high, unsigned } = value as protobuf.Long
  const bits = (BigInt(high) << 32n) | BigInt(low >>> 0)
  return unsigned ? BigInt.asUintN(64, bits) : BigInt.asIntN(64, bits)
}

function symbolOf({ valuesById, name }: protobuf.Enum, value: number): string {
  const symbol = valuesById[value]
  if (symbol === undefined) throw new Misfit('not_by_schema', `${name} has no value ${value}`)
  return symbol
}

/** Messages that stand for one value. */
function meantReader({ fullName, fields: declared }: protobuf.Type): MessageReader | undefined {
  switch (fullName) {
    case '.google.protobuf.Timestamp':
      return ({ seconds, nanos }) => millisOf(bigOf(seconds) * 1_000_000_000n + bigOf(nanos), 1_000_000n)
    case '.confluent.type.Decimal':
      return ({ value, scale }) => decimalOf(value as Uint8Array, scale as number)
    case '.google.type.Date':
      return ({ year, month, day }) => dateText(year as number, month as number, day as number)
    default:
  }
  if (!/^\.google\.protobuf\.\w+Value$/.test(fullName) || fullName === '.google.protobuf.ListValue') return undefined
  const { value } = declared
  if (value === undefined) return undefined
  const read = singleReader(value.resolve(), new Map())
  return (fields) => read(fields['value'])
}

function dateText(year: number, month: number, day: number): string {
  const text = (number: number, digits: number) => String(number).padStart(digits, '0')
  return `${text(year, 4)}-${text(month, 2)}-${text(day, 2)}`
}
