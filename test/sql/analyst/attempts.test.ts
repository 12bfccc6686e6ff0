import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AnalystStatement, openAnalystSql } from '../../../sql/analyst/statements.ts'
import { tenantDatabaseName } from '../../../sql/analyst/tenant-database.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'
import { HARMLESS, INJECTED, SETTINGS, TELLING } from './attempts.ts'
import { REFUSED } from './refused.ts'
import { ask, fillTables, LIMITS, secretOf } from './support.ts'

let test: TestDatabase
let analyst: ReturnType<typeof openAnalystSql>
const OTHER = tenantDatabaseName('lender')

beforeAll(async () => {
  test = await openTestDatabase()
  await fillTables(test.database, ['bank', 'lender'])
  analyst = openAnalystSql(test.database, LIMITS)
  // The other one's database is there before anybody looks for it.
  expect((await ask(analyst, 'lender', 'SELECT data FROM events')).text).toContain(secretOf('lender'))
})
afterAll(async () => {
  await analyst.close()
  await test.close()
})

describe('refused', () => {
  it.each(Object.entries(REFUSED))('%s', async (_name, statements) => {
    const passed: string[] = []
    for (const statement of statements) {
      const { ok, text } = await attempt(statement)
      // Refused by what this program or the engine says of the statement itself, not because something was not there.
      if (ok || /does ?n[o']t exist|Cannot open|Connection refused/i.test(text))
        passed.push(`${statement} → ${text.slice(0, 200)}`)
      expect(text).not.toContain(secretOf('lender'))
    }
    expect(passed).toEqual([])
  })

  it('parameters that would be more than values', async () => {
    for (const [statement, params] of INJECTED) {
      const filled = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, fill(value)]))
      expect([statement, await attempt(statement, { params: filled })]).toEqual([
        statement,
        expect.objectContaining({ ok: false }),
      ])
    }
  })

  it('settings of the request', async () => {
    for (const settings of SETTINGS) {
      const answer = await attempt('SELECT 1', { settings })
      expect([settings, answer]).toEqual([settings, expect.objectContaining({ ok: false, code: 452 })])
    }
  })

  it('and left no file behind', () => {
    expect(existsSync('/tmp/foreshock-attempt')).toBe(false)
  })
})

describe('harmless', () => {
  it.each(HARMLESS)('%s', async (statement) => {
    const { ok, text } = await attempt(statement)
    expect([ok, text]).toEqual([true, text])
    if (!statement.includes('secret-of-lender')) expect(text).not.toContain(secretOf('lender'))
    else expect(text).toBe('0\n')
    expect(text).not.toContain(OTHER)
  })

  it.each(TELLING)('is not computed on rows of others: %s', async (statement) => {
    const { ok, text } = await attempt(statement)
    expect([ok, text]).toEqual([true, text])
  })

  it('a table’s name that is nearly that of another tenant’s database', async () => {
    const { text } = await attempt('SELECT * FROM evnts')
    expect(text).toMatch(/Unknown table/)
    expect(text).not.toContain(OTHER)
  })
})

function attempt(statement: string, more: Partial<AnalystStatement> = {}) {
  return ask(analyst, 'bank', fill(statement), more)
}

function fill(text: string): string {
  return text.replaceAll('$M', 'default').replaceAll('$O', OTHER)
}
