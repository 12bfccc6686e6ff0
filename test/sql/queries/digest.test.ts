import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Sql } from '../../../sql/client.ts'
import { ensureFeatureColumns, migrate } from '../../../sql/migrate.ts'
import { readDigest } from '../../../sql/queries/digest.ts'
import { createDeadLettersBlock } from '../../../sql/tables/dead-letters.ts'
import { createFeaturesBlock } from '../../../sql/tables/features.ts'
import { openTestDatabase, type TestDatabase } from '../support.ts'

let test_database: TestDatabase
let sql: Sql

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
  await ensureFeatureColumns(sql, ['b', 'a'])
})
afterAll(() => test_database.close())

const FEATURE = { tenant: 't', partition: 0, borrower: 'b', type: 'x', time: 1, late_ms: 0, generation: 0 }

async function digestOf(rows: readonly (readonly [offset: number, a: number, b: number])[], names = ['a', 'b']) {
  await sql.command('TRUNCATE TABLE features')
  const block = createFeaturesBlock(names)
  for (const [offset, a, b] of rows) block.append({ ...FEATURE, offset }, Float64Array.of(a, b), 0)
  await sql.insertBlock('features', block)
  return (await readDigest(sql)).find(({ table }) => table === 'features')
}

test('it covers the tables that come out of the log and not those that tell of the run', async () => {
  expect((await readDigest(sql)).map(({ table }) => table)).toEqual([
    'dead_letters',
    'events',
    'features',
    'loan_days',
    'loan_months',
    'loan_movements',
    'loans',
    'scores',
    'signals',
    'warnings',
  ])
})

test('it is the same for the same rows in another order or written twice, and another for any other cell', async () => {
  const once = await digestOf([
    [1, 0.5, Number.NaN],
    [2, 1, 2],
  ])
  expect(once?.rows).toBe(2)
  const again = await digestOf([
    [2, 1, 2],
    [1, 0.5, Number.NaN],
    [2, 1, 2],
  ])
  expect(again).toEqual(once)
  const swapped = await digestOf([
    [1, Number.NaN, 0.5],
    [2, 1, 2],
  ])
  expect(swapped).not.toEqual(once)
  const lastBit = await digestOf([
    [1, 0.5 + Number.EPSILON / 2, Number.NaN],
    [2, 1, 2],
  ])
  expect(lastBit).not.toEqual(once)
  const zero = await digestOf([
    [1, 0.5, 0],
    [2, 1, 2],
  ])
  expect(zero).not.toEqual(once)
})

test('the clock of dead letters does not count', async () => {
  const write = async (recorded_at: number, detail: string) => {
    await sql.command('TRUNCATE TABLE dead_letters')
    const block = createDeadLettersBlock()
    block.append({
      tenant: 't',
      source_partition: 's',
      source_position: 1,
      item: 0,
      step: 'decode',
      reason: 'not_json',
      detail,
      event_id: '',
      event_type: '',
      borrower: '',
      partition: null,
      offset: null,
      recorded_at,
    })
    await sql.insertBlock('dead_letters', block)
    return (await readDigest(sql)).find(({ table }) => table === 'dead_letters')
  }
  const first = await write(1, 'a')
  expect(await write(2, 'a')).toEqual(first)
  expect(await write(2, 'b')).not.toEqual(first)
})
