import { afterAll, beforeAll, expect, it } from 'vitest'
import { MONTH_CHECKS } from '../../../pipelines/schedule/month-close.ts'
import { migrate } from '../../../sql/migrate.ts'
import { listChecks } from '../../../sql/queries/ledger-checks.ts'
import { openTestDatabase, type TestDatabase } from '../../sql/support.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await openTestDatabase()
})
afterAll(() => test.close())

it('the close of a month asks every check of the ledger, and names what does not add up', async () => {
  const sql = test.database.session()
  await migrate(sql)
  await sql.command("INSERT INTO progress VALUES (0, 10, 0, '{}')")
  await sql.command(
    "INSERT INTO loan_movements (tenant, loan, date, part, offset, closing_minor) VALUES ('t', 'l', '2024-01-31', 'fee', 5, 1)",
  )
  const found: string[] = []
  for (const { name, check } of MONTH_CHECKS) {
    if ((await check(sql, 't', '2024-01-31'))?.includes('loan l 2024-01-31 fee') === true) found.push(name)
  }
  await sql.close()
  expect(MONTH_CHECKS.map(({ name }) => name)).toEqual(expect.arrayContaining(listChecks()))
  expect(found).toContain('movements-add-up')
})
