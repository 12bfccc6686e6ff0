import { describe, expect, test } from 'vitest'
import { history, noon, pick, posted, queried, UTC, valuesAfter } from './examples.ts'
import { oracleEvaluations } from './features.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** The oracle against values worked out by hand: transactions, bureau queries, signals. Loans are in ledger.test.ts and reception.test.ts. */

const T0 = Date.parse('2024-03-01T00:00:00Z')

describe('windows of transactions', () => {
  test('hold (T − w, T]: what is exactly w old is out, a millisecond younger is in', () => {
    const items = history(posted(T0, 'in', 100), posted(T0 + 1, 'in', 10), posted(T0 + 7 * MS_PER_DAY, 'in', 1))
    expect(pick(valuesAfter(items), 'inflow_sum_7d', 'inflow_count_7d')).toEqual([11, 2])
  })

  test('need a history as long as they are, to the millisecond', () => {
    const short = history(posted(T0, 'in', 100), posted(T0 + 7 * MS_PER_DAY - 1, 'in', 1))
    const long = history(posted(T0, 'in', 100), posted(T0 + 7 * MS_PER_DAY, 'in', 1))
    expect(pick(valuesAfter(short), 'inflow_sum_7d', 'outflow_count_7d')).toEqual([null, null])
    expect(pick(valuesAfter(long), 'inflow_sum_7d', 'outflow_count_7d', 'inflow_sum_30d')).toEqual([1, 0, null])
  })

  test('begin earlier once an older transaction arrives late, and T stays', () => {
    const items = history(posted(T0, 'in', 100), posted(T0 - 30 * MS_PER_DAY, 'out', 40))
    const [, late] = oracleEvaluations(items, UTC)
    expect(late).toMatchObject({ offset: 1, time: T0, late_ms: 30 * MS_PER_DAY })
    expect(pick(late!.values, 'net_flow_30d', 'outflow_sum_30d', 'inflow_sum_90d')).toEqual([100, 0, null])
  })

  test('tell nothing from zero: sums are 0, largest and smallest are missing', () => {
    const items = history(posted(T0, 'out', 5), posted(T0 + 90 * MS_PER_DAY, 'out', 7))
    expect(pick(valuesAfter(items), 'inflow_sum_90d', 'inflow_max_90d', 'balance_min_90d', 'cash_share_90d')).toEqual([
      0,
      null,
      null,
      0,
    ])
    expect(pick(valuesAfter(items), 'inflow_trend_30d_90d', 'outflow_trend_30d_90d')).toEqual([null, 3])
  })

  test('are not there for a borrower without transactions', () => {
    const items = history(queried(T0, 'bank-a'), queried(T0 + 400 * MS_PER_DAY, 'bank-a'))
    expect(pick(valuesAfter(items), 'inflow_sum_7d', 'balance_last', 'days_since_salary')).toEqual([null, null, null])
  })
})

describe('transactions', () => {
  test('that failed move no money, but say what the balance was', () => {
    const items = history(
      posted(T0, 'in', 1),
      posted(T0 + 30 * MS_PER_DAY, 'out', 500, { category: 'failed_debit', channel: 'atm', balance_after_minor: -3 }),
    )
    expect(pick(valuesAfter(items), 'outflow_sum_30d', 'cash_withdrawal_sum_30d', 'failed_debit_count_30d')).toEqual([
      0, 0, 1,
    ])
    expect(pick(valuesAfter(items), 'overdrawn_count_30d', 'balance_min_30d', 'balance_last')).toEqual([1, -3, -3])
  })

  test('at one instant follow log order; a late one does not become the last', () => {
    const items = history(
      posted(T0, 'in', 1, { balance_after_minor: 10 }),
      posted(T0, 'in', 1, { balance_after_minor: 20 }),
      posted(T0 - 1, 'in', 1, { balance_after_minor: 30 }),
      posted(T0, 'in', 1),
    )
    expect(oracleEvaluations(items, UTC).map(({ values }) => values['balance_last'])).toEqual([10, 20, 20, 20])
  })

  test('take their night from the tenant’s zone: 04:59:59.999 is night, 05:00 is not', () => {
    const midnight = Date.parse('2024-03-01T00:00:00+08:00')
    const items = history(
      posted(midnight - 30 * MS_PER_DAY, 'in', 1),
      posted(midnight - 1, 'out', 1),
      posted(midnight, 'out', 1),
      posted(midnight + 5 * MS_PER_HOUR - 1, 'out', 1),
      posted(midnight + 5 * MS_PER_HOUR, 'out', 1),
    )
    const shanghai = { ...UTC, zone: 'Asia/Shanghai' }
    expect(pick(valuesAfter(items, shanghai), 'night_share_30d')).toEqual([2 / 4])
  })

  test('have as party the merchant, else the counterparty', () => {
    const items = history(
      posted(T0, 'in', 1, { merchant: 'elsewhere' }),
      posted(T0 + 1, 'out', 1, { merchant: 'm', counterparty: 'c' }),
      posted(T0 + 2, 'out', 1, { counterparty: 'm' }),
      posted(T0 + 3, 'out', 1, { merchant: 'n', counterparty: 'c' }),
      posted(T0 + 4, 'out', 1, { merchant: 'o', counterparty: 'c' }),
      posted(T0 + 30 * MS_PER_DAY, 'out', 1),
    )
    expect(pick(valuesAfter(items), 'counterparty_count_30d', 'merchant_count_30d')).toEqual([3, 3])
  })

  test('give shares of counts and of sums', () => {
    const items = history(
      posted(T0, 'in', 1),
      posted(T0 + 60 * MS_PER_DAY, 'out', 20_000, { merchant: 'm', mcc: '5944', entry_mode: 'online' }),
      posted(T0 + 90 * MS_PER_DAY, 'out', 30_001, { merchant: 'm', mcc: '5411' }),
      posted(T0 + 90 * MS_PER_DAY, 'out', 49_999, { mcc: '6011', balance_after_minor: 160_000 }),
    )
    const values = valuesAfter(items)
    expect(pick(values, 'round_amount_share_90d', 'card_not_present_share_90d')).toEqual([1 / 3, 1 / 3])
    expect(pick(values, 'high_risk_merchant_share_90d', 'cash_share_90d')).toEqual([20_000 / 50_001, 49_999 / 100_000])
    expect(pick(values, 'round_amount_share_30d', 'buffer_days_30d')).toEqual([0, (160_000 * 30) / 80_000])
    expect(pick(values, 'outflow_trend_30d_90d')).toEqual([(80_000 * 3) / 100_000])
  })

  test('of salary are remembered for less than 365 days', () => {
    const salary = posted(T0, 'in', 1, { counterparty_kind: 'employer' })
    const within = history(salary, posted(T0 + 365 * MS_PER_DAY - 1, 'out', 1))
    const beyond = history(salary, posted(T0 + 365 * MS_PER_DAY, 'out', 1))
    expect(pick(valuesAfter(within), 'days_since_salary')).toEqual([(365 * MS_PER_DAY - 1) / MS_PER_DAY])
    expect(pick(valuesAfter(beyond), 'days_since_salary')).toEqual([null])
  })
})

