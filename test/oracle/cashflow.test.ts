import { describe, expect, test } from 'vitest'
import { disbursed, history, noon, pick, posted, signalled, UTC, valuesAfter } from './examples.ts'
import { sum } from './numbers.ts'
import { MS_PER_DAY } from './view.ts'

/** Cash flow, income and balance of the oracle against values worked out by hand. */

const T0 = Date.parse('2024-03-01T00:00:00Z')
const day = (days: number): number => T0 + days * MS_PER_DAY

describe('sums', () => {
  test('are exact: beyond 2^53 they are the double nearest to the exact one', () => {
    expect(sum([2 ** 53, 1, 1])).toBe(2 ** 53 + 2)
    expect(sum([2 ** 53, 1, -(2 ** 53)])).toBe(1)
    expect(sum([5, -7])).toBe(-2)
  })

  test('of a window pass 2^53', () => {
    const amounts = [...Array.from({ length: 901 }, () => 10_000_000_000_000), 1, 1, 1]
    const items = history(...amounts.map((amount) => posted(T0, 'in', amount)), posted(day(1) - 1, 'out', 1))
    const late = history(
      ...amounts.map((amount) => posted(T0 + 1, 'in', amount)),
      posted(T0, 'out', 1),
      posted(day(1), 'out', 1),
    )
    expect(pick(valuesAfter(items), 'inflow_sum_1d')).toEqual([null])
    // The sum ends in 3 and lies between two doubles; added one by one the three would be lost.
    expect(pick(valuesAfter(late), 'inflow_sum_1d', 'net_flow_1d')).toEqual([
      9_010_000_000_000_004,
      9_010_000_000_000_004 - 1,
    ])
  })
})

describe('windows of cash flow', () => {
  const items = history(
    posted(day(-1), 'in', 1),
    posted(day(0), 'in', 1),
    posted(day(0) + 1, 'in', 10),
    posted(day(0) + 1, 'in', 31),
    posted(day(0) + 1, 'out', 7),
    posted(day(1), 'out', 8),
  )

  test('of one day give counts, sums, means and maxima', () => {
    const values = valuesAfter(items)
    expect(pick(values, 'inflow_count_1d', 'inflow_sum_1d', 'inflow_mean_1d', 'inflow_max_1d')).toEqual([
      2, 41, 20.5, 31,
    ])
    expect(pick(values, 'outflow_count_1d', 'outflow_sum_1d', 'outflow_mean_1d', 'outflow_max_1d')).toEqual([
      2, 15, 7.5, 8,
    ])
    expect(pick(values, 'net_flow_1d', 'inflow_mean_7d')).toEqual([26, null])
  })

  test('have no mean where nothing came in', () => {
    const none = history(posted(day(0), 'out', 1), posted(day(7), 'out', 1))
    expect(pick(valuesAfter(none), 'inflow_mean_7d', 'inflow_max_7d', 'outflow_mean_7d')).toEqual([null, null, 1])
  })

  test('compare 30 days with the 90 before: out of 120 days of history, to the millisecond', () => {
    const on = (first: number) =>
      pick(
        valuesAfter(
          history(
            posted(first, 'out', 1),
            posted(day(90), 'in', 60),
            posted(day(90) + 1, 'in', 20),
            posted(day(120), 'in', 5),
          ),
        ),
        'inflow_30d_to_90d_before',
      )
    expect(on(day(0))).toEqual([(3 * 25) / 60])
    expect(on(day(0) + 1)).toEqual([null])
  })
})

describe('concentration of payers', () => {
  test('adds the squared shares of the parties, rows without one left out', () => {
    const items = history(
      posted(day(0), 'in', 1_000, { counterparty: 'old' }),
      posted(day(1), 'in', 10, { counterparty: 'a' }),
      posted(day(1), 'in', 20, { merchant: 'a', counterparty: 'b' }),
      posted(day(1), 'in', 30, { counterparty: 'b' }),
      posted(day(1), 'in', 40, { counterparty: 'c' }),
      posted(day(90), 'in', 500),
    )
    expect(pick(valuesAfter(items), 'payer_hhi_90d')).toEqual([0.4 * 0.4 + 0.3 * 0.3 + 0.3 * 0.3])
    const none = history(posted(day(0), 'out', 1), posted(day(90), 'in', 1))
    expect(pick(valuesAfter(none), 'payer_hhi_90d')).toEqual([null])
  })
})

