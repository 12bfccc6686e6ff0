import { generateFunction } from '../features/window/generate.ts'

/**
 * Encoder of ClickHouse's Native format: blocks of columns, written without a row ever being turned into text.
 *
 * A block is filled by `append`, handed to `insertBlock` and cleared; its memory is reused. On disk a block is: the
 * number of columns and of rows (LEB128), then for each column its name, its type and its values one after the other.
 * Numbers are little endian, like every machine this runs on.
 */

/** A 64-bit value as two unsigned halves: JavaScript numbers are exact to 2^53 only. */
export type Hash64 = { readonly high: number; readonly low: number }

/** How a column travels → what `append` takes for it. Dates are day numbers since 1970-01-01, instants UTC ms. */
export type ColumnValues = {
  String: string
  UInt8: number
  UInt16: number
  UInt32: number
  /** A whole number from 0 to 2^53 − 1. */
  UInt64: number
  /** All 64 bits. */
  Hash64: Hash64
  Int32: number
  /** A whole number of at most 53 bits. */
  Int64: number
  'Nullable(Int64)': number | null
  'Nullable(UInt16)': number | null
  'Nullable(UInt64)': number | null
  Float64: number
  /** NaN is NULL. */
  'Nullable(Float64)': number
  Date: number
  'Nullable(Date)': number | null
  'Array(Date)': readonly number[]
  'DateTime64(3)': number
}
export type ColumnKind = keyof ColumnValues

/** Column name → kind, in the order of the block. */
export type ColumnKinds = Readonly<Record<string, ColumnKind>>
/** The row that `append` of a block with these columns takes. */
export type RowOf<Columns extends ColumnKinds> = {
  readonly [Name in keyof Columns]: ColumnValues[Columns[Name]]
}

/** What `insertBlock` needs of a block. The bytes are views: valid until the block is appended to or cleared. */
export type NativeBlock = {
  /** Rows appended since the last `clear`. */
  readonly rows: number
  /** Column names with the ClickHouse types in which they travel, in order. */
  readonly structure: readonly { readonly name: string; readonly type: string }[]
  /** The block's bytes in order. */
  chunks(): Uint8Array[]
  clear(): void
}

/** A block that takes rows. */
export type RowBlock<Columns extends ColumnKinds> = NativeBlock & { append(row: RowOf<Columns>): void }

/** One column of a block: grows as needed, keeps its memory when cleared. */
type Column<Value> = {
  readonly type: string
  push(value: Value): void
  chunks(rows: number): Uint8Array[]
  clear(): void
}

const CAPACITY_FIRST = 1024
const STRING_BYTES_FIRST = 16_384
const TWO_POW_32 = 4_294_967_296

/** Builds a block with one column per entry, in order. */
export function createBlock<const Columns extends ColumnKinds>(columns: Columns): RowBlock<Columns> {
  const names = Object.keys(columns)
  const writers = names.map((name) => createColumn(columns[name]!))
  const structure = names.map((name, i) => ({ name, type: writers[i]!.type }))
  const headers = structure.map(columnHeader)
  const pushRow = compilePush(names, writers)
  let rows = 0
  return {
    get rows() {
      return rows
    },
    structure,
    append(row) {
      pushRow(row)
      rows++
    },
    chunks() {
      const chunks = [blockHeader(names.length, rows)]
      for (let i = 0; i < names.length; i++) chunks.push(headers[i]!, ...writers[i]!.chunks(rows))
      return chunks
    },
    clear() {
      for (const writer of writers) writer.clear()
      rows = 0
    },
  }
}

/**
 * Puts a row's values into their columns, one call a column in the text: a loop over all columns would look each value up
 * by a name that changes, and call what it can't know beforehand.
 */
function compilePush(names: readonly string[], writers: readonly Column<unknown>[]): (row: unknown) => void {
  const lines = names.map((name, i) => `push${i}(row[${JSON.stringify(name)}])`)
  const pushes = writers.map((writer, i): [string, unknown] => [`push${i}`, writer.push])
  return generateFunction('pushRow(row)', lines, Object.fromEntries(pushes))
}

