import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dayOfDate } from '../../../features/time.ts'
import type { Model } from '../../../models/model.ts'
import { loadModels } from '../../../pipelines/run/models.ts'
import { createModelWatch, WATCHED_ROWS_MIN } from '../../../pipelines/schedule/model-watch.ts'
import type { Sql } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'
import { openTestDatabase, type TestDatabase } from '../../sql/support.ts'

/** The model that is shipped, its real card, and scores of a month end written straight into the tables. */

const DATE = '2024-03-31'
const TICK = 7
let test_database: TestDatabase
let sql: Sql
let models: readonly Model[]

beforeAll(async () => {
  test_database = await openTestDatabase()
  sql = test_database.database.session()
  await migrate(sql)
  const loaded = await loadModels()
  if (!loaded.ok) throw new Error(loaded.detail)
  models = loaded.models
})
afterAll(() => test_database.close())

/** Borrowers `from` to `to` with a score in a band, and a loan of these days past due at the month end. */
async function score(tenant: string, band: string, from: number, to: number, dpd = 0, worst = dpd, offset = TICK) {
  await sql.command(
    `INSERT INTO scores (tenant, partition, offset, borrower, model, score, band)
     SELECT '${tenant}', 0, ${offset}, concat('b', toString(number)), '${models.at(-1)!.id}', 0.1, '${band}'
     FROM numbers(${from}, ${to - from})`,
  )
  await sql.command(
    `INSERT INTO loan_months (tenant, loan, borrower, month, status, dpd, worst_dpd)
     SELECT '${tenant}', concat('l', toString(number)), concat('b', toString(number)), '2024-03-01', 'open', ${dpd}, ${worst}
     FROM numbers(${from}, ${to - from})`,
  )
}

async function watch(tenant: string) {
  await sql.command(
    `INSERT INTO events (tenant, partition, offset, type, data)
     VALUES ('${tenant}', 0, ${TICK}, 'day.closed', '{"date":"${DATE}","slice":0,"slices":1}')`,
  )
  const outcome = await createModelWatch(sql, models).run({ tenant, date: DATE, day: dayOfDate(DATE), start_ms: 0 })
  return outcome.ok ? (outcome.result['models'] as Record<string, unknown>[]) : []
}

describe('model watch', () => {
  test('gives n, the bins of the card’s test and their PSI, over those whom the label is about', async () => {
    await score('many', 'none', 0, 300)
    await score('many', 'red', 300, 400)
    // Late then, or ever; and a score that is not of the tick.
    await score('many', 'red', 400, 450, 3)
    await score('many', 'red', 450, 500, 0, 45)
    await score('many', 'yellow', 500, 550, 0, 0, TICK + 1)
    const [shift] = await watch('many')
    expect(shift).toMatchObject({
      model: models.at(-1)!.id,
      n: 400,
      baseline_n: 3849,
      bins: [
        { band: 'red', expected: 24, actual: 100 },
        { band: 'orange', expected: 82, actual: 0 },
        { band: 'yellow', expected: 127, actual: 0 },
        { band: 'blue', expected: 234, actual: 0 },
        { band: 'none', expected: 3382, actual: 300 },
      ],
    })
    const shares = [
      [24, 100],
      [82, 0.5],
      [127, 0.5],
      [234, 0.5],
      [3382, 300],
    ].map(([expected, actual]) => [expected! / 3849, actual! / 400] as const)
    const psi = shares.reduce((sum, [e, a]) => sum + (a - e) * Math.log(a / e), 0)
    expect(shift!['psi']).toBeCloseTo(psi, 12)
    expect(psi).toBeGreaterThan(1)
  })

  test('says why there is none', async () => {
    await score('few', 'none', 0, WATCHED_ROWS_MIN - 1)
    expect(await watch('few')).toMatchObject([{ n: 199, psi: null, reason: '199 scores are too few: 200 are needed' }])
    expect(await watch('nobody')).toEqual([])
  })
})