describe('volatility of the net flow', () => {
  test('is taken over dates, empty ones too, and not over the window in milliseconds', () => {
    // T is noon of date 30; the dates are 1 to 30, and the row of date 0 is out though it is not 30 days old.
    const items = history(
      posted(day(0), 'in', 99),
      posted(day(0) + 0.9 * MS_PER_DAY, 'in', 99),
      posted(day(1), 'in', 60),
      posted(day(1), 'out', 30),
      posted(day(30) + 0.5 * MS_PER_DAY, 'out', 30),
    )
    // Net flows are 30, −30 and 28 zeroes: the mean is 0.
    expect(pick(valuesAfter(items), 'net_flow_volatility_30d')).toEqual([Math.sqrt(1_800 / 30)])
    expect(pick(valuesAfter(items), 'net_flow_volatility_90d')).toEqual([null])
  })
})

describe('a regular payer', () => {
  const paidBy = (party: string, ...receipts: [days: number, amount: number][]) =>
    receipts.map(([days, amount]) => posted(day(days), 'in', amount, { counterparty: party }))
  const NAMES = ['regular_payer_count', 'regular_income_cadence_days', 'days_since_regular_income'] as const

  test('pays on three dates at least, at a cadence of five days at least', () => {
    const on = (...days: number[]) =>
      pick(valuesAfter(history(...paidBy('p', ...days.map((one): [number, number] => [one, 10])))), ...NAMES)
    expect(on(0, 5)).toEqual([0, null, null])
    expect(on(0, 5, 10)).toEqual([1, 5, 0])
    expect(on(0, 4, 8)).toEqual([0, null, null])
    expect(on(0, 0, 5)).toEqual([0, null, null])
  })

  test('is steady: no gap is further from the cadence than three days or a quarter of it', () => {
    const on = (...days: number[]) =>
      pick(valuesAfter(history(...paidBy('p', ...days.map((one): [number, number] => [one, 10])))), ...NAMES)
    expect(on(0, 7, 14, 24)).toEqual([1, 7, 0])
    expect(on(0, 7, 14, 25)).toEqual([0, null, null])
    expect(on(0, 20, 40, 65)).toEqual([1, 20, 0])
    expect(on(0, 20, 40, 66)).toEqual([0, null, null])
    // Two gaps: the cadence is half their sum.
    expect(on(0, 6, 19)).toEqual([0, null, null])
    expect(on(0, 7, 13)).toEqual([1, 6.5, 0])
  })

  test('is judged by its last six dates in 180 days', () => {
    const days = [0, 1, 2, 12, 22, 32, 42, 52]
    const values = valuesAfter(history(...paidBy('p', ...days.map((one): [number, number] => [one, 10]))))
    expect(pick(values, ...NAMES)).toEqual([1, 10, 0])
    const old = history(...paidBy('p', [0, 1], [60, 1], [120, 1]), posted(day(180), 'out', 1))
    expect(pick(valuesAfter(old), ...NAMES)).toEqual([0, null, null])
    const young = history(...paidBy('p', [0, 1], [60, 1], [120, 1]), posted(day(180) - 1, 'out', 1))
    expect(pick(valuesAfter(young), ...NAMES)).toEqual([1, 60, 59])
  })

  test('is the one with the largest sum, of equals the one who paid last', () => {
    const items = history(
      ...paidBy('weekly', [0, 10], [7, 10], [14, 10], [21, 10]),
      ...paidBy('monthly', [2, 10], [12, 10], [22, 20]),
      posted(day(26), 'out', 1),
    )
    const names = [...NAMES, 'regular_income_overdue', 'regular_income_last_to_mean_3'] as const
    expect(pick(valuesAfter(items), ...names)).toEqual([2, 10, 4, 4 / 10, null])
    const larger = history(
      ...paidBy('weekly', [0, 10], [7, 10], [14, 10], [21, 15]),
      ...paidBy('monthly', [2, 10], [12, 10], [22, 20]),
    )
    expect(pick(valuesAfter(larger), ...names)).toEqual([2, 7, 1, 1 / 7, 15 / (30 / 3)])
  })

  test('is nobody before the first transaction', () => {
    expect(pick(valuesAfter(history(signalled(T0, 'litigation'))), ...NAMES)).toEqual([null, null, null])
    expect(pick(valuesAfter(history(posted(T0, 'out', 1))), ...NAMES)).toEqual([0, null, null])
  })
})

