import type { Sql } from '../../sql/client.ts'
import { listChecks, runCheck } from '../../sql/queries/ledger-checks.ts'
import { readMonthDifferences, readMonthTotals } from '../../sql/queries/month-close.ts'
import type { Job, JobKind } from './job.ts'

/** One way to show that a month's figures are right: nothing where they are, else what is not, in one line. */
export type MonthCheck = {
  readonly name: string
  check(sql: Sql, tenant: string, date: string): Promise<string | undefined>
}

/** What is compared when a month is closed. */
export const MONTH_CHECKS: readonly MonthCheck[] = [
  {
    name: 'month-end rows equal the days they come from',
    async check(sql, tenant, date) {
      const { count, named } = await readMonthDifferences(sql, tenant, date)
      if (count === 0) return undefined
      const some = named.map(({ loan, found }) => `loan ${loan} ${found}`).join('; ')
      return `${count} ${count === 1 ? 'loan differs' : 'loans differ'}: ${some}`
    },
  },
  ...listChecks().map(ledgerCheck),
]

/** A reconciliation of the ledger over all dates: what was wrong before the month is wrong in it. */
function ledgerCheck(name: string): MonthCheck {
  return {
    name,
    async check(sql, tenant) {
      const { differing, differences } = await runCheck(sql, name, tenant)
      const [first] = differences
      if (first === undefined) return undefined
      const { loan, date, part, expected_minor, actual_minor } = first
      return `${differing} differ, first loan ${loan} ${date} ${part}: ${actual_minor}, expected ${expected_minor}`
    },
  }
}

export const MONTH_CLOSE: JobKind = {
  name: 'month-close',
  description: 'sums up and reconciles the month-end rows of own loans',
  cadence: 'month',
  schedule: '10 7 * * *',
}

/** Sums up a month's last day, by bucket and category, and reconciles it. */
export function createMonthClose(sql: Sql, checks: readonly MonthCheck[] = MONTH_CHECKS): Job {
  return {
    ...MONTH_CLOSE,
    async run({ tenant, date }) {
      const failures: string[] = []
      for (const { name, check } of checks) {
        const failure = await check(sql, tenant, date)
        if (failure !== undefined) failures.push(`${name}: no, ${failure}`)
      }
      if (failures.length > 0) return { ok: false, detail: failures.join('; ') }
      const totals = await readMonthTotals(sql, tenant, date)
      return { ok: true, result: { ...totals, checks: checks.map(({ name }) => name) } }
    },
  }
}
