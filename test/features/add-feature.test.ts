import { cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { LAYERS, ROOT } from '../architecture/tree.ts'
import { type Outcome, startNode, startRun, stop, temporaryFolder } from '../pipelines/cli/support.ts'

/** What the README promises of a new feature: one entry and its twin in the oracle, and it is everywhere. */

const NAME = 'inflow_to_outflow_count_30d'
const ENTRY = `
  feature({
    name: '${NAME}',
    family,
    formula: { zh: '近30天入账笔数 ÷ 出账笔数', en: 'incoming transactions / outgoing ones, in 30 days' },
    reading: { zh: '入账频繁', en: 'money comes in more often than it goes out' },
    unit: 'ratio',
    inputs: [transactionCount(TRAIT.IN, 30), transactionCount(TRAIT.OUT, 30)],
    compute: (inflow, outflow) => ratio(inflow, outflow),
    missing: 'nothing went out',
    source: 'ours: a test',
  }),`
const TWIN = `
  ${NAME}: (view) => {
    const from = view.time - 30 * 86_400_000
    const first = view.transactions[0]
    if (first === undefined || first.time > from) return null
    const moved = view.transactions.filter((row) => row.time > from && row.data.category !== 'failed_debit')
    const outflow = moved.filter((row) => row.data.direction === 'out').length
    return outflow === 0 ? null : (moved.length - outflow) / outflow
  },`

/** All of the product, and of the tests what compares. */
const COPIED = [
  ...LAYERS.filter((layer) => layer !== 'test'),
  'package.json',
  'test/oracle',
  'test/features/engine-run.ts',
]

const folder = temporaryFolder()
const copy = join(folder, 'copy')
const data = join(folder, 'data')
const main = join(copy, 'pipelines/cli/main.ts')
const foreshock = (...args: readonly string[]) => startNode(main, ...args).outcome

beforeAll(() => {
  mkdirSync(copy)
  for (const part of COPIED) cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(realpathSync(join(ROOT, 'node_modules')), join(copy, 'node_modules'))
  insertAfter('features/catalogue/cash-flow/balance.ts', 'readonly FeatureDefinition[] = [', ENTRY)
  insertAfter('test/oracle/features.ts', 'const FEATURES: Record<string, Feature> = {', TWIN)
})

describe('a feature added by one entry and its twin', () => {
  it('is listed, stored, served and exported, without another edit', async () => {
    const file = join(folder, 'events.ndjson')
    writeFileSync(file, events().join('\n'))
    const [listed, ingested] = await Promise.all([
      foreshock('features', 'list', '--json'),
      foreshock('ingest', file, '--data', data, '--no-model', '--close-through', '2024-06-30'),
    ])
    const entry = (JSON.parse(done(listed)) as { id: string }[]).find(({ id }) => id === `${NAME}@1`)
    expect(entry).toMatchObject({ column: NAME, family: 'cash-flow', minimum_history_days: 30 })
    done(ingested)

    const running = await startRun(data, main)
    const training = join(copy, 'sql/queries/training-set.sql')
    const [stored, exported, key] = await Promise.all([
      sql(`SELECT id, ${NAME} AS value FROM features AS f JOIN events AS e USING (partition, offset) ORDER BY f.time`),
      sql(readFileSync(training, 'utf8'), '--param', 'tenant=default'),
      foreshock('keys', 'create', '--data', data),
    ])
    const rows = stored as { id: string; value: number | null }[]
    // Less than 30 days of transactions, then 2 in and 2 out, 1 in and 2 out, 2 in and 1 out.
    expect(rows.filter(({ id }) => id.startsWith('e-')).map(({ value }) => value)).toEqual([
      null,
      null,
      null,
      null,
      1,
      0.5,
      2,
    ])
    const months = exported as Record<string, unknown>[]
    expect(months.map((row) => [row['month_end'], row[NAME]])).toEqual([
      ['2024-02-29', 2],
      ['2024-03-31', null],
    ])

    const { url } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as { url: string }
    const headers = { authorization: `Bearer ${done(key).trim()}` }
    const answer = await fetch(`${url}/v1/borrowers/b-2`, { headers })
    expect(await answer.json()).toMatchObject({ features: { [NAME]: 3 } })
    await stop(running)
  })

  it('equals its twin on random histories', async () => {
    const url = (path: string) => JSON.stringify(pathToFileURL(join(copy, path)).href)
    const script = join(copy, 'compare.mjs')
    writeFileSync(
      script,
      `import fc from 'fast-check'
      import { oracleCases } from ${url('test/oracle/arbitraries.ts')}
      import { oracleEvaluations } from ${url('test/oracle/features.ts')}
      import { COLUMNS, runEngine } from ${url('test/features/engine-run.ts')}
      const column = COLUMNS.indexOf('${NAME}')
      const values = new Set()
      let differences = 0
      for (const { history, configuration } of fc.sample(oracleCases, { numRuns: 12, seed: 7 })) {
        const { evaluations } = runEngine(history, configuration)
        oracleEvaluations(history, configuration).forEach((expected, i) => {
          const value = evaluations[i].values[column]
          const theirs = expected.values['${NAME}'] ?? NaN
          values.add(theirs)
          if (!Object.is(value, theirs)) differences++
        })
      }
      console.log(JSON.stringify({ differences, values: values.size }))`,
    )
    const { differences, values } = JSON.parse(done(await startNode(script).outcome)) as Record<string, number>
    expect(differences).toBe(0)
    expect(values).toBeGreaterThan(5)
  })
})

/** Puts code behind a text that the file has exactly once, as a person would. */
function insertAfter(path: string, anchor: string, code: string): void {
  const parts = readFileSync(join(copy, path), 'utf8').split(anchor)
  if (parts.length !== 2) throw new Error(`${path} has "${anchor}" ${parts.length - 1} times`)
  writeFileSync(join(copy, path), parts.join(`${anchor}${code}`))
}

function done({ code, stdout, stderr }: Outcome): string {
  expect(code, stderr).toBe(0)
  return stdout
}

async function sql(query: string, ...args: readonly string[]): Promise<unknown[]> {
  const text = done(await foreshock('sql', '--data', data, '--format', 'JSONEachRow', ...args, '--', query))
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as unknown)
}

