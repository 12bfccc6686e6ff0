import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../sql/client.ts'
import { createBlock, type RowOf } from '../../sql/native.ts'
import { createMatrixColumns } from '../../sql/native-matrix.ts'
import { BOTH } from './support.ts'

const COLUMNS = {
  at: 'UInt32',
  text: 'String',
  word: 'String',
  u8: 'UInt8',
  u16: 'UInt16',
  u64: 'UInt64',
  hash: 'Hash64',
  i32: 'Int32',
  i64: 'Int64',
  maybe_i64: 'Nullable(Int64)',
  maybe_u16: 'Nullable(UInt16)',
  maybe_u64: 'Nullable(UInt64)',
  f64: 'Float64',
  maybe_f64: 'Nullable(Float64)',
  date: 'Date',
  maybe_date: 'Nullable(Date)',
  dates: 'Array(Date)',
  time: 'DateTime64(3)',
} as const
type Row = RowOf<typeof COLUMNS>

let sql: Sql

const SAFE = Number.MAX_SAFE_INTEGER
const instant = fc.integer({ min: 0, max: Date.UTC(2149, 5, 6, 23, 59, 59, 999) })
const day = fc.integer({ min: 0, max: 65_535 })
const safe = fc.oneof(fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, SAFE), fc.nat(SAFE))
const signed = fc.oneof(fc.constantFrom(-1, -(2 ** 32), -SAFE), fc.integer({ min: -SAFE, max: SAFE }))
const uint32 = fc.nat(2 ** 32 - 1)
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.constantFrom(
    '',
    'a\tb\nc\\d\r\0"\'`',
    '\\N',
    '贷'.repeat(50),
    '贷后管理'.repeat(60),
    'x'.repeat(127),
    'x'.repeat(128),
    'x'.repeat(20_000),
  ),
)

const double = fc.oneof(fc.constantFrom(-0, 0, 5e-324, -Number.MAX_VALUE, 0.1 + 0.2, 1 / 3), fc.double({ noNaN: true }))

const row: fc.Arbitrary<Omit<Row, 'at'>> = fc.record({
  text,
  word: fc.constantFrom('', 'pos', 'atm', '线上'),
  u8: fc.nat(255),
  u16: fc.nat(65_535),
  u64: safe,
  hash: fc.record({ high: uint32, low: uint32 }),
  i32: fc.integer(),
  i64: signed,
  maybe_i64: fc.option(signed),
  maybe_u16: fc.option(fc.nat(65_535)),
  maybe_u64: fc.option(safe),
  f64: double,
  maybe_f64: fc.oneof(double, fc.constant(Number.NaN)),
  date: day,
  maybe_date: fc.option(day),
  dates: fc.array(day, { maxLength: 5 }),
  time: instant,
})

/** What the engine says of a row, each value in a form that shows every bit. */
type Read = Record<keyof Row, string | null>

async function readBack(): Promise<Read[]> {
  const bits = (name: string) => `toString(reinterpretAsUInt64(${name}))`
  return sql.query<Read>(
    `SELECT toString(t.at) AS at, hex(t.text) AS text, hex(t.word) AS word, toString(t.u8) AS u8, toString(t.u16) AS u16,
       toString(t.u64) AS u64, toString(t.hash) AS hash, toString(t.i32) AS i32, toString(t.i64) AS i64,
       toString(t.maybe_i64) AS maybe_i64, toString(t.maybe_u16) AS maybe_u16, toString(t.maybe_u64) AS maybe_u64,
       ${bits('t.f64')} AS f64, if(isNull(t.maybe_f64), NULL, ${bits('assumeNotNull(t.maybe_f64)')}) AS maybe_f64,
       toString(toUInt16(t.date)) AS date, toString(toUInt16(t.maybe_date)) AS maybe_date,
       arrayStringConcat(arrayMap(d -> toString(toUInt16(d)), t.dates), ',') AS dates,
       toString(toUnixTimestamp64Milli(t.time)) AS time
     FROM t ORDER BY t.at`,
  )
}

function expected(value: Row): Read {
  const double = (number: number) => String(new BigUint64Array(Float64Array.of(number).buffer)[0])
  const maybe = (number: number | null) => (number === null ? null : String(number))
  const hex = (string: string) => Buffer.from(string).toString('hex').toUpperCase()
  return {
    at: String(value.at),
    text: hex(value.text),
    word: hex(value.word),
    u8: String(value.u8),
    u16: String(value.u16),
    u64: String(value.u64),
    hash: String((BigInt(value.hash.high) << 32n) | BigInt(value.hash.low)),
    i32: String(value.i32),
    i64: String(value.i64),
    maybe_i64: maybe(value.maybe_i64),
    maybe_u16: maybe(value.maybe_u16),
    maybe_u64: maybe(value.maybe_u64),
    f64: double(value.f64),
    maybe_f64: Number.isNaN(value.maybe_f64) ? null : double(value.maybe_f64),
    date: String(value.date),
    maybe_date: maybe(value.maybe_date),
    dates: value.dates.join(','),
    time: String(value.time),
  }
}

const block = createBlock(COLUMNS)

