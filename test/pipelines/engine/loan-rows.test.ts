import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayOfDate } from '../../../features/time.ts'
import { oracleCases } from '../../oracle/arbitraries.ts'
import type { OracleCase } from '../../oracle/history.ts'
import { oracleLoanDays, oracleMonthEnds } from '../../oracle/rows.ts'
import { CollectedRows } from './collected.ts'
import { logOf, ONE_BORROWER_SHAPE, offsetOfItem } from './one-borrower.ts'
import { newEngine, process } from './replay.ts'

const SEED = 20_260_301
const CASES = 300

/** What the engine says of every loan at every tick: its rows of `loan_days` hold until the next one. */
function filledForward(rows: CollectedRows, { history }: OracleCase): string[] {
  const latest = new Map<string, string>()
  const lines: string[] = []
  let next = 0
  history.forEach((item, index) => {
    if (item.kind !== 'tick') return
    while (next < rows.loanDays.length && (rows.loanDays[next] as { offset: number }).offset <= offsetOfItem(index)) {
      const row = rows.loanDays[next++] as CollectedRows['loanDays'][number]
      const { status, dpd, bucket, outstanding_principal_minor, overdue_minor, paid_minor } = row
      expect(row.date).toBe(item.day)
      latest.set(row.loan, describeDay({ status, dpd, bucket, outstanding_principal_minor, overdue_minor, paid_minor }))
    }
    for (const [loan, text] of [...latest].sort(([a], [b]) => (a < b ? -1 : 1)))
      lines.push(`tick ${index} day ${item.day} ${loan} ${text}`)
  })
  return lines
}

function describeDay(day: {
  status: string
  dpd: number
  bucket: string
  outstanding_principal_minor: number
  overdue_minor: number
  paid_minor: number
}): string {
  return `${day.status} dpd ${day.dpd} ${day.bucket} outstanding ${day.outstanding_principal_minor} overdue ${day.overdue_minor} paid ${day.paid_minor}`
}

function oracleDayLines({ history, configuration }: OracleCase): string[] {
  const indexOf = new Map(history.map((item, index) => [item.offset, index]))
  const rows = oracleLoanDays(history, configuration)
  return rows
    .toSorted((a, b) => a.offset - b.offset || (a.loan < b.loan ? -1 : 1))
    .map((row) => `tick ${indexOf.get(row.offset)} day ${row.day} ${row.loan} ${describeDay(row)}`)
}

describe('rows about loans', () => {
  it(`are the oracle's at every closed day and month end, on random histories (seed ${SEED})`, async () => {
    let days = 0
    let months = 0
    await fc.assert(
      fc.asyncProperty(oracleCases, async (one) => {
        const rows = await process(newEngine(ONE_BORROWER_SHAPE), logOf(one))
        const expectedDays = oracleDayLines(one)
        expect(firstDifference(filledForward(rows, one), expectedDays)).toBeUndefined()

        const indexOf = new Map(one.history.map((item, index) => [item.offset, index]))
        const expectedMonths = oracleMonthEnds(one.history, one.configuration).map((row) => ({
          offset: offsetOfItem(indexOf.get(row.offset) as number),
          month: row.month,
          loan: row.loan,
          mob: row.mob,
          cohort: row.cohort,
          status: row.status,
          dpd: row.dpd,
          bucket: row.bucket,
          worst_dpd: row.worst_dpd,
          balance_minor: row.balance_minor,
        }))
        const actualMonths = rows.loanMonths.map((row) => ({
          offset: row.offset,
          month: monthNumber(row.month),
          loan: row.loan,
          mob: row.mob,
          cohort: monthNumber(row.cohort),
          status: row.status,
          dpd: row.dpd,
          bucket: row.bucket,
          worst_dpd: row.worst_dpd,
          balance_minor: row.balance_minor,
        }))
        expect(actualMonths).toEqual(expectedMonths)
        days += expectedDays.length
        months += expectedMonths.length
      }),
      { seed: SEED, numRuns: CASES },
    )
    // The histories are not empty of what is compared.
    expect(days).toBeGreaterThan(CASES * 10)
    expect(months).toBeGreaterThan(CASES)
  }, 120_000)
})

/** Months since January 1970 of the day number of a month's first day. */
function monthNumber(day: number): number {
  const date = new Date((day - dayOfDate('1970-01-01')) * 86_400_000)
  expect(date.getUTCDate()).toBe(1)
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}

function firstDifference(actual: readonly string[], expected: readonly string[]): unknown {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    if (actual[i] !== expected[i]) return { engine: actual[i], oracle: expected[i] }
  }
  return undefined
}