/** A borrower with a loan that is never past due, so that its month ends are exported, and one without any. */
function events(): string[] {
  const event = (subject: string, id: string, type: string, date: string, fields: Record<string, unknown>) =>
    JSON.stringify({ id, source: 'core', type, time: `${date}T10:00:00+08:00`, subject, data: fields })
  const moved = (subject: string, id: string, date: string, direction: string) =>
    event(subject, id, 'transaction.posted', date, { account: 'A1', direction, currency: 'CNY', amount_minor: 100 })
  const schedule = [{ due_date: '2024-12-01', principal_minor: 1000 }]
  const disbursed_at = '2024-01-01T10:00:00+08:00'
  return [
    event('b-1', 'l-1', 'loan.disbursed', '2024-01-01', {
      loan: 'L1',
      currency: 'CNY',
      principal_minor: 1000,
      disbursed_at,
      schedule,
    }),
    moved('b-1', 'e-1', '2024-01-01', 'in'),
    moved('b-2', 'n-1', '2024-01-01', 'in'),
    moved('b-1', 'e-2', '2024-01-05', 'in'),
    moved('b-1', 'e-3', '2024-01-06', 'out'),
    moved('b-1', 'e-4', '2024-01-20', 'out'),
    moved('b-1', 'e-5', '2024-02-03', 'in'),
    moved('b-1', 'e-6', '2024-02-18', 'out'),
    moved('b-2', 'n-2', '2024-02-18', 'in'),
    moved('b-1', 'e-7', '2024-02-19', 'in'),
    moved('b-2', 'n-3', '2024-02-19', 'in'),
    moved('b-2', 'n-4', '2024-02-19', 'in'),
    moved('b-2', 'n-5', '2024-02-19', 'out'),
  ]
}
