import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_TENANT_CONFIGURATION } from '../../../features/events/contract.ts'
import { dayOfDate } from '../../../features/time.ts'
import { longOracleCases } from '../../oracle/arbitraries.ts'
import type { HistoryItem, OracleCase } from '../../oracle/history.ts'
import { type OracleDay, oracleLoanDays, oracleMonthEnds } from '../../oracle/rows.ts'
import { dateAfter, disbursement, noon, type RawEvent, repayment } from '../run/events.ts'
import type { CollectedRows } from './collected.ts'
import { decoded, logOf, ONE_BORROWER_SHAPE, offsetOfItem } from './one-borrower.ts'
import { newEngine, process } from './replay.ts'

const SEED = 20_260_301
const CASES = 200

/**
 * What the engine says of every loan at every tick: its rows of `loan_days` hold until the next date that has one, and of
 * those of one date the one written last.
 */
function filledForward(rows: CollectedRows, { history }: OracleCase): string[] {
  const latest = new Map<string, Map<number, string>>()
  const lines: string[] = []
  let next = 0
  history.forEach((item, index) => {
    if (item.kind !== 'tick') return
    while (next < rows.loanDays.length && (rows.loanDays[next] as { offset: number }).offset <= offsetOfItem(index)) {
      const row = rows.loanDays[next++] as CollectedRows['loanDays'][number]
      expect(row.date).toBeLessThanOrEqual(item.day)
      const days = latest.get(row.loan) ?? new Map<number, string>()
      latest.set(row.loan, days.set(row.date, describeDay(row)))
    }
    for (const [loan, days] of [...latest].sort(([a], [b]) => (a < b ? -1 : 1)))
      lines.push(`tick ${index} day ${item.day} ${loan} ${days.get(Math.max(...days.keys()))}`)
  })
  return lines
}

const AMOUNTS = [
  'outstanding_principal_minor',
  'interest_minor',
  'fee_minor',
  'penalty_minor',
  'overdue_principal_minor',
  'overdue_interest_minor',
  'overdue_fee_minor',
  'paid_minor',
  'overpaid_minor',
  'recovered_minor',
] as const

function describeDay(day: OracleDay): string {
  return `${day.status} dpd ${day.dpd} ${day.bucket} ${AMOUNTS.map((name) => `${name} ${day[name]}`).join(' ')}`
}

function oracleDayLines({ history, configuration }: OracleCase): string[] {
  const indexOf = new Map(history.map((item, index) => [item.offset, index]))
  const rows = oracleLoanDays(history, configuration)
  return rows
    .toSorted((a, b) => a.offset - b.offset || (a.loan < b.loan ? -1 : 1))
    .map((row) => `tick ${indexOf.get(row.offset)} day ${row.day} ${row.loan} ${describeDay(row)}`)
}

/** Fails where the engine's rows are not the oracle's; gives how many were compared. */
async function compare(one: OracleCase): Promise<{ days: number; months: number }> {
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
  return { days: expectedDays.length, months: expectedMonths.length }
}

const DEFAULT = DEFAULT_TENANT_CONFIGURATION
const FIRST_DAY = dayOfDate('2024-01-01')

/** A history of these events and ticks (days after 2024-01-01), in this order. */
function historyOf(items: readonly (RawEvent | number)[]): OracleCase {
  const history = items.map((item, offset): HistoryItem => {
    if (typeof item === 'number') return { kind: 'tick', day: FIRST_DAY + item, offset }
    return { kind: 'event', event: decoded(item), offset }
  })
  return { history, configuration: DEFAULT }
}

const loan = disbursement('loan', noon(0), 'b', 'l')
/** A repayment booked on one day with a value date on another. */
const paid = (day: number, valueDay: number, amount_minor = 100_000): RawEvent => {
  const event = repayment(`paid-${day}`, noon(day), 'b', 'l')
  return { ...event, data: { ...event.data, amount_minor, paid_at: noon(valueDay) } }
}
const ended = (type: 'loan.closed' | 'loan.written_off', day: number, valueDay = day): RawEvent => {
  const at = type === 'loan.closed' ? 'closed_at' : 'written_off_at'
  return { ...loan, id: type, type, time: noon(day), data: { loan: 'l', [at]: noon(valueDay) } }
}
const restructured = (day: number, effectiveDay = day): RawEvent => {
  const schedule = [100, 130].map((after) => ({ due_date: dateAfter(after), principal_minor: 100_000 }))
  const data = { loan: 'l', effective_date: dateAfter(effectiveDay), schedule }
  return { ...loan, id: 'restructured', type: 'loan.restructured', time: noon(day), data }
}
const ticks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

const EXAMPLES: Readonly<Record<string, readonly (RawEvent | number)[]>> = {
  'a write-off right after a value date that lay ahead': [
    loan,
    paid(1, 3),
    ended('loan.written_off', 4),
    ...ticks(0, 35),
  ],
  'a restructuring right after a value date that lay ahead': [loan, paid(1, 3), restructured(4), ...ticks(0, 35)],
  'a restructuring with an effective date ahead': [loan, paid(1, 1, 50_000), restructured(4, 9), ...ticks(0, 35)],
  'a closing told ahead, and a value date before it': [loan, ended('loan.closed', 1, 33), paid(2, 9), ...ticks(0, 35)],
  'a closing with money still owed': [loan, ...ticks(0, 30), ended('loan.closed', 32), ...ticks(31, 60)],
  'money after the write-off': [loan, ...ticks(0, 40), ended('loan.written_off', 41), paid(43, 43), ...ticks(41, 65)],
  'days that close long after': [loan, paid(29, 29), paid(65, 65, 7), ended('loan.closed', 70), ...ticks(0, 70)],
}

describe('rows about loans', () => {
  it.each(Object.entries(EXAMPLES))('are the oracle’s: %s', async (_, items) => {
    const { days, months } = await compare(historyOf(items))
    expect([days > 0, months > 0]).toEqual([true, true])
  })

  it(`are the oracle's at every closed day and month end, on random histories (seed ${SEED})`, async () => {
    let days = 0
    let months = 0
    await fc.assert(
      fc.asyncProperty(longOracleCases, async (one) => {
        const compared = await compare(one)
        days += compared.days
        months += compared.months
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