/** The first bytes of a block. */
export function blockHeader(columns: number, rows: number): Uint8Array {
  return Uint8Array.from([...leb128(columns), ...leb128(rows)])
}

/** What stands before a column's values: its name and its type. */
export function columnHeader(column: { readonly name: string; readonly type: string }): Uint8Array {
  const name = Buffer.from(column.name)
  const type = Buffer.from(column.type)
  return Buffer.concat([Uint8Array.from(leb128(name.length)), name, Uint8Array.from(leb128(type.length)), type])
}

function leb128(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  bytes.push(rest)
  return bytes
}

function createColumn(kind: ColumnKind): Column<unknown> {
  return COLUMN_MAKERS[kind]()
}

const COLUMN_MAKERS: { [Kind in ColumnKind]: () => Column<ColumnValues[Kind]> } = {
  String: stringColumn,
  UInt8: () => numberColumn('UInt8', (capacity) => new Uint8Array(capacity)),
  UInt16: () => numberColumn('UInt16', (capacity) => new Uint16Array(capacity)),
  UInt32: () => numberColumn('UInt32', (capacity) => new Uint32Array(capacity)),
  UInt64: () => wideColumn('UInt64'),
  Hash64: hashColumn,
  Int32: () => numberColumn('Int32', (capacity) => new Int32Array(capacity)),
  Int64: () => wideColumn('Int64'),
  'Nullable(Int64)': () => nullableColumn(wideColumn('Int64')),
  'Nullable(UInt16)': () => nullableColumn(numberColumn('UInt16', (capacity) => new Uint16Array(capacity))),
  'Nullable(UInt64)': () => nullableColumn(wideColumn('UInt64')),
  Float64: () => numberColumn('Float64', (capacity) => new Float64Array(capacity)),
  'Nullable(Float64)': nullableFloatColumn,
  Date: () => numberColumn('Date', (capacity) => new Uint16Array(capacity)),
  'Nullable(Date)': () => nullableColumn(numberColumn('Date', (capacity) => new Uint16Array(capacity))),
  'Array(Date)': dateListColumn,
  'DateTime64(3)': () => wideColumn("DateTime64(3, 'UTC')"),
}

type NumberArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array

function numberColumn(type: string, allocate: (capacity: number) => NumberArray): Column<number> {
  const column = {
    values: allocate(CAPACITY_FIRST),
    length: 0,
    grow() {
      const larger = allocate(column.length * 2)
      larger.set(column.values)
      column.values = larger
    },
  }
  // A text of its own for each column: it meets one kind of array, and the compiler need not be ready for all of them.
  const lines = ['if (column.length === column.values.length) column.grow()', 'column.values[column.length++] = value']
  return {
    type,
    push: generateFunction('push(value)', lines, { column }),
    chunks: (rows) => [bytesOf(column.values, rows)],
    clear() {
      column.length = 0
    },
  }
}

/** 64-bit whole numbers from doubles: exact to 2^53, negative ones in two's complement. */
function wideColumn(type: string): Column<number> {
  let words = new Uint32Array(CAPACITY_FIRST * 2)
  let length = 0
  return {
    type,
    push(value) {
      if (length === words.length) words = grown(words)
      // Conversion to 32 bits takes the value modulo 2^32, so the low word needs no arithmetic of its own.
      words[length] = value
      words[length + 1] = Math.floor(value / TWO_POW_32)
      length += 2
    },
    chunks: (rows) => [bytesOf(words, rows * 2)],
    clear() {
      length = 0
    },
  }
}

function hashColumn(): Column<Hash64> {
  let words = new Uint32Array(CAPACITY_FIRST * 2)
  let length = 0
  return {
    type: 'UInt64',
    push(value) {
      if (length === words.length) words = grown(words)
      words[length] = value.low
      words[length + 1] = value.high
      length += 2
    },
    chunks: (rows) => [bytesOf(words, rows * 2)],
    clear() {
      length = 0
    },
  }
}

