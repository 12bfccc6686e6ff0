import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clickhouseUrl } from '../../pipelines/config.ts'
import { type Sql, SqlError } from '../../sql/client.ts'
import { createBlock } from '../../sql/native.ts'
import { createAvailability, type Outage, patient } from '../../sql/patient.ts'
import type { Fault } from '../gateway/faults.ts'
import { openTestServer, type TestServer } from './support.ts'

const ROWS = 5000
const BLOCKS = 20
/** Long enough for a block on a machine that is busy with other things. */
const IDLE_MS_MAX = 2000

// A server of somebody else's cannot be told to fail.
describe.skipIf(clickhouseUrl() !== undefined)('statements that wait for ClickHouse', () => {
  let server: TestServer
  let sql: Sql
  let changes: (Outage | undefined)[] = []
  let controller = new AbortController()
  let waiting: Sql

  const availability = createAvailability((outage) => changes.push(outage))

  beforeAll(async () => {
    server = await openTestServer({ write_idle_ms_max: IDLE_MS_MAX })
    sql = server.database.session()
    await sql.command('CREATE TABLE k (k UInt64) ENGINE = ReplacingMergeTree ORDER BY k')
  })
  afterAll(() => server.close())
  beforeEach(async () => {
    await server.gateway?.fault({ kind: 'none' })
    await sql.command('TRUNCATE TABLE k')
    changes = []
    controller = new AbortController()
    waiting = patient(server.database.session(), {
      availability,
      signal: controller.signal,
      pause_ms_first: 20,
      pause_ms_max: 100,
    })
  })

  /** Writes one block after the other, as the sink does; `between` is called before each. */
  async function writeAll(between: (i: number) => Promise<void> | undefined): Promise<void> {
    const block = createBlock({ k: 'UInt64' })
    for (let i = 0; i < BLOCKS; i++) {
      await between(i)
      block.clear()
      for (let k = i * ROWS; k < (i + 1) * ROWS; k++) block.append({ k })
      await waiting.insertBlock('k', block)
    }
  }

  async function stored(): Promise<unknown> {
    const rows = await sql.query('SELECT count() AS rows, uniqExact(k) AS keys, max(k) AS last FROM k')
    return rows[0]
  }
  const whole = { rows: ROWS * BLOCKS, keys: ROWS * BLOCKS, last: ROWS * BLOCKS - 1 }

  const faults: [string, Fault][] = [
    ['drops the answer after the insert', { kind: 'drop_answer', times: 2 }],
    ['gives half an answer', { kind: 'half_answer', times: 2 }],
    ['breaks off in the midst of a block', { kind: 'cut_request', times: 2 }],
    ['answers 500', { kind: 'status_500', times: 3 }],
    ['has no space left', { kind: 'disk_full', times: 3 }],
  ]
  test.each(faults)('it %s: caught up, exactly one copy', async (_, fault) => {
    await writeAll((i) => (i % 8 === 3 ? server.gateway?.fault(fault) : undefined))
    expect(await stored()).toEqual(whole)
    expect(changes.length).toBeGreaterThanOrEqual(4)
    expect(changes.at(-1)).toBeUndefined()
    await waiting.close()
  })

  test('it hangs: the block is sent again, and what was sent first and done later is the same copy', async () => {
    await writeAll((i) =>
      i === 3 ? server.gateway?.fault({ kind: 'delay', ms: IDLE_MS_MAX + 500, times: 1 }) : undefined,
    )
    await sleep(1000)
    expect(await stored()).toEqual(whole)
    expect(changes[0]?.reason).toContain('no sign of life')
    await waiting.close()
  })

  test('it refuses for seconds: the caller waits, the state says since when, then all is caught up', async () => {
    const before = Date.now()
    await server.gateway?.fault({ kind: 'refuse' })
    const writing = writeAll(() => undefined)
    await sleep(2000)
    const { outage } = availability
    expect(outage?.clickhouse_unavailable_since).toBeGreaterThanOrEqual(before)
    expect(outage?.clickhouse_unavailable_since).toBeLessThan(before + 2000)
    expect(outage?.reason).toMatch(/^ClickHouse cannot be reached: [^\n]*ECONNREFUSED/)
    expect(outage?.waiting).toBe(1)
    // 20, 40, 80 and from there on 100 ms: not a storm of attempts, and no pause without end.
    expect(outage?.failures).toBeGreaterThan(8)
    expect(outage?.failures).toBeLessThan(25)
    await server.gateway?.fault({ kind: 'none' })
    await writing
    expect(await stored()).toEqual(whole)
    expect(availability.outage).toBeUndefined()
    expect(changes).toHaveLength(2)
    await waiting.close()
  })

  test('statements keep their order behind one that waits, reads wait too, and a stream begins again', async () => {
    await server.gateway?.fault({ kind: 'refuse' })
    const order: string[] = []
    const block = createBlock({ k: 'UInt64' })
    block.append({ k: 7 })
    const all = Promise.all([
      waiting.insertBlock('k', block).then(() => order.push('insert')),
      waiting.query('SELECT k FROM k').then((rows) => order.push(JSON.stringify(rows))),
      waiting.bytes('SELECT k FROM k', 'TSV').then((bytes) => order.push(Buffer.from(bytes).toString().trim())),
      (async () => {
        for await (const piece of waiting.stream('SELECT k + 1 FROM k', 'TSV'))
          order.push(Buffer.from(piece).toString().trim())
      })(),
    ])
    await sleep(200)
    expect(order).toEqual([])
    await server.gateway?.fault({ kind: 'none' })
    await all
    expect(order).toEqual(['insert', '[{"k":7}]', '7', '8'])
    await waiting.close()
  })

  test('what the engine refuses fails at once', async () => {
    await expect(waiting.query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: 60 })
    expect(changes).toEqual([])
    await waiting.close()
  })

  test('whoever stops waits no longer: the statement fails as it did last', async () => {
    await server.gateway?.fault({ kind: 'refuse' })
    const query = waiting.query('SELECT 1')
    setTimeout(() => controller.abort(), 150)
    await expect(query).rejects.toBeInstanceOf(SqlError)
    expect(availability.outage).toBeUndefined()
    await waiting.close()
  })
})
