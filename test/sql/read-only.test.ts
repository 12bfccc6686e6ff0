import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Sql } from '../../sql/client.ts'
import { openReadOnly, whyNotReading } from '../../sql/read-only.ts'
import { BOTH, openTestDatabase } from './support.ts'

describe('a statement that is taken', () => {
  it.each([
    'SELECT 1',
    'select 1;',
    ' \n-- a comment\n/* and another\n one */ # and one\n WITH 1 AS one SELECT one',
    '(SELECT 1) UNION ALL (SELECT 2)',
    'FROM events SELECT count()',
    'SHOW TABLES',
    'DESCRIBE TABLE events',
    'DESC events',
    'EXPLAIN SELECT 1',
    'EXISTS TABLE events',
    "SELECT 'INSERT INTO events'",
    'SELECT outfile FROM events',
  ])('%s', (statement) => {
    expect(whyNotReading(statement)).toBeUndefined()
  })
})

describe('a statement that is refused, in one line', () => {
  it.each([
    '',
    ' ; ',
    '-- a comment alone',
    'INSERT INTO events SELECT * FROM events',
    'DROP TABLE events',
    'KILL QUERY WHERE 1',
    'USE system',
    'SET readonly = 0',
    'SYSTEM SHUTDOWN',
    '/* SELECT */ TRUNCATE TABLE events',
    '-- SELECT\nALTER TABLE events DELETE WHERE 1',
    '42',
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 into/**/outfile '/tmp/x' TRUNCATE",
    "SELECT '--' INTO -- hidden\nOUTFILE 'x'",
  ])('%s', (statement) => {
    expect(whyNotReading(statement)).toMatch(/^[^\n]+$/)
  })
})

describe.each(BOTH)('a read-only session, ClickHouse %s', (_, open) => {
  let sql: Sql
  let close: () => Promise<void>
  beforeAll(async () => {
    const { database, ...opened } = await open()
    close = () => opened.close()
    const writer = database.session()
    await writer.command('CREATE TABLE kept (a UInt64) ENGINE = MergeTree ORDER BY a')
    await writer.command('INSERT INTO kept VALUES (7)')
    sql = openReadOnly(database)
  })
  afterAll(() => close())

  it('reads', async () => {
    expect(await sql.query('SELECT a FROM kept')).toEqual([{ a: 7 }])
  })

  it.each([
    'INSERT INTO kept VALUES (8)',
    'DROP TABLE kept',
    'TRUNCATE TABLE kept',
    'ALTER TABLE kept DELETE WHERE 1',
    'OPTIMIZE TABLE kept FINAL',
    'CREATE TABLE other (a UInt64) ENGINE = Memory',
    'SYSTEM FLUSH LOGS',
    'SET readonly = 0',
    'SET final = 0',
    "SELECT * FROM file('kept', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM executable('id', TSV, 'a String')",
  ])('is refused by the engine: %s', async (statement) => {
    await expect(sql.bytes(statement, 'TSV')).rejects.toThrow(/readonly/i)
    expect(await sql.query('SELECT a FROM kept')).toEqual([{ a: 7 }])
  })
})

it('shows why the embedded engine alone is not enough', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'foreshock-read-only-'))
  const { database, close } = await openTestDatabase()
  const path = join(folder, 'written')
  await openReadOnly(database).bytes(`SELECT 1 INTO OUTFILE '${path}'`, 'TSV')
  expect(existsSync(path)).toBe(true)
  await close()
  rmSync(folder, { recursive: true })
})
