import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeCursor } from '../../../api/feed/cursor.ts'
import { feedRow } from '../../../api/rows.ts'
import { featureColumn } from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import {
  foreshock,
  foreshockReading,
  type Running,
  start,
  startRun,
  stop,
  temporaryFolder,
  writeQueries,
} from './support.ts'

const BORROWERS = 6
const folder = temporaryFolder()
const data = join(folder, 'data')

beforeAll(async () => {
  writeQueries(join(folder, 'own.ndjson'), 'own', BORROWERS)
  writeQueries(join(folder, 'bank.ndjson'), 'bank', BORROWERS, 30_000)
  for (const [file, tenant] of [
    ['own.ndjson', 'default'],
    ['bank.ndjson', 'bank'],
  ] as const) {
    const args = ['ingest', join(folder, file), '--data', data, '--tenant', tenant, '--no-model', '--json']
    const { code, stderr } = await foreshock(...args)
    expect(code, stderr).toBe(0)
  }
})

type Row = { tenant: string; partition: number; feed_seq: number; borrower: string; time: string; type: string }
const rowsOf = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
const cursorOf = (stderr: string) => /^cursor (\S+)$/m.exec(stderr)?.[1] ?? ''

describe.each(['nobody', 'run'])('while %s holds the directory', (holder) => {
  let running: Running | undefined
  beforeAll(async () => {
    if (holder === 'run') running = await startRun(data)
  })
  afterAll(async () => {
    if (running !== undefined) expect((await stop(running)).code).toBe(0)
  })

  describe('sql', () => {
    const sql = (query: string, ...more: string[]) => foreshock('sql', query, '--data', data, ...more)

    it('sees all tenants and answers in tab separated values when it is no terminal', async () => {
      const query = "SELECT tenant, count() FROM events WHERE type = 'bureau.queried' GROUP BY tenant ORDER BY tenant"
      const { code, stdout, stderr } = await sql(query)
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'bank\t96\ndefault\t96\n', stderr: '' })
    })

    it('answers in the format that is named, the one of the query first', async () => {
      const json = await sql('SELECT 1 AS one, NULL AS nothing', '--format', 'JSONEachRow')
      expect(JSON.parse(json.stdout)).toEqual({ one: 1, nothing: null })
      expect((await sql('SELECT 1 AS one FORMAT CSVWithNames', '--format', 'TSV')).stdout).toBe('"one"\n1\n')
    })

    it('puts the values of parameters in the place of their placeholders, as constants and nothing else', async () => {
      const value = "o'hara \\ {n:UInt8} --"
      const params = ['--param', `name=${value}`, '--param', 'n=41']
      const { stdout, stderr } = await sql(
        'SELECT {name:String} AS name, {n:UInt8} + 1 AS n FORMAT JSONEachRow',
        ...params,
      )
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual({ name: value, n: 42 })
    })

    it.each([
      [['SELECT 1', '--param', 'x=1'], 2, '--param x'],
      [['SELECT {x:UInt8}'], 1, '`x` is not set'],
    ] as const)('%j: exit %i and one line', async ([query, ...more], code, reason) => {
      const outcome = await sql(query, ...more)
      expect(outcome).toMatchObject({ code, stdout: '' })
      expect(outcome.stderr).toContain(reason)
      expect(outcome.stderr.split('\n')).toHaveLength(2)
    })

    it('takes the statement from standard input, so that one with comments can come from a file', async () => {
      const statement =
        '-- rows of a tenant\nSELECT count() FROM events\nWHERE tenant = {tenant:String} AND borrower != {none:String}\n'
      const args = ['sql', '-', '--data', data, '--param', 'tenant=bank', '--param', 'none=']
      expect(await foreshockReading(statement, ...args)).toEqual({ code: 0, stdout: '96\n', stderr: '' })
    })

    it('gives large answers whole, rows in a stream and documents as one', async () => {
      const lines = await sql('SELECT number FROM numbers(300000)')
      expect(lines.stdout).toBe(Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join(''))
      const document = await sql('SELECT number AS n FROM numbers(200000)', '--format', 'JSON')
      expect((JSON.parse(document.stdout) as { data: unknown[] }).data).toHaveLength(200_000)
    })

    it('shows what is there', async () => {
      const { code, stdout } = await sql('SHOW TABLES')
      expect(code).toBe(0)
      expect(stdout.split('\n')).toContain('warnings')
    })

    it.each([
      ['DROP TABLE events', 'only reading'],
      // The engine says it where the directory is opened here, the service where it holds it.
      ["SELECT * FROM file('run.json', 'LineAsString')", /readonly|not open here/],
      ['SELECT nothing_of_this_name FROM events', 'nothing_of_this_name'],
    ])('%s: exit 1 and one line', async (query, reason) => {
      const { code, stdout, stderr } = await sql(query)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(reason)
      expect(stderr.split('\n')).toHaveLength(2)
    })

    it('ends quietly when its reader goes', async () => {
      const { child, outcome } = start('sql', 'SELECT number FROM numbers(20000000)', '--data', data)
      child.stdout?.once('data', () => child.stdout?.destroy())
      expect(await outcome).toMatchObject({ code: 0, stderr: '' })
    })
  })

  describe('feed', () => {
    const feed = (...more: string[]) => foreshock('feed', '--data', data, ...more)
    let all: Row[]
    let cursor: string
    beforeAll(async () => {
      const { code, stdout, stderr } = await feed()
      expect(code, stderr).toBe(0)
      all = rowsOf(stdout)
      cursor = cursorOf(stderr)
    })

    it('gives every row of every tenant, oldest first', async () => {
      const query = 'SELECT tenant, partition, feed_seq FROM warnings ORDER BY time, tenant, partition, feed_seq'
      const { stdout } = await foreshock('sql', query, '--data', data)
      expect(all.map((row) => `${row.tenant}\t${row.partition}\t${row.feed_seq}\n`).join('')).toBe(stdout)
      expect(all.length).toBeGreaterThanOrEqual(BORROWERS * 2 * 2)
      expect(new Set(all.slice(0, BORROWERS).map((row) => row.tenant)).size).toBe(2)
    })

    it('gives rows as the API does', () => {
      for (const row of all) expect(feedRow.encode(feedRow.parse(row))).toEqual(row)
    })

    it('goes on after a cursor without gap or repeat, to the very end', async () => {
      const first = await feed('--limit', '5')
      const second = await feed('--after', cursorOf(first.stderr), '--limit', '4')
      const rest = await feed('--after', cursorOf(second.stderr))
      expect([...rowsOf(first.stdout), ...rowsOf(second.stdout), ...rowsOf(rest.stdout)]).toEqual(all)
      expect(cursorOf(rest.stderr)).toBe(cursor)
      expect(await feed('--after', cursor)).toEqual({ code: 0, stdout: '', stderr: `cursor ${cursor}\n` })
    })

    it('gives one tenant alone, with the cursor of the API', async () => {
      const { stdout, stderr } = await feed('--tenant', 'bank', '--limit', '3')
      const rows = rowsOf(stdout)
      expect(rows).toEqual(all.filter((row) => row.tenant === 'bank').slice(0, 3))
      const positions = [0, 0, 0, 0]
      for (const row of rows) positions[row.partition] = row.feed_seq
      expect(decodeCursor('bank', 4, cursorOf(stderr))).toEqual({ ok: true, positions })
    })

    it('refuses a cursor of another feed and one of nonsense', async () => {
      const { stderr } = await feed('--tenant', 'bank', '--limit', '1')
      for (const outcome of [
        await feed('--tenant', 'default', '--after', cursorOf(stderr)),
        await feed('--after', 'x'),
      ]) {
        expect(outcome).toMatchObject({ code: 2, stdout: '' })
        expect(outcome.stderr).toMatch(/^--after: .*\n$/)
      }
    })
  })

  describe('features of', () => {
    it('gives the last row of the borrower, null where a value is missing', async () => {
      const args = ['features', 'of', 'bank-2', '--data', data, '--tenant', 'bank', '--json']
      const { code, stdout, stderr } = await foreshock(...args)
      expect(code, stderr).toBe(0)
      const answer = JSON.parse(stdout) as { features: Record<string, number | null>; evaluated_at: string }
      expect(answer).toMatchObject({
        tenant: 'bank',
        borrower: 'bank-2',
        evaluated_at: '2024-03-16T04:02:30.000Z',
        type: 'bureau.queried',
        features: { hard_query_count_7d: 7, hard_query_count_90d: 16, inflow_sum_30d: null },
      })
      expect(Object.keys(answer.features)).toEqual(CATALOGUE.map(featureColumn))
    })

    it('says so when the tenant has no such borrower', async () => {
      const outcome = await foreshock('features', 'of', 'bank-2', '--data', data)
      expect(outcome).toMatchObject({ code: 1, stdout: '' })
      expect(outcome.stderr).toMatch(/^tenant default has no features of borrower bank-2: .*\n$/)
    })
  })
})

describe('a directory without data', () => {
  it.each([['sql', 'SELECT 1'], ['feed'], ['features', 'of', 'b1']])(
    '%s: exit 1 and one line, and nothing is made',
    async (...args) => {
      const absent = join(folder, 'absent')
      const { code, stdout, stderr } = await foreshock(...args, '--data', absent)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toBe(`there is no data directory ${absent}: name one with --data\n`)
      expect(existsSync(absent)).toBe(false)
    },
  )

  it('tells a file and a folder of something else', async () => {
    const file = await foreshock('sql', 'SELECT 1', '--data', join(folder, 'own.ndjson'))
    expect(file).toMatchObject({ code: 1, stderr: expect.stringMatching(/is not a directory: .*\n$/) as string })
    const other = await foreshock('feed', '--data', folder)
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/holds no data yet: .*\n$/) as string })
    expect(readFileSync(join(folder, 'own.ndjson'), 'utf8')).not.toBe('')
  })
})