describe('the salary', () => {
  test('has a cadence whoever pays it, and however unsteadily', () => {
    const salary = (days: number, amount: number) => posted(day(days), 'in', amount, { category: 'salary' })
    const three = history(salary(0, 30), salary(0, 10), salary(3, 20), salary(33, 30), posted(day(66), 'out', 1))
    expect(pick(valuesAfter(three), 'salary_overdue', 'salary_last_to_mean_3')).toEqual([33 / 16.5, null])
    const four = history(salary(0, 30), salary(0, 10), salary(3, 20), salary(33, 30), salary(66, 45))
    expect(pick(valuesAfter(four), 'salary_overdue', 'salary_last_to_mean_3')).toEqual([0, 45 / (90 / 3)])
    const two = history(salary(0, 30), salary(3, 20))
    expect(pick(valuesAfter(two), 'salary_overdue')).toEqual([null])
  })
})

describe('the balance over time', () => {
  const stated = (time: number, balance_after_minor: number) => posted(time, 'in', 1, { balance_after_minor })

  test('is weighted by how long it stood, from the first one on or from the window’s edge', () => {
    expect(pick(valuesAfter(history(stated(day(0), 100))), 'balance_mean_30d')).toEqual([null])
    const short = history(stated(day(0), 999), stated(day(0), 100), stated(day(3), 20), posted(day(4), 'out', 1))
    expect(pick(valuesAfter(short), 'balance_mean_30d')).toEqual([(100 * 3 + 20) / 4])
    const long = history(stated(day(0), 100), stated(day(40), -50), posted(day(60), 'out', 1))
    expect(pick(valuesAfter(long), 'balance_mean_30d', 'balance_mean_90d')).toEqual([
      (100 * 10 - 50 * 20) / 30,
      (100 * 40 - 50 * 20) / 60,
    ])
  })

  test('is forgotten after 180 days', () => {
    const on = (end: number) =>
      pick(valuesAfter(history(stated(day(0), 8), posted(end, 'out', 1))), 'balance_mean_90d', 'days_below_zero_90d')
    expect(on(day(180) - 1)).toEqual([8, 0])
    expect(on(day(180))).toEqual([null, null])
  })

  test('counts dates that closed below zero, or below the next instalment', () => {
    const items = history(
      disbursed('2024-03-01', 'l', 100, ['2024-06-01']),
      stated(day(2), -1),
      stated(day(2) + 1, 0),
      stated(day(4), -1),
      stated(day(7), 99),
      stated(day(9), 100),
      posted(day(10), 'out', 1),
    )
    // Dates 4, 5 and 6 closed with −1; 2 and 3 with 0; 7 and 8 with 99; 9 and 10 with 100.
    expect(pick(valuesAfter(items), 'days_below_zero_90d', 'days_below_instalment_90d')).toEqual([3, 7])
    const older = history(stated(day(0), -1), posted(day(100), 'out', 1))
    expect(pick(valuesAfter(older), 'days_below_zero_90d', 'days_below_instalment_90d')).toEqual([90, null])
  })

  test('falls for so many months in a row before this one', () => {
    const at = (date: string, balance: number) => stated(Date.parse(noon(date)), balance)
    const falling = history(
      at('2024-01-31', 50),
      at('2024-02-10', 90),
      at('2024-03-31', 40),
      at('2024-04-30', 30),
      posted(noon('2024-05-01'), 'out', 1),
    )
    // January 50, February 90, March 40, April 30; nothing is known of December.
    expect(pick(valuesAfter(falling), 'falling_balance_months')).toEqual([2])
    expect(pick(valuesAfter(falling, { ...UTC, zone: 'Asia/Shanghai' }), 'falling_balance_months')).toEqual([2])
    const standing = history(at('2024-02-10', 30), posted(noon('2024-04-30'), 'out', 1))
    expect(pick(valuesAfter(standing), 'falling_balance_months')).toEqual([0])
    const young = history(at('2024-03-10', 30), posted(noon('2024-04-30'), 'out', 1))
    expect(pick(valuesAfter(young), 'falling_balance_months')).toEqual([null])
    const all = history(at('2024-02-29', 30), at('2024-03-31', 20), posted(noon('2024-04-30'), 'out', 1))
    expect(pick(valuesAfter(all), 'falling_balance_months')).toEqual([1])
  })
})
