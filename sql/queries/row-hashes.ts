import { quoteIdentifier, quoteString, type Sql } from '../client.ts'
import { type RowBinaryReader, readRowBinary } from '../row-binary.ts'

/** A table by its key: every row with the hash of all of its cells, and single rows as text. */

/** Columns of a table, with what ClickHouse calls their types. */
export type TableColumn = { readonly name: string; readonly type: string }

export type HashedRow = {
  /** Values of the key, in its order: strings, and numbers (a date is a day number). */
  readonly key: readonly (string | number)[]
  readonly high: number
  readonly low: number
  /** The row was made at a later place than those that are looked at. */
  readonly isLater: boolean
}

/** Which rows are looked at. */
export type RowScope = {
  /** Per partition the first place that is not looked at any more. */
  readonly ends: readonly number[]
  readonly tenant?: string
  /** Rows of later places are given, marked, instead of being left out. */
  readonly withLater?: boolean
}

export async function readColumns(sql: Sql, table: string): Promise<TableColumn[]> {
  return sql.query<TableColumn>(
    `SELECT name, type FROM system.columns
     WHERE database = currentDatabase() AND table = ${quoteString(table)} ORDER BY name`,
  )
}

/** The rows of a table in the order of `key`, which must be its sorting key, piece by piece. */
export async function* readRowHashes(
  sql: Sql,
  table: string,
  key: readonly string[],
  columns: readonly TableColumn[],
  scope: RowScope,
): AsyncGenerator<HashedRow[], void, undefined> {
  const readers = key.map((name) => readerOf(columns, name))
  const keyList = key.map(quoteIdentifier).join(', ')
  const later = `offset >= ${endOfPartition(scope)}`
  const conditions = [
    ...(scope.tenant === undefined ? [] : [`tenant = ${quoteString(scope.tenant)}`]),
    // Imported tapes are no outcome of the log.
    ...(columns.some(({ name }) => name === 'dataset') ? ["dataset = ''"] : []),
    ...(scope.withLater === true ? [] : [`NOT (${later})`]),
  ]
  const pieces = sql.stream(
    `SELECT ${keyList}, cityHash64(${columns.map(hashable).join(', ')}), toUInt8(${later})
     FROM ${quoteIdentifier(table)} WHERE ${conditions.join(' AND ') || '1'} ORDER BY ${keyList}`,
    'RowBinary',
  )
  for await (const piece of pieces) {
    const reader = readRowBinary(piece)
    const rows: HashedRow[] = []
    while (reader.more()) {
      const values = readers.map((read) => read(reader))
      const low = reader.uint32()
      const high = reader.uint32()
      rows.push({ key: values, low, high, isLater: reader.uint8() === 1 })
    }
    yield rows
  }
}

/** Cells of these rows, in the order of the key, as text that is another one for any other bits. */
export async function readRowTexts(
  sql: Sql,
  table: string,
  key: readonly string[],
  columns: readonly TableColumn[],
  keys: readonly (readonly (string | number)[])[],
): Promise<string[][]> {
  const dates = key.map((name) => columns.find((one) => one.name === name)?.type === 'Date')
  const tuples = keys.map((values) => {
    const literals = values.map((value, i) => {
      if (typeof value === 'string') return quoteString(value)
      return dates[i] === true ? `toDate(${value})` : String(value)
    })
    return `(${literals.join(', ')})`
  })
  const keyList = key.map(quoteIdentifier).join(', ')
  const bytes = await sql.bytes(
    `SELECT ${columns.map(({ name }) => quoteIdentifier(name)).join(', ')} FROM ${quoteIdentifier(table)}
     WHERE (${keyList}) IN (${tuples.join(', ')}) ORDER BY ${keyList}`,
    'TabSeparated',
  )
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return text === ''
    ? []
    : text
        .slice(0, -1)
        .split('\n')
        .map((line) => line.split('\t'))
}

function endOfPartition({ ends }: RowScope): string {
  return `arrayElement([${ends.join(', ')}]::Array(UInt64), partition + 1)`
}

/** Stands for NULL among the bits of numbers: a NaN that nothing computes. */
const NULL_BITS = '0x7ff8dead00000001'

/** A cell as something that hashes to another value for any other bits, and is never NULL: a hash of NULL would be. */
function hashable({ name, type }: TableColumn): string {
  const column = quoteIdentifier(name)
  if (type === 'Float64') return `reinterpretAsUInt64(${column})`
  if (type === 'Nullable(Float64)') return `ifNull(reinterpretAsUInt64(${column}), ${NULL_BITS})`
  return type.startsWith('Nullable(') ? `ifNull(toString(${column}), '\\\\N')` : column
}

const READERS: Readonly<Record<string, (reader: RowBinaryReader) => string | number>> = {
  String: (reader) => reader.string(),
  UInt16: (reader) => reader.uint16(),
  UInt32: (reader) => reader.uint32(),
  UInt64: (reader) => reader.uint64(),
  Date: (reader) => reader.uint16(),
}

function readerOf(columns: readonly TableColumn[], name: string) {
  const type = columns.find((one) => one.name === name)?.type.replace(/^LowCardinality\((.*)\)$/, '$1')
  const reader = READERS[type ?? '']
  if (reader === undefined) throw new Error(`${name} of type ${type ?? 'none'} cannot be part of a key here`)
  return reader
}