async function roundTrip(rows: readonly Row[]): Promise<Read[]> {
  await sql.command('TRUNCATE TABLE t')
  block.clear()
  for (const one of rows) block.append(one)
  await sql.insertBlock('t', block)
  return readBack()
}

describe.each(BOTH)('ClickHouse %s', (_, open) => {
  let close: () => Promise<void>
  beforeAll(async () => {
    const opened = await open()
    close = () => opened.close()
    sql = opened.database.session()
    await sql.command(
      `CREATE TABLE t (at UInt32, text String, word LowCardinality(String), u8 UInt8, u16 UInt16, u64 UInt64, hash UInt64,
         i32 Int32, i64 Int64, maybe_i64 Nullable(Int64), maybe_u16 Nullable(UInt16), maybe_u64 Nullable(UInt64),
         f64 Float64, maybe_f64 Nullable(Float64), date Date, maybe_date Nullable(Date), dates Array(Date),
         time DateTime64(3, 'UTC'))
       ENGINE = MergeTree ORDER BY at`,
    )
  })
  afterAll(() => close())

  test('a block of a few rows is read back to the bit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (some) => {
        const rows = some.map((one, at) => ({ ...one, at }))
        expect(await roundTrip(rows)).toEqual(rows.map(expected))
      }),
      { numRuns: 40, seed: 3 },
    )
  })

  test('a large block, which travels as a file, is read back to the bit and becomes one part', async () => {
    const rows = fc.sample(row, { numRuns: 6000, seed: 5 }).map((one, at) => ({ ...one, at }))
    const read = await roundTrip(rows)
    expect(read).toHaveLength(6000)
    for (const [at, one] of read.entries()) expect(one).toStrictEqual(expected(rows[at]!))
    const parts = await sql.query("SELECT rows FROM system.parts WHERE table = 't' AND active")
    expect(parts).toEqual([{ rows: 6000 }])
  })

  test('an empty block writes nothing', async () => {
    expect(await roundTrip([])).toEqual([])
  })

  test('a block that was cleared holds nothing of what it held', async () => {
    const [first, second] = fc.sample(row, { numRuns: 2, seed: 7 }).map((one, at) => ({ ...one, at }))
    await roundTrip([first!, second!])
    expect(await roundTrip([second!])).toEqual([expected(second!)])
  })

  test('values that repeat are all there, also where the block was looked at between them', async () => {
    const texts = [
      '',
      'a',
      'a',
      '贷',
      '贷',
      '贷',
      '贷',
      '贷',
      '',
      '',
      'x'.repeat(130),
      'x'.repeat(130),
      'x'.repeat(130),
    ]
    const one = createBlock({ at: 'UInt32', text: 'String' })
    const expected: { at: number; text: string }[] = []
    for (let round = 0; round < 900; round++) {
      for (const text of round % 3 === 0 ? texts : [texts[round % texts.length] as string]) {
        one.append({ at: expected.length, text })
        expected.push({ at: expected.length, text })
      }
      if (round % 7 === 0) one.chunks()
    }
    await sql.command('TRUNCATE TABLE t')
    await sql.insertBlock('t', one)
    expect(await sql.query('SELECT at, text FROM t ORDER BY at')).toEqual(expected)
  })

  test('matrix columns give each row its values, however often they grew, with NaN as NULL', async () => {
    const names = ['a', 'b', 'c']
    const matrix = new Float64Array(names.length * 5000)
    for (let i = 0; i < matrix.length; i++) matrix[i] = i % 7 === 0 ? Number.NaN : i % 11 === 0 ? -0 : i / 3
    const columns = createMatrixColumns(names)
    const keys = createBlock({ at: 'UInt32' })
    const append = (matrixRow: number) => {
      columns.append(matrix, matrixRow * names.length)
      keys.append({ at: keys.rows })
    }
    // What was there before the clearing must not shine through: everything was NULL.
    for (let i = 0; i < 2000; i++) columns.append(new Float64Array(names.length).fill(Number.NaN), 0)
    columns.clear()
    for (let i = 0; i < 5000; i++) append(4999 - i)
    await sql.command(
      'CREATE TABLE m (at UInt32, a Nullable(Float64), b Nullable(Float64), c Nullable(Float64)) ENGINE = MergeTree ORDER BY at',
    )
    await sql.insertBlock('m', {
      rows: 5000,
      structure: [...keys.structure, ...columns.structure],
      chunks: () => [
        Uint8Array.of(4, (5000 % 128) | 128, 5000 >> 7),
        ...keys.chunks().slice(1),
        ...columns.chunks(5000),
      ],
      clear: () => {},
    })
    const read = await sql.query<Record<string, number | null>>('SELECT * FROM m ORDER BY at')
    expect(read).toHaveLength(5000)
    for (let i = 0; i < 5000; i++) {
      for (let column = 0; column < names.length; column++) {
        const value = matrix[(4999 - i) * names.length + column]!
        const got = read[i]![names[column]!]
        expect(Number.isNaN(value) ? got === null : Object.is(got, value), `row ${i} column ${column}`).toBe(true)
      }
    }
    expect(() => columns.append(matrix, matrix.length - 1)).toThrow(RangeError)
  })
})
