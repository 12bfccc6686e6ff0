import avro from 'avsc'
import { AvroCursor } from './avro-cursor.ts'
import { dateOf, decimalOf, finite, Misfit, millisOf, misfitAt, put } from './exact.ts'

/**
 * Records in Avro's binary encoding (specification 1.12), as the values that the same event would have in JSON. avsc reads
 * the schema. The bytes are read here, because avsc's reader believes the counts in them: six bytes kept it busy for seconds.
 */

type Read = (cursor: AvroCursor) => unknown

/** A type that means more than its bytes: what the schema says of it is kept beside the type of the bytes. */
class Meant extends avro.types.LogicalType {
  readonly scale: number

  constructor(schema: avro.Schema, options?: unknown) {
    super(schema, options)
    const { scale } = schema as { scale?: unknown }
    this.scale = typeof scale === 'number' ? scale : 0
  }
}

const MEANT = [
  'date',
  'decimal',
  'timestamp-micros',
  'timestamp-nanos',
  'local-timestamp-millis',
  'local-timestamp-micros',
  'local-timestamp-nanos',
]

/**
 * Makes the reader of a schema, given as its JSON text; `references` are the schemas whose names it uses, each after those
 * that it uses itself. Throws an `Error` for a schema that is none. The reader throws `Misfit`.
 */
export function compileAvro(schema: string, references: readonly string[]): (payload: Uint8Array) => unknown {
  const options = {
    registry: {},
    wrapUnions: 'always' as const,
    logicalTypes: Object.fromEntries(MEANT.map((name) => [name, Meant])),
  }
  for (const reference of references) avro.Type.forSchema(parse(reference), options)
  const read = readerOf(avro.Type.forSchema(parse(schema), options), new Map())
  return (payload) => {
    const cursor = new AvroCursor(payload)
    const value = read(cursor)
    cursor.end()
    return value
  }
}

function parse(schema: string): avro.Schema {
  return JSON.parse(schema) as avro.Schema
}

function readerOf(type: avro.Type, known: Map<avro.Type, Read>): Read {
  const found = known.get(type)
  if (found !== undefined) return found
  // A record may contain itself, so it has a reader before its fields have theirs.
  known.set(type, (cursor) => (known.get(type) as Read)(cursor))
  const made = makeReader(type, known)
  known.set(type, made)
  return made
}

function makeReader(type: avro.Type, known: Map<avro.Type, Read>): Read {
  switch (type.typeName) {
    case 'null':
      return () => undefined
    case 'boolean':
      return (cursor) => cursor.byte() !== 0
    case 'int':
    case 'long':
      return (cursor) => cursor.integer()
    case 'float':
      return (cursor) => finite(cursor.float())
    case 'double':
      return (cursor) => finite(cursor.double())
    case 'string':
      return (cursor) => cursor.text()
    case 'bytes':
      return (cursor) => cursor.take(cursor.integer()).toString('base64')
    case 'fixed': {
      const { size } = type as avro.types.FixedType
      return (cursor) => cursor.take(size).toString('base64')
    }
    case 'enum': {
      const { symbols } = type as avro.types.EnumType
      return (cursor) => oneOf(symbols, cursor, 'symbol')
    }
    case 'record':
    case 'error':
      return recordReader(type as avro.types.RecordType, known)
    case 'array': {
      const item = readerOf((type as avro.types.ArrayType).itemsType, known)
      return (cursor) => cursor.nested(() => readArray(cursor, item))
    }
    case 'map': {
      const value = readerOf((type as unknown as { valuesType: avro.Type }).valuesType, known)
      return (cursor) => cursor.nested(() => readMap(cursor, value))
    }
    case 'union:wrapped': {
      const branches = (type as avro.types.WrappedUnionType).types.map((one) => readerOf(one, known))
      return (cursor) => oneOf(branches, cursor, 'branch')(cursor)
    }
    default:
      if (type instanceof Meant) return meantReader(type, known)
      throw new Error(`${type.typeName} is no type of Avro`)
  }
}

function oneOf<Choice>(choices: readonly Choice[], cursor: AvroCursor, what: string): Choice {
  const index = cursor.integer()
  const choice = choices[index]
  if (choice === undefined) throw new Misfit('not_by_schema', `there is no ${what} ${index}`)
  return choice
}

function recordReader({ fields }: avro.types.RecordType, known: Map<avro.Type, Read>): Read {
  const readers = fields.map(({ name, type }) => ({ name, read: readerOf(type, known) }))
  return (cursor) =>
    cursor.nested(() => {
      const record: Record<string, unknown> = {}
      for (const { name, read } of readers) {
        try {
          put(record, name, read(cursor))
        } catch (error) {
          throw misfitAt(error, name)
        }
      }
      return record
    })
}

function readArray(cursor: AvroCursor, item: Read): unknown[] {
  const items: unknown[] = []
  cursor.blocks(() => items.push(item(cursor) ?? null))
  return items
}

function readMap(cursor: AvroCursor, value: Read): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  cursor.blocks(() => put(map, cursor.text(), value(cursor)))
  return map
}

function meantReader(type: Meant, known: Map<avro.Type, Read>): Read {
  const { scale, underlyingType } = type
  const meaning = type.typeName.slice('logical:'.length)
  const below = `${meaning} of ${underlyingType.typeName}`
  switch (below) {
    case 'decimal of bytes':
      return (cursor) => decimalOf(cursor.take(cursor.integer()), scale)
    case 'decimal of fixed': {
      const { size } = underlyingType as avro.types.FixedType
      return (cursor) => decimalOf(cursor.take(size), scale)
    }
    case 'date of int':
      return (cursor) => dateOf(cursor.integer())
    case 'timestamp-micros of long':
      return (cursor) => millisOf(cursor.long(), 1000n)
    case 'timestamp-nanos of long':
      return (cursor) => millisOf(cursor.long(), 1_000_000n)
    default:
      if (meaning.startsWith('local-')) throw new Error(`${meaning} has no time zone: use timestamp-millis`)
      return readerOf(underlyingType, known)
  }
}
