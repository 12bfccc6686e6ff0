import { describe, expect, test } from 'vitest'
import {
  disbursed,
  history,
  type Item,
  index,
  noon,
  paid,
  pick,
  posted,
  restructured,
  signalled,
  UTC,
  valuesAfter,
} from './examples.ts'
import { oracleEvaluations } from './features.ts'
import { MS_PER_DAY } from './view.ts'

/** Exposure, collateral, indices and statements in the oracle against values worked out by hand. */

const T0 = Date.parse('2024-03-01T00:00:00Z')
const day = (days: number): number => T0 + days * MS_PER_DAY
const after = (items: readonly Item[], ...names: string[]) => pick(valuesAfter(history(...items)), ...names)

describe('what is owed', () => {
  const schedule = ['2024-02-10', '2024-03-10', '2024-04-10'].map((due_date) => ({
    due_date,
    principal_minor: 100,
    interest_minor: 20,
    fee_minor: 5,
  }))
  const loan = disbursed('2024-01-10', 'l', 300, [], { schedule })
  const PARTS = ['overdue_fee', 'overdue_interest', 'overdue_principal'] as const

  test('is told by part', () => {
    const on = (date: string) => after([loan, paid('2024-02-01', 'l', 30), posted(noon(date), 'in', 1)], ...PARTS)
    expect([on('2024-02-10'), on('2024-02-11'), on('2024-03-11')]).toEqual([
      [0, 0, 0],
      [0, 0, 95],
      [5, 20, 195],
    ])
    expect(after([posted(T0, 'in', 1)], ...PARTS, 'extension_count')).toEqual([null, null, null, null])
  })

  test('has a term, which may have passed', () => {
    const on = (date: string) => after([loan, posted(noon(date), 'in', 1)], 'remaining_term_days')
    expect([on('2024-04-01'), on('2024-04-12')]).toEqual([[9], [-2]])
    expect(after([loan, paid('2024-02-01', 'l', 375)], 'remaining_term_days')).toEqual([null])
    expect(after([loan, paid('2024-02-01', 'l', 374)], 'remaining_term_days')).toEqual([69])
  })

  test('is extended by restructurings that say so', () => {
    const change = (kind?: string): Item => {
      const event = restructured('2024-02-11', 'l', [['2024-05-20', 300]])
      if (!('data' in event) || kind === undefined) return event
      return { ...event, data: { ...event.data, kind } }
    }
    expect(
      after([loan, change('extension'), change('new_rate'), change()], 'extension_count', 'restructured_count'),
    ).toEqual([1, 3])
  })
})

describe('amounts that courts report', () => {
  test('add up over 365 days; none is nothing', () => {
    const items = [
      signalled(day(-365), 'litigation', { amount_minor: 1 }),
      signalled(day(-365) + 1, 'litigation', { amount_minor: 10 }),
      signalled(day(0), 'litigation', { amount_minor: 100 }),
      signalled(day(0), 'litigation'),
      signalled(day(0), 'enforcement', { amount_minor: -7 }),
    ]
    expect(after(items, 'litigation_amount_365d', 'enforcement_amount_365d')).toEqual([110, -7])
    expect(after([posted(T0, 'in', 1)], 'litigation_amount_365d')).toEqual([0])
  })
})

