import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, quoteString, type Sql, SqlError } from '../../sql/client.ts'
import { createBlock } from '../../sql/native.ts'
import { BOTH } from './support.ts'

describe.each(BOTH)('ClickHouse %s', (_, open) => {
  let database: Database
  let sql: Sql
  let close: () => Promise<void>

  beforeAll(async () => {
    const opened = await open()
    database = opened.database
    close = () => opened.close()
    sql = database.session()
  })
  afterAll(() => close())

  test('64-bit integers are numbers, and a zone of the machine changes no answer', async () => {
    expect(await sql.query("SELECT toUInt64(9007199254740991) AS n, toDateTime('2024-01-31 12:00:00') AS t")).toEqual([
      { n: Number.MAX_SAFE_INTEGER, t: '2024-01-31 12:00:00' },
    ])
  })

  test('a date without a zone is one of UTC', async () => {
    expect(await sql.query("SELECT toUnixTimestamp('1970-01-02 00:00:00') AS second")).toEqual([{ second: 86_400 }])
  })

  test('an answer without rows is an empty list', async () => {
    expect(await sql.query('SELECT 1 WHERE 0')).toEqual([])
  })

  test('values from outside are bound, and quoted ones come back as they are', async () => {
    const value = 'a\'b\\c\nd\t\0"`贷'
    expect(await sql.query('SELECT {value:String} AS value', { params: { value: "a'b\\c" } })).toEqual([
      { value: "a'b\\c" },
    ])
    expect(await sql.query(`SELECT ${quoteString(value)} AS value`)).toEqual([{ value }])
  })

  test('reads see one row per key: the one of the largest version, not the one that was written last', async () => {
    await sql.command('CREATE TABLE r (k UInt64, v UInt64) ENGINE = ReplacingMergeTree(v) ORDER BY k')
    const block = createBlock({ k: 'UInt64', v: 'UInt64' })
    for (const v of [2, 5, 3]) block.append({ k: 1, v })
    await sql.insertBlock('r', block)
    expect(await sql.query('SELECT k, v FROM r')).toEqual([{ k: 1, v: 5 }])
    block.clear()
    block.append({ k: 1, v: 4 })
    await sql.insertBlock('r', block)
    expect(await sql.query('SELECT k, v FROM r')).toEqual([{ k: 1, v: 5 }])
  })

  test('a refused statement is an SqlError with its number, and the session goes on', async () => {
    const refused = sql.query('SELECT * FROM nowhere')
    await expect(refused).rejects.toBeInstanceOf(SqlError)
    await expect(refused).rejects.toMatchObject({ code: 60, message: expect.stringContaining('nowhere') })
    await expect(sql.insertBlock('nowhere', oneRow())).rejects.toBeInstanceOf(SqlError)
    expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a session does one thing after the other; another session does not wait for it', async () => {
    const other = database.session()
    const done: string[] = []
    const slow = sql.query('SELECT sleep(0.5)').then(() => done.push('slow'))
    const behind = sql.query('SELECT 1').then(() => done.push('behind'))
    const beside = other.query('SELECT 1').then(() => done.push('beside'))
    await Promise.all([slow, behind, beside])
    expect(done).toEqual(['beside', 'slow', 'behind'])
    await other.close()
  })

  test('a streamed answer is whole, may be left early, and then lets the session go', async () => {
    const statement = 'SELECT number FROM numbers(300000)'
    const pieces: Uint8Array[] = []
    for await (const piece of sql.stream(statement, 'TSV')) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(1)
    expect(Buffer.concat(pieces).equals(await sql.bytes(statement, 'TSV'))).toBe(true)
    for await (const piece of sql.stream(statement, 'TSV')) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a session with limits stops a statement that wants more', async () => {
    const limited = database.session({ memory_bytes_max: 50_000_000, seconds_max: 1 })
    await expect(limited.query('SELECT groupArray(number) FROM numbers(100000000)')).rejects.toMatchObject({
      code: 241,
    })
    await expect(limited.query('SELECT count() FROM numbers(1e12)')).rejects.toMatchObject({ code: 159 })
    await limited.close()
  })

  test('a closed session refuses', async () => {
    const session = database.session()
    const last = session.query('SELECT 1 AS one')
    await session.close()
    expect(await last).toEqual([{ one: 1 }])
    await expect(session.query('SELECT 1')).rejects.toThrow('closed')
  })

  test('a block that follows a larger one through the same file is written alone', async () => {
    await sql.command('CREATE TABLE shrinking (k UInt64, v UInt64) ENGINE = MergeTree ORDER BY k')
    const block = createBlock({ k: 'UInt64', v: 'UInt64' })
    for (const rows of [9000, 4000]) {
      block.clear()
      for (let k = 0; k < rows; k++) block.append({ k, v: rows })
      await sql.insertBlock('shrinking', block)
    }
    expect(await sql.query('SELECT v, count() AS rows, max(k) AS last FROM shrinking GROUP BY v ORDER BY v')).toEqual([
      { v: 4000, rows: 4000, last: 3999 },
      { v: 9000, rows: 9000, last: 8999 },
    ])
  })
})

function oneRow() {
  const block = createBlock({ k: 'UInt64' })
  block.append({ k: 1 })
  return block
}
