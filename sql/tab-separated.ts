import { dateOfDay } from '../features/time.ts'
import type { NativeBlock } from './native.ts'

/**
 * The rows of a block as TabSeparated text, for blocks of a few rows. The engine takes text with the statement, while
 * Native has to come from a file, and opening one costs more than parsing a few kilobytes. Values are the same to the
 * bit: whole numbers in full, doubles in the shortest decimal that gives them back.
 */
export function toTabSeparated(block: NativeBlock): Buffer {
  const { rows, structure } = block
  const cursor = { bytes: Buffer.concat(block.chunks()), at: 0 }
  readLength(cursor)
  readLength(cursor)
  const columns = structure.map(({ type }) => {
    skip(cursor, readLength(cursor))
    skip(cursor, readLength(cursor))
    return readColumn(cursor, type, rows)
  })
  const lines: string[] = []
  for (let row = 0; row < rows; row++) lines.push(columns.map((column) => column[row]).join('\t'))
  return Buffer.from(`${lines.join('\n')}\n`)
}

type Cursor = { readonly bytes: Buffer; at: number }

const NULLABLE = /^Nullable\((.*)\)$/
const NULL_TEXT = '\\N'
const DATES = 'Array(Date)'

function readColumn(cursor: Cursor, type: string, rows: number): string[] {
  if (type === DATES) return readDateLists(cursor, rows)
  const inner = NULLABLE.exec(type)?.[1]
  if (inner === undefined) return Array.from({ length: rows }, () => readValue(cursor, type))
  const nulls = cursor.bytes.subarray(cursor.at, cursor.at + rows)
  skip(cursor, rows)
  return Array.from({ length: rows }, (_, row) => {
    const value = readValue(cursor, inner)
    return nulls[row] === 0 ? value : NULL_TEXT
  })
}

/** Where each row's list ends comes before all of their dates. */
function readDateLists(cursor: Cursor, rows: number): string[] {
  const ends = Array.from({ length: rows }, () => Number(readValue(cursor, 'UInt64')))
  return ends.map((end, row) => {
    const dates = Array.from({ length: end - (ends[row - 1] ?? 0) }, () => `'${readValue(cursor, 'Date')}'`)
    return `[${dates.join(',')}]`
  })
}

function readValue(cursor: Cursor, type: string): string {
  const { bytes, at } = cursor
  switch (type) {
    case 'String': {
      const length = readLength(cursor)
      const start = cursor.at
      skip(cursor, length)
      return escape(bytes.toString('utf8', start, start + length))
    }
    case 'UInt8':
      skip(cursor, 1)
      return String(bytes.readUInt8(at))
    case 'UInt16':
      skip(cursor, 2)
      return String(bytes.readUInt16LE(at))
    case 'Date':
      skip(cursor, 2)
      return dateOfDay(bytes.readUInt16LE(at))
    case 'UInt32':
      skip(cursor, 4)
      return String(bytes.readUInt32LE(at))
    case 'Int32':
      skip(cursor, 4)
      return String(bytes.readInt32LE(at))
    case 'UInt64':
      skip(cursor, 8)
      return String(bytes.readBigUInt64LE(at))
    case 'Int64':
      skip(cursor, 8)
      return String(bytes.readBigInt64LE(at))
    case "DateTime64(3, 'UTC')":
      skip(cursor, 8)
      return new Date(Number(bytes.readBigInt64LE(at))).toISOString().slice(0, -1).replace('T', ' ')
    case 'Float64':
      skip(cursor, 8)
      return textOfDouble(bytes.readDoubleLE(at))
    default:
      throw new Error(`a block has no columns of type ${type}`)
  }
}

function textOfDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  return Object.is(value, -0) ? '-0' : String(value)
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r', '\0': '\\0' }

function escape(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped
  return text.replace(/[\\\t\n\r\u0000]/g, (character) => ESCAPES[character]!)
}

function readLength(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = cursor.bytes[cursor.at++]!
    value |= (byte & 127) << shift
    if (byte < 128) return value
  }
}

function skip(cursor: Cursor, bytes: number): void {
  cursor.at += bytes
}