describe('bureau queries', () => {
  test('are counted as of the last report date: R is its last millisecond, later queries are not in yet', () => {
    const items = history(
      queried('2024-03-03T00:00:00Z', 'bank-a', { report_date: '2024-03-09' }),
      queried('2024-03-03T12:00:00Z', 'bank-b'),
      queried('2024-03-10T00:00:00Z', 'bank-c'),
      queried(noon('2024-03-12'), 'bank-d'),
    )
    // R = 2024-03-09T23:59:59.999Z; seven days before lies 2024-03-02T23:59:59.999Z.
    const values = valuesAfter(items)
    expect(pick(values, 'hard_query_count_7d', 'query_institution_count_30d')).toEqual([2, 2])
    expect(pick(values, 'days_since_hard_query')).toEqual([(6.5 * MS_PER_DAY - 1) / MS_PER_DAY])
  })

  test('are counted as of T where no report date was ever given, or one lies beyond T', () => {
    const none = history(queried(T0, 'bank-a'), queried(T0 + 7 * MS_PER_DAY, 'bank-b'))
    expect(pick(valuesAfter(none), 'hard_query_count_7d', 'hard_query_count_15d')).toEqual([1, 2])
    const beyond = history(
      queried(T0, 'bank-a', { report_date: '2024-02-01' }),
      queried(T0 + 7 * MS_PER_DAY, 'bank-b', { report_date: '2024-03-08' }),
    )
    expect(oracleEvaluations(beyond, UTC).map(({ values }) => values['hard_query_count_15d'])).toEqual([0, 2])
    expect(pick(valuesAfter(beyond), 'days_since_hard_query')).toEqual([0])
  })

  test('of one institution and local date count once, as first received, whatever the reason in between', () => {
    const items = history(
      queried('2024-03-01T01:00:00Z', 'bank-a', { reason: 'post_loan_management' }),
      queried('2024-03-01T02:00:00Z', 'bank-a', { reason: '贷款审批', institution_type: 'online' }),
      queried('2024-03-01T03:00:00Z', 'bank-a', { reason: 'card_approval', institution_type: 'bank' }),
      queried('2024-03-01T16:00:00Z', 'bank-a'),
    )
    const names = ['hard_query_count_7d', 'microloan_query_count_90d', 'query_institution_count_30d'] as const
    expect(pick(valuesAfter(items), ...names)).toEqual([1, 1, 1])
    expect(pick(valuesAfter(items, { ...UTC, zone: 'Asia/Shanghai' }), ...names)).toEqual([2, 1, 1])
    expect(pick(valuesAfter(items), 'query_night_count_90d', 'non_bank_query_count_90d')).toEqual([1, 1])
  })

  test('of the tenant itself are not counted, but they are a bureau record', () => {
    const items = history(posted(T0, 'in', 1), queried(T0, 'us'))
    const own = { ...UTC, institution: 'us' }
    expect(oracleEvaluations(items, own).map(({ values }) => values['hard_query_count_7d'])).toEqual([null, 0])
    expect(pick(valuesAfter(items, own), 'query_acceleration_30d_90d', 'days_since_hard_query')).toEqual([null, null])
  })
})

describe('signals', () => {
  test('are counted for 365 days', () => {
    const signal = (time: number) => ({
      type: 'signal.reported',
      time,
      data: { kind: 'litigation', reported_at: time },
    })
    const items = history(signal(T0), signal(T0 + 1), signal(T0 + 365 * MS_PER_DAY))
    expect(oracleEvaluations(items, UTC).map(({ values }) => values['litigation_count_365d'])).toEqual([1, 2, 2])
    expect(pick(valuesAfter(items), 'enforcement_count_365d')).toEqual([0])
  })
})

describe('currency', () => {
  test('other than the tenant’s has no effect and no evaluation', () => {
    const items = history(
      posted(T0, 'in', 1),
      posted(T0 + 99 * MS_PER_DAY, 'in', 1, { currency: 'USD' }),
      posted(T0, 'in', 1),
    )
    expect(oracleEvaluations(items, UTC).map(({ offset, time }) => [offset, time])).toEqual([
      [0, T0],
      [2, T0],
    ])
  })
})
