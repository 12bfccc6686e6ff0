import { buffer } from 'node:stream/consumers'
import { type ClickHouseClient, ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { secretOf } from '../../sql/analyst/support.ts'
import { type Listening, listen } from './listen.ts'

/** The real client of ClickHouse's for Node, as an analyst's program has it. */

const log = { level: ClickHouseLogLevel.OFF }
let server: Listening
let client: ClickHouseClient

beforeAll(async () => {
  server = await listen()
  client = createClient({ url: server.origin, pathname: '/sql', username: 'anybody', password: 'bank', log })
})
afterAll(async () => {
  await client.close()
  await server.close()
  expect(server.errors).toEqual([])
})

describe('@clickhouse/client', () => {
  it('is answered when it asks whether somebody is there, with and without a statement', async () => {
    expect(await client.ping()).toEqual({ success: true })
    expect(await client.ping({ select: true })).toEqual({ success: true })
  })

  it('reads JSON, with the names of its columns, and its query id back', async () => {
    const result = await client.query({ query: 'SELECT tenant, data FROM events ORDER BY data', query_id: 'mine-1' })
    expect(result.query_id).toBe('mine-1')
    const { data, meta, statistics } = await result.json<{ tenant: string; data: string }>()
    expect(meta?.map(({ name }) => name)).toEqual(['tenant', 'data'])
    expect(data[0]).toEqual({ tenant: 'bank', data: `${secretOf('bank')}-0` })
    // It would say how many rows of all tenants were read.
    expect(statistics).toBeUndefined()
  })

  it('fills in parameters of every kind', async () => {
    const query_params = { text: "it's\ta\n\\ tab", number: 7, list: ['a', "b'c"], day: '2024-01-01', table: 'loans' }
    const result = await client.query({
      query:
        'SELECT {text:String} AS text, {number:UInt64} AS number, {list:Array(String)} AS list, ' +
        'toString({day:Date}) AS day, count() > 0 AS found FROM {table:Identifier}',
      query_params,
      format: 'JSONEachRow',
    })
    const { table: _, ...expected } = query_params
    expect(await result.json()).toEqual([{ ...expected, found: 1 }])
  })

  it('streams rows, and has all of them', async () => {
    const result = await client.query({ query: 'SELECT number FROM numbers(200000)', format: 'JSONEachRow' })
    let sum = 0
    for await (const rows of result.stream<{ number: number }>()) for (const row of rows) sum += row.json().number
    expect(sum).toBe((200_000 * 199_999) / 2)
  })

  it('exports Parquet', async () => {
    const { stream } = await client.exec({ query: 'SELECT * FROM loans FORMAT Parquet' })
    const bytes = await buffer(stream)
    expect(bytes.subarray(0, 4).toString()).toBe('PAR1')
    expect(bytes.subarray(-4).toString()).toBe('PAR1')
  })

  it('takes settings with the request, in the statement, and compressed answers', async () => {
    const compressed = createClient({
      url: server.origin,
      pathname: '/sql',
      password: 'bank',
      database: 'default',
      log,
      compression: { response: true, request: true },
      clickhouse_settings: { max_threads: 1, join_use_nulls: 1, output_format_json_quote_64bit_integers: 1 },
    })
    const result = await compressed.query({
      query:
        "SELECT toUInt64(5) AS n, value AS threads FROM system.settings WHERE name = 'max_threads' SETTINGS max_threads = 1",
      format: 'JSONEachRow',
    })
    expect(await result.json()).toEqual([{ n: '5', threads: '1' }])
    await compressed.close()
  })

  it('tells errors as ClickHouse has them', async () => {
    const failing = (query: string) =>
      client.query({ query }).then(
        () => undefined,
        (error: unknown) => error,
      )
    const wrong = await failing('SELECT nonsense FROM events')
    expect(wrong).toBeInstanceOf(ClickHouseError)
    expect(wrong).toMatchObject({ code: '47', type: 'UNKNOWN_IDENTIFIER' })
    expect(await failing('SELECT * FROM default.events')).toMatchObject({ code: '497', type: 'ACCESS_DENIED' })
    expect(await failing('SELEC 1')).toMatchObject({ code: '62', type: 'SYNTAX_ERROR' })
    expect(await failing('INSERT INTO events (tenant) VALUES (1)')).toMatchObject({ code: '164', type: 'READONLY' })
  })

  it('tells of what goes wrong after the answer began', async () => {
    const query = 'SELECT throwIf(number = 150000) FROM numbers(300000)'
    const reading = async () => {
      const result = await client.query({
        query,
        format: 'JSONEachRow',
        clickhouse_settings: { max_block_size: '10000', max_threads: 1 },
      })
      let rows = 0
      for await (const some of result.stream()) rows += some.length
      return rows
    }
    await expect(reading()).rejects.toThrow(/throwIf|aborted|terminated|ECONNRESET/)
  })

  it('ends the statement of a client that leaves', async () => {
    const abort = new AbortController()
    const query = 'SELECT sum(cityHash64(number)) FROM numbers(100000000000)'
    const asked = client.query({ query, abort_signal: abort.signal }).catch((error: unknown) => error)
    const operator = server.database.session()
    const running = async () => {
      const rows = await operator.query(
        "SELECT 1 FROM system.processes WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%processes%'",
      )
      return rows.length
    }
    while ((await running()) === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    abort.abort()
    expect(await asked).toBeInstanceOf(Error)
    while ((await running()) > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await operator.close()
  })
})
