import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AMOUNT_MINOR_MAX } from '../../features/events/fields.ts'
import { calendarOf } from '../../features/time.ts'
import { oracleCases } from './arbitraries.ts'
import { naiveCalendar } from './calendar.ts'
import { newCoverage } from './coverage.ts'
import { ORACLE_FEATURE_NAMES, oracleEvaluations } from './features.ts'
import { isIndex } from './history.ts'
import { oracleDeadLetters } from './reception.ts'
import { oracleLoanDays, oracleMonthEnds } from './rows.ts'
import { shardOf } from './shards.ts'
import { MS_PER_DAY } from './view.ts'

/** What the random histories reach, so that agreement with the oracle means something. */

const CASES = 400
const cases = fc.sample(oracleCases, { numRuns: CASES, seed: 20240229 })

describe('random histories', () => {
  test('stand in log order, and their ticks close one day after the other', () => {
    for (const { history } of cases) {
      const offsets = history.map((item) => item.offset)
      expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
      const days = history.flatMap((item) => (item.kind === 'tick' ? [item.day] : []))
      expect(days).toEqual(days.map((_, index) => days[0]! + index))
    }
  })

  test('take every feature to several values and to missing', { timeout: 120_000 }, () => {
    const coverage = newCoverage()
    for (const { history, configuration } of cases) {
      for (const { values } of oracleEvaluations(history, configuration)) coverage.note(values)
    }
    expect(ORACLE_FEATURE_NAMES).toHaveLength(256)
    expect(coverage.constant()).toEqual([])
    expect(coverage.alwaysPresent()).toEqual([])
    expect(coverage.impossible()).toEqual([])
  })

  test('hold sums beyond 2^53, more accounts, statements and collateral than are kept', () => {
    const most = { rows: 0, accounts: 0, statements: 0, references: 0, indices: 0 }
    for (const { history } of fc.sample(oracleCases, { numRuns: 2_000, seed: 20240301 })) {
      const events = history.flatMap((item) => (item.kind === 'event' ? [item.event] : []))
      const transactions = events.flatMap((one) => (one.type === 'transaction.posted' ? [one.data] : []))
      const signals = events.flatMap((one) => (one.type === 'signal.reported' ? [one] : []))
      const references = signals
        .filter(({ data }) => data.kind === 'collateral_valuation')
        .map(({ data }) => data.reference)
      const counts = {
        rows: transactions.filter(({ amount_minor }) => amount_minor > AMOUNT_MINOR_MAX - 3).length,
        accounts: new Set(transactions.map(({ account }) => account)).size,
        statements: signals.filter(({ data }) => data.statement !== undefined).length,
        references: new Set(references).size,
        indices: signals.filter(isIndex).length,
      }
      for (const name of Object.keys(most) as (keyof typeof most)[]) most[name] = Math.max(most[name], counts[name])
    }
    expect(most.rows * AMOUNT_MINOR_MAX).toBeGreaterThan(2 ** 53)
    expect(most.accounts).toBeGreaterThan(127)
    expect(most.statements).toBeGreaterThan(16)
    expect(most.references).toBeGreaterThan(16)
    expect(most.indices).toBeGreaterThan(2)
  })

  test('end in every dead letter, status and bucket', () => {
    const reasons = new Set<string>()
    const labels = new Set<string>()
    let monthEnds = 0
    for (const { history, configuration } of cases) {
      for (const { reason } of oracleDeadLetters(history, configuration)) reasons.add(reason)
      for (const { status, bucket } of oracleLoanDays(history, configuration)) labels.add(status).add(bucket)
      monthEnds += oracleMonthEnds(history, configuration).length
    }
    expect([...reasons].sort()).toEqual([
      'already_reversed',
      'before_loan',
      'currency_mismatch',
      'held_full',
      'loan_conflict',
      'loan_not_open',
      'unknown_loan',
      'unknown_repayment',
    ])
    expect([...labels]).toEqual(
      expect.arrayContaining(['open', 'closed', 'written_off', 'current', 'M1', 'M6', 'M7+', 'M2+']),
    )
    expect(monthEnds).toBeGreaterThan(100)
  })

  test('hit the edges of windows to the millisecond', () => {
    const hits = new Map<number, number>()
    for (const { history } of cases) {
      const times = history.flatMap((item) => (item.kind === 'event' ? [item.event.time] : []))
      for (const time of times) {
        for (const other of times) {
          const beyond = (time - other) % MS_PER_DAY
          if (time - other >= 6 * MS_PER_DAY && Math.abs(beyond) <= 1) hits.set(beyond, (hits.get(beyond) ?? 0) + 1)
        }
      }
    }
    expect(hits.get(0)).toBeGreaterThan(CASES)
    expect(hits.get(1)).toBeGreaterThan(CASES / 4)
  })
})

describe('parts of a run', () => {
  test('have seeds of their own and make up all cases', () => {
    const parts = [0, 1, 2].map((k) => shardOf({ seed: 7, cases: 10_000 }, k, 3))
    expect(parts).toEqual([
      { seed: 7, numRuns: 3_333 },
      { seed: 8, numRuns: 3_333 },
      { seed: 9, numRuns: 3_334 },
    ])
    expect(() => shardOf({ seed: 7, cases: 10 }, 3, 3)).toThrow('no part 3 of 3')
  })
})

describe('the naive calendar', () => {
  test('agrees with the product’s', () => {
    for (const zone of ['Asia/Shanghai', 'Europe/Prague', 'America/Sao_Paulo', 'UTC']) {
      const [naive, real] = [naiveCalendar(zone), calendarOf(zone)]
      for (const from of ['2018-10-25', '2018-02-10', '2024-03-25', '1988-04-05', '1970-01-01']) {
        const first = Date.parse(from) / MS_PER_DAY
        for (let day = first; day < first + 20; day++) {
          expect([zone, day, naive.startOfDay(day), naive.endOfDay(day)]).toEqual([
            zone,
            day,
            real.startOfDay(day),
            real.endOfDay(day),
          ])
          for (const ms of [naive.startOfDay(day), naive.endOfDay(day), day * MS_PER_DAY + 14_399_999]) {
            expect([naive.dayOf(ms), naive.hourOf(ms)]).toEqual([real.dayOf(ms), real.hourOf(ms)])
          }
        }
      }
    }
  })
})