describe('collateral', () => {
  const NAMES = ['collateral_cover', 'collateral_change'] as const
  const loan = disbursed('2024-01-10', 'l', 300, ['2024-09-01'])
  const valued = (time: number, amount_minor: number, reference?: string) =>
    signalled(time, 'collateral_valuation', { amount_minor, ...(reference === undefined ? {} : { reference }) })

  test('is worth its last valuation by time, and changes against the one before', () => {
    const items = [
      loan,
      valued(day(0), 100, 'flat'),
      valued(day(2), 90, 'flat'),
      valued(day(1), 200, 'flat'),
      valued(day(1), 50, 'car'),
      valued(day(0), 10),
      valued(day(0), 20),
      signalled(day(3), 'collateral_valuation', { reference: 'flat' }),
    ]
    expect(after(items, ...NAMES)).toEqual([(90 + 50 + 20) / 300, (90 + 20) / (200 + 10) - 1])
  })

  test('is missing without a valuation, and its cover without a loan or anything owed', () => {
    expect(after([loan], ...NAMES)).toEqual([null, null])
    expect(after([valued(day(0), 1, 'a'), valued(day(0), 3, 'a')], ...NAMES)).toEqual([null, 2])
    expect(after([loan, valued(day(0), 1, 'a')], ...NAMES)).toEqual([1 / 300, null])
    expect(after([loan, paid('2024-02-01', 'l', 300), valued(day(0), 1, 'a')], ...NAMES)).toEqual([null, null])
  })

  test('is told apart for the first 16 references of the log', () => {
    const many = Array.from({ length: 18 }, (_, i) => valued(day(-i), 2 ** i, `r-${i}`))
    expect(after([loan, ...many], 'collateral_cover')).toEqual([(2 ** 16 - 1) / 300])
  })
})

describe('indices', () => {
  const NAMES = ['industry_index_change_90d', 'region_index_change_90d'] as const
  const at = (time: number) => posted(time, 'in', 1)
  const loan = disbursed('2024-01-10', 'l', 300, ['2024-09-01'], { industry: 'retail', region: 'north' })

  test('are compared with what they were 90 days before, to the millisecond', () => {
    const industry = (first: number) => [
      loan,
      index(first, 'industry_index', 'retail', 80),
      index(day(90), 'industry_index', 'retail', 100),
      at(day(90)),
    ]
    expect(after(industry(day(0)), ...NAMES)).toEqual([100 / 80 - 1, null])
    expect(after(industry(day(0) + 1), ...NAMES)).toEqual([null, null])
    const region = [
      loan,
      index(day(0), 'region_index', 'north', 80),
      index(day(1), 'region_index', 'south', 70),
      at(day(90)),
    ]
    expect(after(region, ...NAMES)).toEqual([null, 0])
  })

  test('count by their time, of equals the later in the log', () => {
    const items = [
      loan,
      index(day(80), 'industry_index', 'retail', 120),
      index(day(80), 'industry_index', 'retail', 90),
      index(day(70), 'industry_index', 'retail', 500),
      index(day(95), 'industry_index', 'retail', 500),
      index(day(0), 'industry_index', 'retail', 100),
      at(day(90)),
    ]
    expect(after(items, 'industry_index_change_90d')).toEqual([90 / 100 - 1])
  })

  test('are those of the newest loan, from signals about nobody in particular', () => {
    const both = [index(day(0), 'industry_index', 'retail', 50), index(day(80), 'industry_index', 'retail', 100)]
    const newer = disbursed('2024-01-10', 'm', 300, ['2024-09-01'], { industry: 'farming' })
    expect(after([loan, ...both, at(day(90))], 'industry_index_change_90d')).toEqual([1])
    expect(after([newer, loan, ...both, at(day(90))], 'industry_index_change_90d')).toEqual([1])
    expect(after([loan, newer, ...both, at(day(90))], 'industry_index_change_90d')).toEqual([null])
    expect(after([...both, at(day(90))], 'industry_index_change_90d')).toEqual([null])
    const named = [0, 80].map((days) => signalled(day(days), 'industry_index', { reference: 'retail', value: 1 }))
    expect(after([loan, ...named, at(day(90))], 'industry_index_change_90d')).toEqual([null])
  })

  test('count from their place in the log on, move no T and are not evaluated', () => {
    const items = history(
      index(day(0), 'industry_index', 'retail', 50),
      loan,
      at(day(90)),
      index(day(500), 'litigation', 'retail', 1),
      index(day(90), 'industry_index', 'retail', 25),
      at(day(90)),
    )
    const evaluations = oracleEvaluations(items, UTC)
    expect(evaluations.map(({ offset, time }) => [offset, time])).toEqual([
      [1, Date.parse(noon('2024-01-10'))],
      [2, day(90)],
      [5, day(90)],
    ])
    expect(evaluations.map(({ values }) => values['industry_index_change_90d'])).toEqual([null, 0, -0.5])
    expect(pick(evaluations[2]!.values, 'litigation_count_365d')).toEqual([0])
  })
})

