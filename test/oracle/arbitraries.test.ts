import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCalendar } from '../../features/time.ts'
import { oracleCases } from './arbitraries.ts'
import { naiveCalendar } from './calendar.ts'
import { ORACLE_FEATURE_NAMES, oracleEvaluations } from './features.ts'
import { oracleDeadLetters } from './reception.ts'
import { oracleLoanDays, oracleMonthEnds } from './rows.ts'
import { MS_PER_DAY } from './view.ts'

/** What the random histories reach, so that agreement with the oracle means something. */

/** These count from zero: a borrower who is evaluated has had an event. */
const NEVER_MISSING = ['litigation_count_365d', 'enforcement_count_365d', 'guarantor_default_count_365d']
const CASES = 150
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
    const seen = new Map(ORACLE_FEATURE_NAMES.map((name) => [name, new Set<number | null>()]))
    for (const { history, configuration } of cases) {
      for (const { values } of oracleEvaluations(history, configuration)) {
        for (const [name, value] of Object.entries(values)) seen.get(name)!.add(value)
      }
    }
    const all = [...seen].map(([name, values]) => ({ name, values: [...values] }))
    const present = (values: readonly (number | null)[]) => values.filter((value) => value !== null)
    expect(all).toHaveLength(100)
    expect(all.filter(({ values }) => present(values).length < 3).map(({ name }) => name)).toEqual([])
    expect(all.filter(({ values }) => !values.includes(null)).map(({ name }) => name)).toEqual(NEVER_MISSING)
    const odd = (value: number) => !Number.isFinite(value) || Object.is(value, -0)
    expect(all.filter(({ values }) => present(values).some(odd)).map(({ name }) => name)).toEqual([])
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

describe('the naive calendar', () => {
  test('agrees with the product’s', () => {
    for (const zone of ['Asia/Shanghai', 'Europe/Prague', 'America/Sao_Paulo', 'UTC']) {
      const [naive, real] = [naiveCalendar(zone), createCalendar(zone)]
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
