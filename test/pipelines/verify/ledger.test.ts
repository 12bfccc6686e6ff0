import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyLedger } from '../../../pipelines/verify/ledger.ts'
import { listChecks } from '../../../sql/queries/ledger-checks.ts'
import { ledgerCase } from '../../oracle/ledger-cases.ts'
import { receive } from '../../oracle/reception.ts'
import { byLoan, oracleDay } from '../../oracle/rows.ts'
import { toIncoming } from '../run/events.ts'
import { withPipeline } from '../run/open.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { findingsOf, verifyPipeline } from './run.ts'

const SEED = 77
const LOANS = 60
const directory = join(temporaryFolder(), 'data')

/** Lives of loans of the configuration that nobody has to give, each with a borrower of its own. */
const lives = Array.from({ length: LOANS * 8 }, (_, i) => ledgerCase(SEED + i))
  .filter(({ configuration }) => configuration.allocation === 'by_part')
  .slice(0, LOANS)
  .map((one, i) => ({ ...one, loan: `L${i}`, borrower: `b${i}` }))

/** All lives as one file, in the order of time, as their source would have written them. */
function lines(): string[] {
  const configured = {
    id: 'configured',
    source: 'core',
    type: 'tenant.configured',
    time: 0,
    data: { allocation: 'by_part' },
  }
  const events = lives.flatMap(({ history, loan, borrower }) =>
    history.flatMap((item) => {
      if (item.kind !== 'event') return []
      const { tenant: _, version: __, ...event } = item.event
      const repayment = 'repayment' in event.data ? { repayment: `${borrower}-${event.data.repayment}` } : {}
      const data = { ...event.data, loan, ...repayment }
      return [{ ...event, id: `${borrower}-${event.id}`, subject: borrower, data }]
    }),
  )
  return [configured, ...events.sort((a, b) => a.time - b.time)].map((event) => JSON.stringify(event))
}

beforeAll(async () => {
  await withPipeline(
    directory,
    async (pipeline) => {
      const all = lines()
      for (let at = 0; at < all.length; at += 100) {
        const place = { tenant: 'default', partition: 'file:lives', position: at + 1 }
        await pipeline.take(toIncoming(all.slice(at, at + 100), place), undefined)
      }
      await pipeline.drain()
    },
    { shape: { partitions: 2, slices: 2 }, withoutModel: true },
  )
}, 120_000)

describe('the ledger in the tables', () => {
  it('adds up to the minor unit, and is what the log says', async () => {
    await withPipeline(
      directory,
      async (pipeline) => {
        const report = await verifyLedger({ database: pipeline.database })
        expect(report.checks.flatMap(({ differences }) => differences)).toEqual([])
        expect(report.differing).toBe(0)
        expect(report.loans).toBeGreaterThan(LOANS / 2)
        expect(report.movements).toBeGreaterThan(LOANS * 3)
        const verified = await verifyPipeline(pipeline)
        expect(findingsOf(verified)).toEqual([])
        const sql = pipeline.database.session()
        const [restated] = await sql.query<{ rows: number }>(
          'SELECT count() AS rows FROM loan_days WHERE known_date > date',
        )
        expect(restated?.rows).toBeGreaterThan(10)
        await sql.close()
      },
      { withoutModel: true },
    )
  }, 120_000)

  it('has every day of every loan, as known now and as known then, like the oracle', async () => {
    await withPipeline(
      directory,
      async ({ database }) => {
        const sql = database.session()
        const range = "from_date = '2024-01-01', to_date = '2024-12-31'"
        type Row = { loan: string; date: string; dpd: number; balance: number; interest: number }
        const columns = `loan, toString(f.date) AS date, dpd, outstanding_principal_minor AS balance, interest_minor AS interest`
        const now = await sql.query<Row>(`SELECT ${columns} FROM loan_days_filled(${range}) AS f ORDER BY loan, date`)
        const then = await sql.query<Row>(
          `SELECT ${columns} FROM loan_days_as_known(${range}, as_known = '2024-02-01') AS f ORDER BY loan, date`,
        )
        const last = await sql.query<{ last: string }>(
          "SELECT toString(min(last)) AS last FROM (SELECT max(JSONExtractString(data, 'date')) AS last FROM events WHERE type = 'day.closed' GROUP BY partition)",
        )
        await sql.close()
        expect(then.length).toBeGreaterThan(50)
        expect(then.every(({ date }) => date <= '2024-02-01')).toBe(true)
        expect(now.every(({ date }) => date <= last[0]!.last)).toBe(true)
        let compared = 0
        for (const { history, configuration, loan } of lives) {
          const events = history.filter((item) => item.kind === 'event')
          const ordered = events
            .toSorted((a, b) => a.event.time - b.event.time)
            .map((item, offset) => ({ ...item, offset }))
          const entries = byLoan(receive(ordered, configuration).receptions.at(-1)?.received.ledger ?? []).get('L')
          for (const row of now.filter((one) => one.loan === loan)) {
            const day = oracleDay(entries!, Date.parse(row.date) / 86_400_000, configuration)
            expect({ ...row }).toEqual({
              loan,
              date: row.date,
              dpd: day.dpd,
              balance: day.outstanding_principal_minor,
              interest: day.interest_minor,
            })
            compared++
          }
        }
        expect(compared).toBeGreaterThan(300)
      },
      { withoutModel: true },
    )
  }, 120_000)

  it.each([
    ['a closing', 'loan_movements', 'closing_minor', ['movements-add-up']],
    ['a balance', 'loan_days', 'interest_minor', ['balances-are-closings']],
    ['a payment', 'loan_days', 'overpaid_minor', ['payments-are-allocated']],
  ])('is seen not to add up when %s is one minor unit off', async (_, table, column, checks) => {
    await withPipeline(
      directory,
      async ({ database }) => {
        const sql = database.session()
        const key = 'tenant, dataset, loan, date, partition, offset, seq'
        const [row] = await sql.query<{ loan: string; date: string }>(
          `SELECT loan, toString(date) AS date FROM ${table} FINAL ORDER BY date DESC, loan, ${key} DESC LIMIT 1`,
        )
        const change = async (by: number) => {
          const rows = `SELECT * REPLACE (${column} + ${by} AS ${column}) FROM ${table} FINAL
            WHERE loan = '${row!.loan}' AND date = '${row!.date}'`
          await sql.command(`INSERT INTO ${table} ${rows}`)
        }
        await change(1)
        const report = await verifyLedger({ database })
        await change(-1)
        const found = report.checks.filter(({ differing }) => differing > 0)
        expect(found.map(({ check }) => check)).toEqual(expect.arrayContaining(checks))
        for (const { differences } of found) {
          expect(differences.every(({ loan }) => loan === row!.loan)).toBe(true)
          expect(differences.map((one) => Math.abs(one.actual_minor - one.expected_minor))).toContain(1)
        }
        expect((await verifyLedger({ database })).differing).toBe(0)
        await sql.close()
      },
      { withoutModel: true },
    )
  })

  it('is asked by every check that has a file', () => {
    expect(listChecks().length).toBeGreaterThanOrEqual(6)
  })
})