describe('financial statements', () => {
  const stated = (period_end: string, figures: Record<string, number>) =>
    signalled(T0, 'financial_statement', {
      statement: {
        period_end,
        ...Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${name}_minor`, value])),
      },
    })
  const RATIOS = ['current_ratio', 'debt_ratio', 'interest_cover', 'receivable_turnover', 'stock_turnover'] as const

  test('give ratios of the latest period, of equals the later in the log', () => {
    const items = [
      stated('2023-12-31', { current_assets: 1, current_liabilities: 1 }),
      stated('2023-12-31', {
        current_assets: 3,
        current_liabilities: 2,
        total_liabilities: 7,
        total_assets: 10,
        operating_profit: -3,
        interest_expense: 2,
        revenue: 30,
        receivables: 4,
        cost_of_sales: 9,
        inventory: 2,
      }),
      stated('2022-12-31', { current_assets: 9, current_liabilities: 1 }),
    ]
    expect(after(items, ...RATIOS)).toEqual([1.5, 0.7, -1.5, 7.5, 4.5])
    expect(after(items, 'margin_change_1y', 'statement_flag_count')).toEqual([null, 1])
  })

  test('are missing where a figure is, where one is zero, and without any', () => {
    const bare = [stated('2023-12-31', { current_assets: 1, current_liabilities: 0, total_assets: 1 })]
    expect(after(bare, ...RATIOS, 'statement_flag_count')).toEqual([null, null, null, null, null, 0])
    const none = [signalled(T0, 'financial_statement'), posted(T0, 'in', 1)]
    expect(after(none, ...RATIOS, 'statement_flag_count')).toEqual([null, null, null, null, null, null])
  })

  test('change their margin against the last one 334 days older', () => {
    const margin = (period_end: string, net_profit: number) => stated(period_end, { net_profit, revenue: 100 })
    const latest = margin('2023-12-31', 10)
    expect(after([latest, margin('2023-01-31', 20)], 'margin_change_1y')).toEqual([0.1 - 0.2])
    expect(after([latest, margin('2023-02-01', 20)], 'margin_change_1y')).toEqual([null])
    const several = [
      latest,
      margin('2023-01-30', 30),
      margin('2023-01-31', 50),
      margin('2023-01-31', 20),
      margin('2022-12-31', 90),
    ]
    expect(after(several, 'margin_change_1y', 'statement_flag_count')).toEqual([0.1 - 0.2, 1])
  })

  test('raise a flag each: below the line, not on it', () => {
    const flags = (figures: Record<string, number>) => after([stated('2023-12-31', figures)], 'statement_flag_count')
    expect(flags({ current_assets: 1, current_liabilities: 1, total_liabilities: 70, total_assets: 100 })).toEqual([0])
    expect(flags({ current_assets: 9, current_liabilities: 10, total_liabilities: 71, total_assets: 100 })).toEqual([2])
    expect([
      flags({ operating_profit: 3, interest_expense: 2 }),
      flags({ operating_profit: 1, interest_expense: 2 }),
    ]).toEqual([[0], [1]])
  })

  test('of more than 16 periods the latest are kept', () => {
    const years = Array.from({ length: 16 }, (_, i) => stated(`${2023 - i}-12-31`, { net_profit: 1, revenue: 1 }))
    const before = stated('2007-12-31', { net_profit: 0, revenue: 1 })
    const last = stated('2023-12-31', { net_profit: 2, revenue: 1 })
    expect(after([...years, before], 'margin_change_1y')).toEqual([0])
    expect(after([...years, last], 'margin_change_1y')).toEqual([1])
    const dense = Array.from({ length: 16 }, (_, i) => stated(`2023-12-${10 + i}`, { net_profit: 1, revenue: 1 }))
    expect(after([before, ...dense.slice(1)], 'margin_change_1y')).toEqual([1])
    expect(after([before, ...dense], 'margin_change_1y')).toEqual([null])
  })
})
