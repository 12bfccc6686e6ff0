import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clickhouseUrl } from '../../pipelines/config.ts'
import { type Sql, SqlError } from '../../sql/client.ts'
import { type ColumnKinds, createBlock, type NativeBlock } from '../../sql/native.ts'
import { openServer } from '../../sql/server.ts'
import type { Fault } from '../gateway/faults.ts'
import { openTestDatabase, openTestServer, type TestServer } from './support.ts'

const IDLE_MS_MAX = 400

let server: TestServer
let sql: Sql

beforeAll(async () => {
  server = await openTestServer()
  sql = server.database.session()
  await sql.command('CREATE TABLE k (k UInt64) ENGINE = ReplacingMergeTree ORDER BY k')
})
afterAll(() => server.close())

function block(rows: number, first = 0): NativeBlock {
  const numbers = createBlock({ k: 'UInt64' })
  for (let k = first; k < first + rows; k++) numbers.append({ k })
  return numbers
}

async function failureOf(work: Promise<unknown>): Promise<SqlError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SqlError)
  return error as SqlError
}

describe('what a server holds', () => {
  test('a block of every kind of column is stored there as the embedded engine stores it, byte for byte', async () => {
    const kinds: ColumnKinds = {
      at: 'UInt32',
      text: 'String',
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
      time: 'DateTime64(3)',
    }
    const all = createBlock(kinds)
    const columns = all.structure.map(({ name, type }) => `${name} ${type}`).join(', ')
    const texts = fc.sample(fc.string({ unit: 'grapheme', maxLength: 60 }), { numRuns: 20_000, seed: 17 })
    for (const [at, text] of texts.entries()) {
      const odd = at % 2 === 1
      all.append({
        at,
        text,
        u8: at % 256,
        u16: at % 65_536,
        u64: at * 450_000_000_000,
        hash: { high: 4_294_967_295 - at, low: at * 3 },
        i32: -at,
        i64: -at * 450_000_000_000,
        maybe_i64: odd ? null : -at,
        maybe_u16: odd ? at % 65_536 : null,
        maybe_u64: odd ? null : at,
        f64: at === 0 ? -0 : at / 3,
        maybe_f64: odd ? Number.NaN : 1 / at,
        date: at,
        maybe_date: odd ? at : null,
        time: 1_700_000_000_000 + at,
      })
    }
    const embedded = await openTestDatabase()
    const stored: Uint8Array[] = []
    for (const session of [embedded.database.session(), sql]) {
      await session.command(`CREATE TABLE every (${columns}) ENGINE = MergeTree ORDER BY at`)
      await session.insertBlock('every', all)
      stored.push(await session.bytes('SELECT * FROM every ORDER BY at SETTINGS max_block_size = 100000', 'Native'))
    }
    await embedded.close()
    expect(stored[0]!.length).toBeGreaterThan(2_000_000)
    expect(Buffer.from(stored[0]!).equals(stored[1]!)).toBe(true)
  })

  test('a large answer is streamed to its last byte, and an error in its midst is one', async () => {
    let bytes = 0
    for await (const piece of sql.stream('SELECT number FROM numbers(2000000)', 'RowBinary')) bytes += piece.length
    expect(bytes).toBe(16_000_000)
    const broken = async () => {
      const statement = "SELECT throwIf(number = 1500000, 'boom') FROM numbers(2000000) SETTINGS max_block_size = 1000"
      let seen = 0
      for await (const piece of sql.stream(statement, 'TSV')) seen += piece.length
      return seen
    }
    const error = await failureOf(broken())
    expect(error.code).toBe(395)
    expect(error.message).toContain('boom')
  })

  test('a stream can be given up, before and while it runs, and the session goes on', async () => {
    const statement = 'SELECT number FROM numbers(100000000)'
    for (const when of [0, 3]) {
      const controller = new AbortController()
      const given = async () => {
        let seen = 0
        if (when === 0) controller.abort()
        for await (const _ of sql.stream(statement, 'TSV', { signal: controller.signal })) {
          if (++seen === when) controller.abort()
        }
      }
      expect((await failureOf(given())).isRetryable).toBe(false)
    }
    expect(await sql.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('another database is a matter of the session', async () => {
    const other = server.database.session({ database: 'system' })
    expect(await other.query('SELECT currentDatabase() AS name')).toEqual([{ name: 'system' }])
    await other.close()
  })

  test('so many sessions as work side by side wait for each other no longer than they must', async () => {
    const sessions = Array.from({ length: 40 }, () => server.database.session())
    const rows = await Promise.all(sessions.map((session, i) => session.query(`SELECT ${i} AS i`)))
    expect(rows.flat()).toEqual(sessions.map((_, i) => ({ i })))
    await Promise.all(sessions.map((session) => session.close()))
  })
})

describe('who may come in', () => {
  test('a wrong password is a refusal with its number, and no error repeats a password', async () => {
    const password = 'not-the-password'
    const database = openServer({ ...server.options, password })
    const error = await failureOf(database.session().query('SELECT 1'))
    expect(error).toMatchObject({ code: 516, isRetryable: false })
    expect(inspect(error, { depth: 9 })).not.toContain(password)
    await database.close()
  })

  test('a password that the server repeats is not in the error', async () => {
    const password = 'p4ss-word'
    const echo = createServer((request, response) => {
      response.writeHead(418).end(`I was sent ${password} in ${request.headers.authorization ?? ''}`)
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => echo.once('listening', resolve))
    const { port } = echo.address() as AddressInfo
    const database = openServer({ url: `http://me:${password}@127.0.0.1:${port}/mine` })
    const error = await failureOf(database.session().query('SELECT 1'))
    expect(error.message).toContain('418')
    expect(inspect(error, { depth: 9 })).not.toContain(password)
    await database.close()
    echo.close()
    echo.closeAllConnections()
  })

  test('a URL that is none is said so, without repeating it', () => {
    for (const url of ['', 'secret@host', 'ftp://me:secret@host']) {
      expect(() => openServer({ url })).toThrow(/^(?!.*secret).*URL of ClickHouse/)
    }
    expect(() => openServer({ url: 'http://host', cluster: { name: 'c', shard_urls: [] } })).toThrow('shard')
  })
})

// A server of somebody else's cannot be told to fail.
describe.skipIf(clickhouseUrl() !== undefined)('faults', () => {
  let session: Sql
  let first = 0

  beforeAll(() => {
    session = server.database.session()
  })
  beforeEach(async () => {
    await server.gateway?.fault({ kind: 'none' })
    first += 100_000
  })

  const stored = async () => {
    const [row] = await sql.query<{ rows: number }>(
      `SELECT count() AS rows FROM k WHERE k >= ${first} AND k < ${first + 100_000}`,
    )
    return row?.rows
  }

  const cases: [Fault['kind'], Fault, Partial<SqlError>, { readonly isDone: boolean }][] = [
    ['refuse', { kind: 'refuse' }, { failure: 'unavailable' }, { isDone: false }],
    ['disk_full', { kind: 'disk_full' }, { failure: 'unavailable', code: 243 }, { isDone: false }],
    ['status_500', { kind: 'status_500' }, { failure: 'unknown' }, { isDone: false }],
    ['cut_request', { kind: 'cut_request' }, { failure: 'unknown' }, { isDone: false }],
    ['drop_answer', { kind: 'drop_answer' }, { failure: 'unknown' }, { isDone: true }],
    ['half_answer', { kind: 'half_answer' }, { failure: 'unknown' }, { isDone: true }],
  ]
  test.each(cases)(
    '%s: the error says what is known, and the same block again is one copy',
    async (_, fault, expected, { isDone }) => {
      const rows = block(50_000, first)
      await server.gateway?.fault(fault)
      expect(await failureOf(session.insertBlock('k', rows))).toMatchObject({ ...expected, isRetryable: true })
      expect(await failureOf(session.query('SELECT number FROM numbers(100)'))).toMatchObject(expected)
      await server.gateway?.fault({ kind: 'none' })
      expect(await stored()).toBe(isDone ? 50_000 : 0)
      await session.insertBlock('k', rows)
      expect(await stored()).toBe(50_000)
    },
  )

  test('an answer that does not come is given up after the time that was named', async () => {
    await server.gateway?.fault({ kind: 'delay', ms: 2 * IDLE_MS_MAX, times: 1 })
    const hasty = openServer({ ...server.options, write_idle_ms_max: IDLE_MS_MAX })
    const error = await failureOf(hasty.session().insertBlock('k', block(10, first)))
    await hasty.close()
    expect(error).toMatchObject({ failure: 'unknown', message: expect.stringContaining(`${IDLE_MS_MAX} ms`) })
  })

  test('half an answer of a stream is an error, not an end', async () => {
    const cutter = createServer((_, response) => {
      response.writeHead(200, { 'Content-Length': 1000 })
      response.write('x'.repeat(500), () => response.destroy())
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => cutter.once('listening', resolve))
    const database = openServer({ url: `http://127.0.0.1:${(cutter.address() as AddressInfo).port}` })
    const read = async () => {
      for await (const _ of database.session().stream('SELECT 1', 'TSV'));
    }
    expect((await failureOf(read())).isUnknown).toBe(true)
    await database.close()
    cutter.close()
  })
})

describe('a cluster', () => {
  test('the owner of a partition writes to its shard alone, with a quorum, after its replica has caught up', async () => {
    const seen: { readonly host: string; readonly query: string; readonly settings: URLSearchParams }[] = []
    const servers = ['first', 'second'].map((host) =>
      createServer((request, response) => {
        const { searchParams } = new URL(request.url ?? '', 'http://a')
        const pieces: Buffer[] = []
        request.on('data', (piece: Buffer) => pieces.push(piece))
        request.on('end', () => {
          const query = searchParams.get('query') ?? Buffer.concat(pieces).toString()
          seen.push({ host, query, settings: searchParams })
          response.end(query.includes('system.tables') ? '{"name":"k_local"}\n' : '')
        })
      }).listen(0, '127.0.0.1'),
    )
    await Promise.all(servers.map((one) => new Promise((resolve) => one.once('listening', resolve))))
    const urls = servers.map((one) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`)
    const database = openServer({ url: urls[0]!, cluster: { name: 'c', shard_urls: urls } })
    expect(database.topology).toEqual({ kind: 'cluster', cluster: 'c' })
    const owner = database.session({ partition: 5 })
    await owner.insertBlock('k', block(1))
    await owner.insertBlock('source_files', block(1))
    await database.session().insertBlock('k', block(1))
    expect(seen.map(({ host, query }) => `${host}: ${query.replace(/ FROM system.*/, '')}`)).toEqual([
      'second: SELECT name',
      'second: SYSTEM SYNC REPLICA `k_local` LIGHTWEIGHT',
      'second: INSERT INTO `k_local` (`k`) FORMAT Native',
      'second: INSERT INTO `source_files` (`k`) FORMAT Native',
      'first: INSERT INTO `k` (`k`) FORMAT Native',
    ])
    for (const { settings } of seen) {
      expect(settings.get('insert_quorum')).toBe('auto')
      expect(settings.get('distributed_foreground_insert')).toBe('1')
      expect(settings.get('final')).toBe('1')
    }
    await database.close()
    for (const one of servers) one.close()
  })
})