function nullableColumn(inner: Column<number>): Column<number | null> {
  const nulls = numberColumn('UInt8', (capacity) => new Uint8Array(capacity))
  return {
    type: `Nullable(${inner.type})`,
    push(value) {
      nulls.push(value === null ? 1 : 0)
      inner.push(value ?? 0)
    },
    chunks: (rows) => [...nulls.chunks(rows), ...inner.chunks(rows)],
    clear() {
      nulls.clear()
      inner.clear()
    },
  }
}

/** Per row where its list ends, then all of their dates. */
function dateListColumn(): Column<readonly number[]> {
  const ends = wideColumn('UInt64')
  const dates = numberColumn('Date', (capacity) => new Uint16Array(capacity))
  let count = 0
  return {
    type: 'Array(Date)',
    push(value) {
      for (const date of value) dates.push(date)
      count += value.length
      ends.push(count)
    },
    chunks: (rows) => [...ends.chunks(rows), ...dates.chunks(count)],
    clear() {
      count = 0
      ends.clear()
      dates.clear()
    },
  }
}

function nullableFloatColumn(): Column<number> {
  const nullable = nullableColumn(numberColumn('Float64', (capacity) => new Float64Array(capacity)))
  return { ...nullable, push: (value) => nullable.push(Number.isNaN(value) ? null : value) }
}

function stringColumn(): Column<string> {
  let bytes = Buffer.allocUnsafe(STRING_BYTES_FIRST)
  let length = 0
  // Neighbouring rows often repeat a value (tenant, type, source): it is then only counted, and copied in bulk later.
  let last = ''
  let lastStart = -1
  let repeats = 0

  function makeRoom(more: number): void {
    if (length + more <= bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, length + more))
    bytes.copy(larger, 0, 0, length)
    bytes = larger
  }

  /** Writes the repetitions that were counted, twice as many at each step. */
  function writeRepeats(): void {
    const size = length - lastStart
    makeRoom(size * repeats)
    const start = length
    const end = length + size * repeats
    bytes.copyWithin(start, lastStart, start)
    for (let done = size; start + done < end; done *= 2) {
      bytes.copyWithin(start + done, start, Math.min(start + done, end - done))
    }
    length = end
    repeats = 0
  }

  return {
    type: 'String',
    push(value) {
      if (lastStart >= 0 && value === last) {
        repeats++
        return
      }
      if (repeats > 0) writeRepeats()
      // Three bytes for each UTF-16 unit and five for the length are the most that a string takes.
      makeRoom(value.length * 3 + 5)
      lastStart = length
      last = value
      length = writeString(bytes, length, value)
    },
    chunks() {
      if (repeats > 0) {
        writeRepeats()
        // What was written last is now in the midst of its copies: a further one would take all of them as its text.
        lastStart = -1
      }
      return [bytes.subarray(0, length)]
    },
    clear() {
      length = 0
      lastStart = -1
      repeats = 0
    },
  }
}

/** Strings up to this length are copied by the unit, unless one of them is not ASCII: cheaper than a call outside. */
const SHORT_STRING = 40

function writeString(bytes: Buffer, start: number, value: string): number {
  const units = value.length
  if (units <= SHORT_STRING) {
    let i = 0
    for (; i < units; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 127) break
      bytes[start + 1 + i] = unit
    }
    if (i === units) {
      bytes[start] = units
      return start + 1 + units
    }
  }
  // The length in bytes is known only after writing: leave room as for ASCII, and move the text where that was wrong.
  const room = leb128Length(units)
  const written = bytes.write(value, start + room, 'utf8')
  const needed = leb128Length(written)
  if (needed !== room) bytes.copyWithin(start + needed, start + room, start + room + written)
  let rest = written
  let at = start
  while (rest >= 128) {
    bytes[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  bytes[at] = rest
  return start + needed + written
}

function leb128Length(value: number): number {
  let length = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++
  return length
}

function grown(words: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2)
  larger.set(words)
  return larger
}

/** The first `length` elements as bytes, without a copy. */
export function bytesOf(values: NumberArray, length: number): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, length * values.BYTES_PER_ELEMENT)
}
