import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openAnalystSql } from '../../../sql/analyst/statements.ts'
import { HIDDEN_TABLES, tenantDatabaseName } from '../../../sql/analyst/tenant-database.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { ask, fillTables, LIMITS, secretOf } from './support.ts'

/** Two tenants with rows in every table, and one who looks for the other's through everything that there is. */

const TENANTS = ['bank', 'lender', "o'dd.na`me"]
let test: TestDatabase
let analyst: ReturnType<typeof openAnalystSql>
type Named = { name: string; engine: string; create_table_query: string }
let objects: Named[]

beforeAll(async () => {
  test = await openTestDatabase()
  await fillTables(test.database, TENANTS)
  analyst = openAnalystSql(test.database, LIMITS)
  const sql = test.database.session()
  objects = await sql.query<Named>(
    'SELECT name, engine, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name',
  )
  await sql.close()
})
afterAll(async () => {
  await analyst.close()
  await test.close()
})

describe('a tenant’s key', () => {
  it('has a rule for every table and view of the schema', async () => {
    const shown = (await ask(analyst, 'bank', 'SHOW TABLES')).text.trim().split('\n')
    const hidden = objects.map(({ name }) => name).filter((name) => !shown.includes(name))
    expect(hidden.sort()).toEqual([...HIDDEN_TABLES].sort())
  })

  it.each(TENANTS)('sees all of its own rows and nobody else’s in every table, %s', async (tenant) => {
    const others = TENANTS.filter((other) => other !== tenant)
    for (const { name, engine } of objects) {
      if (HIDDEN_TABLES.includes(name) || engine === 'View') continue
      const { ok, text } = await ask(analyst, tenant, `SELECT * FROM ${name}`)
      expect([name, ok]).toEqual([name, true])
      // A table without a text of its own has the tenant's name alone.
      expect(text.includes(secretOf(tenant)) || text.startsWith(`${tenant}\t`)).toBe(true)
      for (const other of others) {
        expect(text).not.toContain(secretOf(other))
        expect(text.split('\n').some((line) => line.startsWith(`${other}\t`))).toBe(false)
      }
    }
  })

  it('sees only its own rows through every view', async () => {
    for (const { name, create_table_query } of objects.filter(({ engine }) => engine === 'View')) {
      const { ok, text } = await ask(analyst, 'bank', `SELECT * FROM ${name}${argumentsOf(create_table_query)}`)
      expect([name, ok, text]).toEqual([name, true, text])
      for (const tenant of TENANTS.slice(1)) expect(text).not.toContain(secretOf(tenant))
    }
    const vintage = "vintage(threshold_dpd = 0, basis = 'count', series = 'ever')"
    expect((await ask(analyst, 'bank', `SELECT DISTINCT tenant FROM ${vintage}`)).text).toBe('bank\n')
  })

  it('sees of the system’s tables only what is its own', async () => {
    const own = tenantDatabaseName('bank')
    expect((await ask(analyst, 'bank', 'SELECT DISTINCT database FROM system.tables')).text).toBe(`${own}\n`)
    expect((await ask(analyst, 'bank', 'SELECT DISTINCT database FROM system.columns')).text).toBe(`${own}\n`)
    expect((await ask(analyst, 'bank', 'SELECT name FROM system.databases')).text).toBe(`${own}\n`)
    expect((await ask(analyst, 'bank', 'SHOW DATABASES')).text).toBe(`${own}\n`)
    expect((await ask(analyst, 'bank', 'SHOW TABLES FROM default')).text).toBe('')
    expect((await ask(analyst, 'bank', 'SHOW COLUMNS FROM events FROM default')).text).toBe('')
    const settings = await ask(analyst, 'bank', "SELECT count(), countIf(name LIKE '%filter%') FROM system.settings")
    expect(settings.text).toMatch(/^[1-9]\d\t0\n$/)
    expect((await ask(analyst, 'bank', 'SELECT count() > 1000 FROM system.functions')).text).toBe('1\n')
  })

  it('describes its tables with the comments that they have', async () => {
    expect((await ask(analyst, 'bank', 'DESCRIBE events')).text).toContain('When the source booked the fact')
    const comment = await ask(analyst, 'bank', "SELECT comment FROM system.tables WHERE name = 'loans'")
    expect(comment.text).toMatch(/^One row per loan/)
  })
})

describe('the operator', () => {
  it('sees all tenants', async () => {
    const { text } = await ask(analyst, undefined, 'SELECT DISTINCT tenant FROM loans ORDER BY tenant')
    expect(text.split('\n')).toHaveLength(TENANTS.length + 1)
  })

  it('sees them through the views with parameters too', async () => {
    const vintage = "vintage(threshold_dpd = 0, basis = 'count', series = 'ever')"
    const { text } = await ask(analyst, undefined, `SELECT DISTINCT tenant FROM ${vintage}`)
    expect(text.split('\n')).toHaveLength(TENANTS.length + 1)
  })
})

/** Arguments for a parameterised view, by the types and names that its text has. */
function argumentsOf(create: string): string {
  const parameters = new Map([...create.matchAll(/\{(\w+):(\w+)[^}]*\}/g)].map(([, name, type]) => [name!, type!]))
  if (parameters.size === 0) return ''
  const values: Readonly<Record<string, string>> = {
    basis: "'count'",
    series: "'ever'",
    to_month: "'2024-12-01'",
    horizon_months: '1',
  }
  const given = [...parameters].map(([name, type]) => {
    const plain = type.startsWith('Date') ? "'2024-01-01'" : type === 'String' ? "''" : '0'
    return `${name} = ${values[name] ?? plain}`
  })
  return `(${given.join(', ')})`
}
