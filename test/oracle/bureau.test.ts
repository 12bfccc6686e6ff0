import { describe, expect, test } from 'vitest'
import { disbursed, history, type Item, noon, pick, posted, queried, UTC, valuesAfter } from './examples.ts'
import { MS_PER_DAY } from './view.ts'

/** Queries by type, date and gap, in the oracle, against values worked out by hand. The plain counts are in oracle.test.ts. */

/** A Friday. */
const T0 = Date.parse('2024-03-01T00:00:00Z')
const day = (days: number): number => T0 + days * MS_PER_DAY

describe('queries by type', () => {
  const items = history(
    queried(day(-364), 'a', { institution_type: 'bank' }),
    queried(day(-10), 'a', { institution_type: 'bank' }),
    queried(day(-3), 'b', { institution_type: 'bank' }),
    queried(day(-3), 'c', { institution_type: 'microloan' }),
    queried(day(-3), 'd', { institution_type: 'online' }),
    queried(day(-3), 'e', { institution_type: 'debt_consolidation' }),
    queried(day(-3), 'f', { institution_type: 'banks' }),
    queried(day(-3), 'g', { institution_type: 'consumer_finance', reason: 'self' }),
    queried(day(0), 'h'),
  )
  const values = valuesAfter(items)

  test('are those of exactly that type', () => {
    const windows = [7, 15, 30, 90, 180, 365].map((days) => `bank_hard_query_count_${days}d`)
    expect(pick(values, ...windows)).toEqual([1, 2, 2, 2, 2, 3])
    expect(pick(values, 'bank_institution_count_30d', 'bank_institution_count_365d')).toEqual([2, 2])
    expect(
      pick(values, 'microloan_hard_query_count_7d', 'online_hard_query_count_7d', 'online_institution_count_90d'),
    ).toEqual([1, 1, 1])
    expect(pick(values, 'consumer_finance_hard_query_count_365d', 'debt_consolidation_query_count_365d')).toEqual([
      0, 1,
    ])
  })

  test('stand beside those of all', () => {
    expect(pick(values, 'hard_query_count_365d', 'query_institution_count_7d', 'query_institution_count_15d')).toEqual([
      8, 6, 7,
    ])
    expect(pick(values, 'query_institution_count_365d')).toEqual([7])
  })
})

describe('queries by date', () => {
  test('are counted on the worst date and at weekends, in the tenant’s zone', () => {
    const items = history(
      queried('2024-03-01T23:00:00Z', 'a'),
      queried('2024-03-02T01:00:00Z', 'b'),
      queried('2024-03-03T02:00:00Z', 'c'),
      queried('2024-03-03T22:00:00Z', 'd'),
      queried('2024-03-04T00:00:00Z', 'e'),
    )
    const names = ['query_day_max_90d', 'weekend_query_count_90d'] as const
    expect(pick(valuesAfter(items), ...names)).toEqual([2, 3])
    expect(pick(valuesAfter(items, { ...UTC, zone: 'Asia/Shanghai' }), ...names)).toEqual([2, 3])
    expect(pick(valuesAfter(items, { ...UTC, zone: 'America/Sao_Paulo' }), ...names)).toEqual([2, 3])
  })

  test('are none where none is hard', () => {
    const items = history(queried(T0, 'a', { reason: 'self' }))
    const names = ['query_day_max_90d', 'weekend_query_count_90d', 'query_gap_min_365d', 'unconverted_query_share_180d']
    expect(pick(valuesAfter(items), ...names)).toEqual([0, 0, null, null])
    expect(pick(valuesAfter(history(posted(T0, 'in', 1))), ...names)).toEqual([null, null, null, null])
  })
})

describe('gaps between queries', () => {
  test('are taken in the order of the queries, whatever the log’s', () => {
    const items = history(queried(day(9), 'a'), queried(day(0), 'b'), queried(day(3), 'c'))
    expect(pick(valuesAfter(items), 'query_gap_min_365d', 'query_gap_mean_365d')).toEqual([3, 4.5])
    const two = history(queried(day(0), 'a'), queried(day(0), 'b'))
    expect(pick(valuesAfter(two), 'query_gap_min_365d', 'query_gap_mean_365d')).toEqual([0, 0])
    const old = history(queried(day(0), 'a'), queried(day(365), 'b'))
    expect(pick(valuesAfter(old), 'query_gap_min_365d', 'query_gap_mean_365d')).toEqual([null, null])
  })

  test('shrink: 15 days against the 15 before', () => {
    const after = (...queries: Item[]) => pick(valuesAfter(history(...queries)), 'query_acceleration_15d')
    expect(after(queried(day(0), 'a'), queried(day(14), 'b'), queried(day(15), 'c'), queried(day(29), 'd'))).toEqual([
      1,
    ])
    expect(after(queried(day(15), 'b'), queried(day(29), 'c'))).toEqual([null])
    expect(after(queried(day(14), 'b'), queried(day(29), 'c'), queried(day(29), 'd'))).toEqual([2])
  })
})

describe('a query that no loan followed', () => {
  const lender = (time: number, data: object = {}) => posted(time, 'in', 1, { counterparty_kind: 'lender', ...data })
  const after = (end: number, ...items: Item[]) =>
    pick(valuesAfter(history(...items, posted(end, 'out', 1))), 'unconverted_query_share_180d')
  const query = queried(day(0), 'a')

  test('is judged when it is 30 days old, and for 180', () => {
    expect(after(day(30) - 1, query)).toEqual([null])
    expect(after(day(30), query)).toEqual([1])
    expect(after(day(180) - 1, query)).toEqual([1])
    expect(after(day(180), query)).toEqual([null])
  })

  test('has no money of another lender within 30 days after it', () => {
    expect(after(day(60), query, lender(day(0)))).toEqual([1])
    expect(after(day(60), query, lender(day(0) + 1))).toEqual([0])
    expect(after(day(60), query, lender(day(30)))).toEqual([0])
    expect(after(day(60), query, lender(day(30) + 1))).toEqual([1])
    expect(after(day(60), query, queried(day(31), 'b'), lender(day(30)))).toEqual([0])
    expect(after(day(61), query, queried(day(31), 'b'), lender(day(30)))).toEqual([1 / 2])
  })

  test('has no loan of ours then', () => {
    const loan = (at: number) => disbursed('2024-03-01', 'l', 10, ['2024-09-01'], { disbursed_at: at })
    expect(after(day(60), query, loan(day(0)))).toEqual([1])
    expect(after(day(60), query, loan(day(30)))).toEqual([0])
    expect(after(day(60), query, loan(day(30) + 1))).toEqual([1])
  })

  test('is one that the bureau had reported by then', () => {
    const reported = queried(day(-1), 'b', { report_date: '2024-02-29' })
    const end = Date.parse(noon('2024-04-15'))
    expect(after(end, reported, queried(day(0) - 1, 'c'), queried(day(0), 'a'), lender(day(0)))).toEqual([0])
    expect(after(end, reported, queried(day(0), 'a'))).toEqual([1])
  })
})
