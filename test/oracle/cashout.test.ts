import { describe, expect, test } from 'vitest'
import { disbursed, history, type Item, noon, paid, pick, posted, reversedOn, UTC, valuesAfter } from './examples.ts'
import { oracleEvaluations } from './features.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** Cash-out and the way of a loan's money, in the oracle, against values worked out by hand. */

const T0 = Date.parse('2024-03-01T00:00:00Z')
const day = (days: number): number => T0 + days * MS_PER_DAY
/** A first row, so that there is a history of 30 days and of 90 at the end. */
const FIRST = posted(day(-90), 'in', 1)

describe('amounts just under a line', () => {
  test('are 95 % of it and less than all of it, going out', () => {
    const amounts = [949_999, 950_000, 999_999, 1_000_000, 4_749_999, 4_750_000, 4_999_999, 5_000_000]
    const items = history(FIRST, posted(day(0), 'in', 999_999), ...amounts.map((one) => posted(day(0), 'out', one)))
    expect(pick(valuesAfter(items), 'just_under_count_30d', 'just_under_count_90d')).toEqual([4, 4])
  })
})

describe('split payments', () => {
  const out = (time: number, party: object) => posted(time, 'out', 10, party)

  test('are counted at the third received of one party and date', () => {
    const items = history(
      FIRST,
      out(day(0), { counterparty: 'p' }),
      out(day(0) + 1, { merchant: 'p', counterparty: 'q' }),
      out(day(1), { counterparty: 'p' }),
      out(day(0), { counterparty: 'q' }),
      posted(day(0), 'in', 10, { counterparty: 'p' }),
      out(day(0) + 2, { counterparty: 'p' }),
      out(day(0) + 3, { counterparty: 'p' }),
      out(day(1), {}),
      out(day(1), {}),
      out(day(1), {}),
    )
    const counts = oracleEvaluations(items, UTC).map(({ values }) => values['split_payment_count_30d'])
    expect(counts).toEqual([null, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
  })

  test('leave the window with that third one, whichever time the others have', () => {
    const items = (end: number) =>
      history(
        FIRST,
        out(day(0) + 5, { merchant: 'p' }),
        out(day(0) + 6, { merchant: 'p' }),
        out(day(0), { merchant: 'p' }),
        posted(end, 'in', 1),
      )
    expect(pick(valuesAfter(items(day(30) - 1)), 'split_payment_count_30d')).toEqual([1])
    expect(pick(valuesAfter(items(day(30))), 'split_payment_count_30d')).toEqual([0])
  })
})

describe('a round trip', () => {
  const NAMES = ['round_trip_count_30d', 'round_trip_sum_90d'] as const
  const card = posted(day(0), 'out', 1_000, { merchant: 'm' })
  const back = (later: number, amount: number, data: object = { counterparty_kind: 'person' }) =>
    posted(day(0) + later, 'in', amount, data)
  const after = (...items: Item[]) => pick(valuesAfter(history(FIRST, ...items)), ...NAMES)

  test('comes back within 48 hours, both ends by definition', () => {
    expect(after(card, back(0, 1_000))).toEqual([0, 0])
    expect(after(card, back(1, 1_000))).toEqual([1, 1_000])
    expect(after(card, back(48 * MS_PER_HOUR, 1_000))).toEqual([1, 1_000])
    expect(after(card, back(48 * MS_PER_HOUR + 1, 1_000))).toEqual([0, 0])
  })

  test('comes back within 5 %', () => {
    expect(after(card, back(1, 949))).toEqual([0, 0])
    expect(after(card, back(1, 950))).toEqual([1, 950])
    expect(after(card, back(1, 1_050))).toEqual([1, 1_050])
    expect(after(card, back(1, 1_051))).toEqual([0, 0])
  })

  test('is seen whichever is received first, and once however many cards there are', () => {
    expect(after(back(1, 1_000), card)).toEqual([1, 1_000])
    expect(after(card, card, back(1, 1_000))).toEqual([1, 1_000])
  })

  test('comes from a person or a merchant, and is no refund', () => {
    expect(after(card, back(1, 1_000, { counterparty_kind: 'merchant' }))).toEqual([1, 1_000])
    expect(after(card, back(1, 1_000, { counterparty_kind: 'person', category: 'refund' }))).toEqual([0, 0])
    expect(after(card, back(1, 1_000, { counterparty_kind: 'employer' }))).toEqual([0, 0])
    expect(after(posted(day(0), 'out', 1_000, { counterparty: 'm' }), back(1, 1_000))).toEqual([0, 0])
  })
})

describe('credit and merchants', () => {
  test('are shares of what is spent by card', () => {
    const spent = (days: number, amount: number, merchant: string, data: object = {}) =>
      posted(day(days), 'out', amount, { merchant, ...data })
    const items = history(
      FIRST,
      spent(-50, 40, 'm', { account_kind: 'credit' }),
      spent(0, 20, 'n', { account_kind: 'credit' }),
      spent(0, 20, 'm', { account_kind: 'deposit' }),
      spent(0, 20, 'o'),
      posted(day(0), 'out', 500, { account_kind: 'credit' }),
    )
    const values = valuesAfter(items)
    expect(pick(values, 'credit_share_90d', 'credit_spend_trend_30d_90d')).toEqual([60 / 100, (20 * 3) / 60])
    expect(pick(values, 'merchant_hhi_90d', 'merchant_top_share_90d')).toEqual([0.6 * 0.6 + 0.2 * 0.2 + 0.2 * 0.2, 0.6])
    expect(pick(values, 'credit_spend_to_limit_30d')).toEqual([null])
    const limited = history(
      FIRST,
      disbursed('2024-02-01', 'l', 10, ['2024-09-01'], { credit_limit_minor: 80 }),
      spent(0, 20, 'n', { account_kind: 'credit' }),
    )
    expect(pick(valuesAfter(limited), 'credit_spend_to_limit_30d')).toEqual([20 / 80])
  })

  test('have no share without a card payment', () => {
    const items = history(FIRST, posted(day(0), 'out', 1))
    expect(pick(valuesAfter(items), 'credit_share_90d', 'merchant_hhi_90d', 'merchant_top_share_90d')).toEqual([
      null,
      null,
      null,
    ])
  })
})

describe('money of another lender', () => {
  const lender = (time: number, amount: number, data: object = {}) =>
    posted(time, 'in', amount, { counterparty_kind: 'lender', ...data })
  const at = Date.parse(noon('2024-03-01'))
  const after = (lent: Item, configuration = UTC) =>
    pick(
      valuesAfter(
        history(disbursed('2024-01-10', 'l', 300, ['2024-09-01']), lent, paid('2024-03-01', 'l', 100)),
        configuration,
      ),
      'lender_funded_repayment_count_90d',
      'lender_funded_repayment_share_90d',
    )

  test('funds a repayment of no more within 72 hours', () => {
    expect(after(lender(at - 72 * MS_PER_HOUR, 100))).toEqual([1, 1])
    expect(after(lender(at - 72 * MS_PER_HOUR - 1, 100))).toEqual([0, 0])
    expect(after(lender(at, 100))).toEqual([1, 1])
    expect(after(lender(at, 99))).toEqual([0, 0])
  })

  test('is not the tenant’s own', () => {
    const own = { ...UTC, institution: 'us' }
    expect(after(lender(at, 100, { counterparty: 'us' }), own)).toEqual([0, 0])
    expect(after(lender(at, 100, { counterparty: 'us' }))).toEqual([1, 1])
    expect(after(lender(at, 100), own)).toEqual([1, 1])
  })
})

describe('spending after a repayment', () => {
  test('is counted within the hour, once for each payment that stands', () => {
    const at = Date.parse(noon('2024-03-01'))
    const after = (later: number, ...more: Item[]) =>
      pick(
        valuesAfter(
          history(
            disbursed('2024-01-10', 'l', 300, ['2024-09-01']),
            paid('2024-03-01', 'l', 100),
            paid('2024-03-01', 'l', 50),
            posted(at + later, 'out', 5, { merchant: 'm' }),
            posted(at + later, 'out', 5, { channel: 'atm' }),
            ...more,
          ),
        ),
        'repay_then_spend_count_90d',
      )
    expect([after(0), after(1), after(MS_PER_HOUR), after(MS_PER_HOUR + 1)]).toEqual([[0], [2], [2], [0]])
    expect(after(1, reversedOn('2024-03-02', 'l', 'event-1'))).toEqual([1])
  })
})

describe('the change of utilisation', () => {
  test('is that of loans 30 days old, as known now of both dates', () => {
    const limited = (date: string, loan: string, limit: number) =>
      disbursed(date, loan, 300, ['2024-09-01'], { credit_limit_minor: limit })
    const items = history(
      limited('2024-02-01', 'old', 400),
      limited('2024-02-02', 'young', 1_000),
      disbursed('2024-01-01', 'unlimited', 300, ['2024-09-01']),
      paid('2024-02-01', 'old', 50),
      paid('2024-02-02', 'old', 30),
      paid('2024-02-02', 'young', 30),
      posted(noon('2024-03-02'), 'in', 1),
    )
    // 30 days before 2024-03-02 lies 2024-02-01: 250 were outstanding then, 220 are now.
    expect(pick(valuesAfter(items), 'utilisation_change_30d')).toEqual([-30 / 400])
    const none = history(limited('2024-02-01', 'l', 0), posted(noon('2024-03-02'), 'in', 1))
    expect(pick(valuesAfter(none), 'utilisation_change_30d')).toEqual([null])
  })
})

describe('proceeds of a loan', () => {
  const KINDS = ['securities', 'property', 'lender', 'cash', 'own_account'] as const
  const at = Date.parse(noon('2024-01-10'))
  const loan = disbursed('2024-01-10', 'l', 1_000, ['2024-09-01'])
  const receipt = (data: object = {}, time = at) => posted(time, 'in', 1_000, { counterparty_kind: 'lender', ...data })
  const out = (days: number, amount: number, data: object) => posted(at + days * MS_PER_DAY, 'out', amount, data)
  const shares = (days: number, items: readonly Item[]) =>
    pick(valuesAfter(history(...items)), ...KINDS.map((kind) => `proceeds_${kind}_share_${days}d`))

  test('go out after what the account held before, to the first use that applies', () => {
    const items = [
      loan,
      receipt({ balance_after_minor: 1_150 }),
      out(1, 100, { category: 'securities' }),
      out(2, 250, { counterparty_kind: 'securities', category: 'cash_withdrawal' }),
      out(3, 100, { category: 'property', counterparty_kind: 'own_account' }),
      out(4, 100, { category: 'loan_payment', channel: 'atm' }),
      out(5, 100, { channel: 'atm', counterparty_kind: 'own_account' }),
      out(7, 100, { counterparty_kind: 'own_account' }),
      posted(at + 7 * MS_PER_DAY + 1, 'out', 200, { counterparty_kind: 'own_account' }),
      out(8, 500, { category: 'securities' }),
    ]
    // Of the older 150 the first 100 go to securities, then 50 of the 250. After day 7 only 200 and 200 are left.
    expect(shares(7, items)).toEqual([0.2, 0.1, 0.1, 0.1, 0.1])
    expect(shares(30, items)).toEqual([(200 + 200) / 1_000, 0.1, 0.1, 0.1, 0.3])
  })

  test('are used up by what has no name here, too', () => {
    const items = [
      loan,
      receipt({ balance_after_minor: 1_000 }),
      out(1, 900, { category: 'rent' }),
      out(2, 900, { channel: 'atm' }),
    ]
    expect(shares(7, items)).toEqual([0, 0, 0, 0.1, 0])
  })

  test('are not touched by other accounts, money in or debits that failed', () => {
    const items = [
      loan,
      receipt(),
      out(1, 100, { account: 'b', category: 'securities' }),
      out(1, 100, { category: 'failed_debit', counterparty_kind: 'securities' }),
      posted(at + 1, 'in', 100, { category: 'securities' }),
      out(1, 100, { category: 'property' }),
    ]
    expect(shares(30, items)).toEqual([0, 0.1, 0, 0, 0])
  })

  test('follow the last balance of the account where the receipt states none', () => {
    const items = (...before: Item[]) => [loan, ...before, receipt({}, at + 1), out(1, 100, { channel: 'atm' })]
    const stated = (balance_after_minor: number, data: object = {}) =>
      posted(at, 'out', 1, { balance_after_minor, ...data })
    expect(shares(7, items(stated(70)))[3]).toBe(30 / 1_000)
    expect(shares(7, items(stated(70), stated(10, { account: 'b' })))[3]).toBe(30 / 1_000)
    expect(shares(7, items(stated(-70)))[3]).toBe(100 / 1_000)
    expect(shares(7, items())[3]).toBe(100 / 1_000)
  })

  test('follow no balance that was stated 180 days ago', () => {
    const until = (end: number) => [
      loan,
      posted(at - 31 * MS_PER_DAY, 'out', 1, { balance_after_minor: 70 }),
      receipt(),
      out(1, 100, { channel: 'atm' }),
      posted(end, 'in', 1),
    ]
    expect(shares(7, until(at + 149 * MS_PER_DAY - 1))[3]).toBe(30 / 1_000)
    expect(shares(7, until(at + 149 * MS_PER_DAY))[3]).toBe(100 / 1_000)
  })

  test('are those of the first receipt of exactly the principal within three days', () => {
    const missing = [null, null, null, null, null]
    const spent = out(3, 100, { channel: 'atm' })
    expect(shares(7, [loan, receipt({}, at + 3 * MS_PER_DAY), spent])[3]).toBe(0.1)
    expect(shares(7, [loan, receipt({}, at + 3 * MS_PER_DAY + 1), spent])).toEqual(missing)
    expect(shares(7, [loan, receipt({}, at - 1), spent])).toEqual(missing)
    expect(shares(7, [loan, posted(at, 'in', 999, { counterparty_kind: 'lender' }), spent])).toEqual(missing)
    const twice = [loan, receipt({ account: 'b' }), receipt(), spent]
    expect(shares(7, twice)[3]).toBe(0)
  })

  test('are those of the newest loan for less than 150 days', () => {
    const until = (time: number) =>
      shares(7, [loan, receipt(), out(1, 100, { channel: 'atm' }), posted(time, 'in', 1)])[3]
    expect(until(at + 150 * MS_PER_DAY - 1)).toBe(0.1)
    expect(until(at + 150 * MS_PER_DAY)).toBe(null)
    const newer = [loan, receipt(), disbursed('2024-01-10', 'm', 500, ['2024-09-01'])]
    expect(shares(7, newer)[3]).toBe(null)
  })

  test('tell 127 accounts apart, in the order of the log', () => {
    const accounts = (count: number) =>
      Array.from({ length: count }, (_, i) => posted(at - 1, 'in', 1, { account: `account-${i}` }))
    const items = (count: number) => [
      loan,
      ...accounts(count),
      receipt({ account: 'x' }),
      out(1, 100, { account: 'y', channel: 'atm' }),
    ]
    expect(shares(7, items(126))[3]).toBe(0)
    expect(shares(7, items(127))[3]).toBe(0.1)
  })
})
