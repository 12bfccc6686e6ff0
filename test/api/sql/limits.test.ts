import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { STATEMENTS_MAX, STATEMENTS_PER_KEY_MAX } from '../../../pipelines/run/sql-door.ts'
import { LIMITS } from '../../sql/analyst/support.ts'
import { bearer } from '../support.ts'
import { type Listening, listen } from './listen.ts'

/** What one key may use, and that the sink and the feed do not wait for it. */

const SLOW = 'SELECT sum(cityHash64(number)) FROM numbers(1000000000000)'
/** In a format that is made whole: of others the first rows might be on their way before the limit is reached. */
const TOO_MANY = 'SELECT number FROM numbers(100001) FORMAT JSON'
let server: Listening
beforeAll(async () => {
  server = await listen({ ...LIMITS, seconds_max: 300, memory_bytes_max: 50_000_000, result_bytes_max: 1_000_000 })
})
afterAll(async () => {
  await server.close()
  expect(server.errors).toEqual([])
})

describe('a statement', () => {
  it.each([
    [
      'takes too long',
      `${SLOW} SETTINGS max_execution_time = 1`,
      408,
      /Code: 159\. .*(Timeout|timeout).*TIMEOUT_EXCEEDED/,
    ],
    [
      'needs too much memory',
      'SELECT length(groupArray(number)) FROM numbers(20000000)',
      413,
      /Code: 241\. .*MEMORY_LIMIT/,
    ],
    ['has too many rows', TOO_MANY, 413, /Code: 396\. .*100\.00 thousand.*TOO_MANY_ROWS/],
    [
      'is too large to be made whole',
      "SELECT repeat('x', 1000 + number % 2) FROM numbers(5000) FORMAT JSON",
      413,
      /Code: 396\./,
    ],
  ])('that %s ends with an error that says so', async (_name, statement, status, words) => {
    const answer = await ask('bank', statement)
    expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(words)])
    expect(answer.code).toBe(/\d+/.exec(answer.text)![0])
  })

  it('may ask for less, and gets no more by asking', async () => {
    const seconds = "SELECT value FROM system.settings WHERE name = 'max_execution_time'"
    expect((await ask('bank', seconds)).text).toBe('300\n')
    expect((await ask('bank', seconds, 'max_execution_time=0')).text).toBe('300\n')
    expect((await ask('bank', seconds, 'max_execution_time=400')).text).toBe('300\n')
    const less = await ask('bank', 'SELECT number FROM numbers(11)', 'max_result_rows=10&max_block_size=5')
    expect(less.status).toBe(413)
    for (const rows of [0, 999999999]) {
      expect((await ask('bank', TOO_MANY, `max_result_rows=${rows}`)).status).toBe(413)
    }
  })
})

describe('slow statements of analysts', () => {
  it('keep neither the sink nor the feed, nor another key’s statement, waiting', async () => {
    const sink = server.database.session()
    const feed = server.database.session()
    const leaving = new AbortController()
    const slow = Array.from({ length: STATEMENTS_PER_KEY_MAX }, () => {
      return ask('bank', SLOW, '', leaving.signal).catch((error: unknown) => error)
    })
    while ((await running()) < slow.length) await new Promise((resolve) => setTimeout(resolve, 5))
    const over = await ask('bank', 'SELECT 1')
    expect([over.status, over.text]).toEqual([429, expect.stringMatching(/^Code: 202\. .*at most 4 of a key/)])
    expect((await ask('lender', 'SELECT count() FROM events')).text).toBe('3\n')
    await sink.command("INSERT INTO source_files (file, version) VALUES ('a', 1)")
    await feed.query('SELECT * FROM warnings')
    // All of that was done while every slow statement was still at its work.
    expect(await running()).toBe(slow.length)
    leaving.abort()
    await Promise.all(slow)
    while ((await running()) > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await expect.poll(async () => (await ask('bank', 'SELECT 1')).text).toBe('1\n')
    await sink.close()
    await feed.close()
  })

  it('give their place back when the client leaves, and when an answer is not read to its end', async () => {
    for (let i = 0; i < STATEMENTS_MAX + 1; i++) {
      await new Promise<void>((resolve, reject) => {
        const path = `/sql?query=${encodeURIComponent('SELECT number, repeat(toString(number), 100) FROM numbers(90000)')}`
        const asked = request({ port: server.port, path, headers: bearer('bank') }, (response) => {
          response.once('data', () => asked.destroy())
          response.once('close', resolve)
        })
        asked.once('error', reject)
        asked.end()
      })
    }
    while ((await running()) > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await expect.poll(async () => (await ask('bank', 'SELECT 1')).text).toBe('1\n')
  })
})

async function running(): Promise<number> {
  const sql = server.database.session()
  const rows = await sql.query(
    "SELECT 1 FROM system.processes WHERE query LIKE '%numbers(%' AND query NOT LIKE '%processes%'",
  )
  await sql.close()
  return rows.length
}

async function ask(key: string, statement: string, more = '', signal: AbortSignal | null = null) {
  const response = await fetch(`${server.origin}/sql?${more}`, {
    method: 'POST',
    headers: bearer(key),
    body: statement,
    signal,
  })
  const text = await response.text()
  return {
    status: response.status,
    text: text.slice(0, 300),
    code: response.headers.get('x-clickhouse-exception-code'),
  }
}
