import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAnalystSql } from '../../../sql/analyst/statements.ts'
import { openTestServer, type TestServer } from '../support.ts'
import { ask, fillTables, LIMITS, secretOf } from './support.ts'

/** The same where ClickHouse is reached by URL, as the API of a cluster does. */

let server: TestServer
let analyst: ReturnType<typeof openAnalystSql>
beforeAll(async () => {
  server = await openTestServer()
  await fillTables(server.database, ['bank', 'lender'])
  analyst = openAnalystSql(server.database, LIMITS)
})
afterAll(async () => {
  await analyst.close()
  await server.close()
})

describe('by URL', () => {
  it('a key sees its own rows, in tables, views and the system', async () => {
    for (const [tenant, other] of [
      ['bank', 'lender'],
      ['lender', 'bank'],
    ] as const) {
      const { text } = await ask(analyst, tenant, 'SELECT * FROM events')
      expect(text).toContain(secretOf(tenant))
      expect(text).not.toContain(secretOf(other))
      const vintage = "SELECT DISTINCT tenant FROM vintage(threshold_dpd = 0, basis = 'count', series = 'ever')"
      expect((await ask(analyst, tenant, vintage)).text).toBe(`${tenant}\n`)
      expect((await ask(analyst, tenant, 'SHOW DATABASES')).text).toBe(`tenant_${tenant}\n`)
    }
    expect((await ask(analyst, undefined, 'SELECT uniqExact(tenant) FROM loans')).text).toBe('2\n')
  })

  it('what is refused is refused', async () => {
    const statements = [
      'SELECT * FROM default.events',
      "SELECT file('/etc/passwd')",
      'SELECT 1; SELECT 2',
      'SELECT 1 SETTINGS final = DEFAULT',
    ]
    for (const statement of statements) {
      expect([statement, await ask(analyst, 'bank', statement)]).toEqual([
        statement,
        expect.objectContaining({ ok: false }),
      ])
    }
  })

  it('settings, parameters and limits hold', async () => {
    const params = { t: 'loans', x: "it's" }
    expect((await ask(analyst, 'bank', 'SELECT {x:String}, count() FROM {t:Identifier}', { params })).text).toBe(
      "it's\t2\n",
    )
    const settings = { output_format_json_quote_64bit_integers: '1' }
    expect((await ask(analyst, 'bank', 'SELECT toUInt64(1) AS x FORMAT JSONEachRow', { settings })).text).toBe(
      '{"x":"1"}\n',
    )
    const many = await ask(analyst, 'bank', 'SELECT number FROM numbers(100001) FORMAT JSON')
    expect([many.ok, many.text]).toEqual([false, expect.stringContaining('Limit for result exceeded')])
  })
})
