import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SINGLE, type Topology } from '../../sql/client.ts'
import { renderMigrations } from '../../sql/migrate.ts'
import { renderAlter, renderMigration } from '../../sql/topology.ts'
import { openTestDatabase, type TestDatabase } from './support.ts'

const CLUSTER: Topology = { kind: 'cluster', cluster: 'risk' }

let test_database: TestDatabase
beforeAll(async () => {
  test_database = await openTestDatabase()
})
afterAll(() => test_database.close())

/** Mend a golden file by deleting it and running this test: then read what changed. */
describe.each([
  ['single', SINGLE],
  ['cluster', CLUSTER],
] as const)('the migrations for %s', (name, topology) => {
  const statements = renderMigrations(topology)

  test('are those of the golden file', async () => {
    await expect(`${statements.join(';\n\n')};\n`).toMatchFileSnapshot(`golden/migrations-${name}.sql`)
  })

  test('are all understood by the parser of ClickHouse', async () => {
    const sql = test_database.database.session()
    for (const statement of statements) {
      const [row] = await sql.query<{ text: string }>('SELECT formatQuery({statement:String}) AS text', {
        params: { statement },
      })
      expect(row?.text).toMatch(/^(CREATE|ALTER TABLE) /)
    }
    await expect(
      sql.query('SELECT formatQuery({statement:String})', { params: { statement: 'CREATE TABLE a (' } }),
    ).rejects.toThrow('Syntax error')
    await sql.close()
  })
})

test('on one node a statement stands as it is written', () => {
  expect(renderMigration('anything at all', SINGLE)).toEqual(['anything at all'])
})

test('a cluster has a replicated table on each shard, keyed by log partition, and one over them of the plain name', () => {
  const statements = renderMigrations(CLUSTER)
  const tables = statements.filter((statement) => statement.startsWith('CREATE TABLE'))
  const heads = tables.map((statement) => /^CREATE TABLE IF NOT EXISTS (\w+) ON CLUSTER `risk` /.exec(statement)?.[1])
  expect(heads).not.toContain(undefined)
  const local = heads.filter((name) => name?.endsWith('_local')).map((name) => name?.replace('_local', ''))
  expect(local.length).toBeGreaterThan(8)
  const same = ['job_runs', 'schema_migrations', 'source_files']
  expect(new Set(heads.filter((name) => !name?.endsWith('_local')))).toEqual(new Set([...local, ...same]))
  for (const [i, statement] of tables.entries()) {
    const name = heads[i] ?? ''
    const path = `'/clickhouse/tables/${same.includes(name) ? 'all' : '{shard}'}/{database}/${name}'`
    if (local.includes(name)) expect(statement).toContain(`Distributed('risk', currentDatabase(), '${name}_local', `)
    else expect(statement).toContain(`ENGINE = ReplicatedReplacingMergeTree(${path}, '`)
  }
})

test('a version column stays one, and a row of before the log goes to the first shard', () => {
  const [local, whole] = renderMigration(
    'CREATE TABLE IF NOT EXISTS a (\n  `partition` Nullable(UInt16)\n)\nENGINE = ReplacingMergeTree(v)\nORDER BY k',
    CLUSTER,
  )
  expect(local).toContain(
    "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/a_local', '{replica}', v)",
  )
  expect(whole).toContain("'a_local', ifNull(`partition`, 0))")
})

test('a change of a table comes to its local form first', () => {
  expect(renderAlter('features', 'ADD COLUMN x Float64', CLUSTER)).toEqual([
    'ALTER TABLE features_local ON CLUSTER `risk` ADD COLUMN x Float64',
    'ALTER TABLE features ON CLUSTER `risk` ADD COLUMN x Float64',
  ])
  expect(renderAlter('source_files', 'ADD COLUMN x Float64', CLUSTER)).toHaveLength(1)
  expect(renderAlter('features', 'ADD COLUMN x Float64', SINGLE)).toEqual(['ALTER TABLE features ADD COLUMN x Float64'])
})

test('a column that a migration adds comes to both forms of its table', () => {
  expect(renderMigration('ALTER TABLE loans ADD COLUMN IF NOT EXISTS x Date', CLUSTER)).toEqual([
    'ALTER TABLE loans_local ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS x Date',
    'ALTER TABLE loans ON CLUSTER `risk` ADD COLUMN IF NOT EXISTS x Date',
  ])
})

test('a statement without a form for a cluster is refused rather than run on one node', () => {
  for (const statement of [
    'DROP TABLE a',
    'ALTER TABLE a DROP COLUMN x',
    'CREATE TABLE IF NOT EXISTS a (k UInt64) ENGINE = Memory',
    'CREATE TABLE IF NOT EXISTS a (k UInt64) ENGINE = ReplacingMergeTree ORDER BY k',
  ]) {
    expect(() => renderMigration(statement, CLUSTER), statement).toThrow(/no form|no partition/)
  }
})
