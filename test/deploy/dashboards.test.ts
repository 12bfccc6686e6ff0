import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqlDoor, type SqlDoor } from '../../pipelines/run/sql-door.ts'
import { fillTables } from '../sql/analyst/support.ts'
import { openTestDatabase, type TestDatabase } from '../sql/support.ts'

/** Every query of the dashboards over the ClickHouse data source, run as a tenant's key, with macros as Grafana fills them. */

type Target = { readonly rawSql: string; readonly queryType: string }
type Dashboard = {
  readonly uid: string
  readonly panels: readonly { readonly title: string; readonly targets: readonly Target[] }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[]
  }
}

const FOLDER = new URL('../../deploy/grafana/', import.meta.url)
const FROM_S = Date.UTC(2023, 0, 1) / 1000
const TO_S = Date.UTC(2025, 0, 1) / 1000
const dashboards = readdirSync(FOLDER)
  .map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')] as const)
  .filter(([, text]) => text.includes('grafana-clickhouse-datasource'))
  .map(([name, text]) => [name, JSON.parse(text) as Dashboard] as const)

let store: TestDatabase
let door: SqlDoor
beforeAll(async () => {
  store = await openTestDatabase()
  await fillTables(store.database, ['bank', 'lender'])
  const sql = store.database.session()
  // Nothing says which days are closed: then all month ends that there are count.
  await sql.command('TRUNCATE TABLE closed_days')
  // Own loans of January 2024, open and past due at the ends of April and May.
  await sql.command("INSERT INTO loans SELECT * REPLACE ('' AS dataset, 'open' AS status) FROM loans")
  for (const [month, mob] of [
    ['2024-04-01', 3],
    ['2024-05-01', 4],
  ] as const) {
    const replaced = `'' AS dataset, 'open' AS status, toDate('${month}') AS month, ${mob} AS mob, 40 AS dpd, 40 AS worst_dpd`
    await sql.command(
      `INSERT INTO loan_months SELECT * REPLACE (${replaced}) FROM (SELECT * FROM loan_months WHERE dataset != '')`,
    )
  }
  await sql.command(
    'INSERT INTO warnings SELECT * REPLACE (\'opened\' AS type, 7 AS partition, \'[{"signal":"s@1"}]\' AS signals) FROM warnings',
  )
  await sql.close()
  door = openSqlDoor(store.database)
})
afterAll(async () => {
  await door.close()
  await store.close()
})

it('there are two of them, each with a name of its own', () => {
  expect(dashboards.map(([name]) => name)).toEqual(['portfolio.json', 'warnings.json'])
  expect(new Set(dashboards.map(([, { uid }]) => uid)).size).toBe(2)
})

describe.each(dashboards)('%s', (_name, { panels, templating }) => {
  it.each(panels.flatMap(({ title, targets }) => targets.map((target) => [title, target] as const)))(
    '%s',
    async (_title, target) => {
      const rows = await ask(target.rawSql)
      expect(rows.length).toBeGreaterThan(0)
      // Grafana draws a series only where the first column is a time.
      if (target.queryType === 'timeseries')
        expect(Object.values(rows[0]!)[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    },
  )

  it('fills its variables', async () => {
    for (const { query } of templating.list.filter(({ type }) => type === 'query')) {
      expect((await ask(query)).length).toBeGreaterThan(0)
    }
  })
})

async function ask(rawSql: string): Promise<Record<string, unknown>[]> {
  const statement = rawSql
    .replaceAll('$dataset', '')
    .replaceAll(
      /\$__timeFilter_ms\(([^()]+)\)/g,
      `$1 >= fromUnixTimestamp64Milli(${FROM_S}000) AND $1 <= fromUnixTimestamp64Milli(${TO_S}000)`,
    )
    .replaceAll(
      /\$__timeFilter\(((?:[^()]|\([^()]*\))+)\)/g,
      `$1 >= toDateTime(${FROM_S}) AND $1 <= toDateTime(${TO_S})`,
    )
  const request = { holder: 'k', tenant: 'bank', statement, format: 'JSONEachRow', settings: {}, params: {} }
  const answer = await door.sql(request, new AbortController().signal)
  if (!answer.ok) throw new Error(answer.failure.message)
  const pieces: Uint8Array[] = []
  for await (const piece of answer.pieces) pieces.push(piece)
  const lines = Buffer.concat(pieces).toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>)
}
