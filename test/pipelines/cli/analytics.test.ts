import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ingest } from '../../../pipelines/ingest/ingest.ts'
import { openPipeline } from '../../../pipelines/run/pipeline.ts'
import { createSimulation } from '../../../pipelines/simulator/simulation.ts'
import { type EmbeddedDatabase, openEmbedded } from '../../../sql/embedded.ts'
import { openReadOnly } from '../../../sql/read-only.ts'
import { startRun, stop, temporaryFolder } from './support.ts'

/** What analysts do with a simulated book: the cookbook, exports, and the same answers by every way. */

const MAIN = fileURLToPath(new URL('../../../pipelines/cli/main.ts', import.meta.url))
const COOKBOOK = new URL('../../../sql/COOKBOOK.md', import.meta.url)
const BORROWERS = 80
const DAYS = 305
const folder = temporaryFolder()
const data = join(folder, 'data')

const VINTAGE = "SELECT * FROM vintage(threshold_dpd = 30, basis = 'count', series = 'ever') ORDER BY ALL"
const FLOWS = `SELECT * FROM migration_flows(from_month = '2024-01-01', to_month = '2024-09-01', horizon_months = 1)
  ORDER BY ALL`

beforeAll(async () => {
  const simulation = createSimulation({ seed: 3, borrowers: BORROWERS, start: '2024-01-01' })
  const lines: string[] = []
  for (let day = 0; day < DAYS; day++)
    for (const event of simulation.nextDay().events) lines.push(JSON.stringify(event))
  const path = join(folder, 'events.ndjson')
  writeFileSync(path, `${lines.join('\n')}\n`)
  const opened = await openPipeline({ directory: data, withoutModel: true })
  if (!opened.ok) throw new Error(opened.detail)
  const { pipeline } = opened
  const options = { tenant: 'default', files: [path], sort: false, closeThrough: '2024-10-31' }
  expect(await ingest(pipeline, options)).toMatchObject({ ok: true, failures: [] })
  await pipeline.close()
}, 300_000)

describe('the cookbook', () => {
  type Recipe = { readonly title: string; readonly query: string; readonly columns: readonly string[] }
  const text = readFileSync(COOKBOOK, 'utf8')
  const recipes: Recipe[] = [...text.matchAll(/^## \d+\. (.*)\n\n```sql\n([\s\S]*?)```\nColumns: (.*)$/gm)].map(
    ([, title = '', query = '', columns = '']) => ({ title, query, columns: columns.split(', ') }),
  )
  let database: EmbeddedDatabase

  beforeAll(async () => {
    const opened = await openEmbedded(data)
    if ('locked' in opened) throw new Error('locked')
    database = opened
  })
  afterAll(() => database.close())

  it('has twenty queries', () => expect(recipes).toHaveLength(20))

  // As people ask: on a session that refuses whatever is not reading.
  it.each(recipes)('$title', async ({ query, columns }) => {
    const sql = openReadOnly(database)
    const [one] = await sql.query<{ loan: string }>('SELECT loan FROM contacts ORDER BY loan LIMIT 1')
    const params = query.includes('{loan:String}') ? { params: { loan: one?.loan } } : {}
    const answer = JSON.parse(Buffer.from(await sql.bytes(query, 'JSONCompact', params)).toString()) as {
      readonly meta: readonly { readonly name: string }[]
      readonly rows: number
    }
    expect(answer.meta.map(({ name }) => name)).toEqual(columns)
    expect(answer.rows).toBeGreaterThan(0)
    await sql.close()
  })

  it('reconciles: openings are outflows, to the cent', async () => {
    const sql = openReadOnly(database)
    const recipe = recipes.find(({ title }) => title.startsWith('Does it reconcile'))
    const rows = await sql.query<{ difference: number }>(recipe?.query ?? '')
    expect(rows.map(({ difference }) => difference)).toEqual(rows.map(() => 0))
    await sql.close()
  })

  it('shows month ends of loans that are closed by every slice, and no later one', async () => {
    const sql = database.session()
    const lastMonths = () =>
      sql.query(`SELECT max(addMonths(cohort, mob)) AS last FROM (${VINTAGE.replace('ORDER BY ALL', '')})`)
    expect(await lastMonths()).toEqual([{ last: '2024-10-01' }])
    const [slice] = await sql.query<{ partition: number; slice: number }>(
      "SELECT partition, slice FROM closed_days WHERE date = '2024-10-31' LIMIT 1",
    )
    const { partition, slice: number } = slice as { partition: number; slice: number }
    await sql.command(
      `ALTER TABLE closed_days DELETE WHERE date = '2024-10-31' AND partition = ${partition} AND slice = ${number}
       SETTINGS mutations_sync = 2`,
    )
    expect(await lastMonths()).toEqual([{ last: '2024-09-01' }])
    await sql.close()
  })
})

describe('from the command line', () => {
  async function foreshockSql(query: string, format: string): Promise<Buffer> {
    const args = [MAIN, 'sql', query, '--data', data, '--format', format]
    const { stdout } = await promisify(execFile)(process.execPath, args, { encoding: 'buffer' })
    return stdout
  }

  it('Parquet and CSV come out readable by another engine, Arrow by ClickHouse, with the same rows', async () => {
    const files: Record<string, string> = {}
    for (const format of ['Parquet', 'CSVWithNames', 'Arrow']) {
      files[format] = join(folder, `flows.${format}`)
      writeFileSync(files[format], await foreshockSql(FLOWS, format))
    }
    const duck = await (await DuckDBInstance.create(':memory:')).connect()
    const columns = 'from_bucket, to_bucket, loans, opening_balance_minor, closing_balance_minor'
    const digest = `count(*)::INT AS n, sum(loans)::INT AS loans, sum(opening_balance_minor)::VARCHAR AS opening`
    const read = async (source: string) => {
      const reader = await duck.runAndReadAll(`SELECT ${digest} FROM (SELECT ${columns} FROM ${source})`)
      return reader.getRowObjectsJson()
    }
    const parquet = await read(`read_parquet('${files['Parquet']}')`)
    expect(Number(parquet[0]?.['loans'])).toBeGreaterThan(100)
    expect(await read(`read_csv('${files['CSVWithNames']}', nullstr = '\\N')`)).toEqual(parquet)
    const opened = await openEmbedded(join(folder, 'reader'))
    if ('locked' in opened) throw new Error('locked')
    const sql = opened.session()
    const arrow = await sql.query(
      `SELECT count() AS n, sum(loans) AS loans, toString(sum(opening_balance_minor)) AS opening
       FROM (SELECT ${columns} FROM file('${files['Arrow']}', 'Arrow'))`,
    )
    expect(arrow).toEqual(parquet)
    await opened.close()
  })

  it('the process that holds the directory gives by HTTP what the directory gives', async () => {
    const alone = [await foreshockSql(VINTAGE, 'JSONEachRow'), await foreshockSql(FLOWS, 'JSONEachRow')]
    const running = await startRun(data)
    const held = [await foreshockSql(VINTAGE, 'JSONEachRow'), await foreshockSql(FLOWS, 'JSONEachRow')]
    await stop(running)
    expect(alone[0]?.length).toBeGreaterThan(1000)
    expect(held.map(String)).toEqual(alone.map(String))
  })
})
