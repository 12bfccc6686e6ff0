import { describe, expect, test } from 'vitest'
import {
  closed,
  contacted,
  disbursed,
  history,
  type Item,
  noon,
  paid,
  pick,
  posted,
  restructured,
  reversedOn,
  UTC,
  valuesAfter,
} from './examples.ts'
import { oracleEvaluations } from './features.ts'
import { MS_PER_DAY } from './view.ts'

/** Repayment habit in the oracle against values worked out by hand. What the ledger itself gives is in ledger.test.ts. */

const THREE = ['2024-02-10', '2024-03-10', '2024-04-10'] as const
const LOAN = disbursed('2024-01-10', 'l', 300, THREE)
const after = (name: string, ...items: Item[]) => pick(valuesAfter(history(...items)), name)[0]

describe('days late', () => {
  test('have a trend and a spread over the last six settled', () => {
    const due = ['2024-02-01', '2024-02-02', '2024-02-03', '2024-02-04', '2024-02-05', '2024-02-06', '2024-02-07']
    const loan = disbursed('2024-01-10', 'l', 700, due)
    const late = [9, 0, 1, 0, 2, 3, 10]
    const payments = late.map((days, i) => {
      const value = new Date(Date.parse(noon(due[i]!)) + days * MS_PER_DAY).toISOString()
      return paid('2024-03-20', 'l', 100, { paid_at: value })
    })
    // By settlement: late 0 (02-02), 1 (02-04), 0 (02-04), 2 (02-07), 3 (02-09), 9 (02-10), 10 (02-17).
    const names = ['days_late_trend_6', 'days_late_spread_6'] as const
    expect(pick(valuesAfter(history(loan, ...payments.slice(0, 5))), ...names)).toEqual([null, null])
    // The last six are 1, 0, 2, 3, 9, 10 (of the two settled on 02-04 the one due earlier comes first). Their slopes:
    // −1 1/2 2/3 2 9/5 | 2 3/2 3 5/2 | 1 7/2 8/3 | 6 7/2 | 1, of which the eighth is 2.
    expect(pick(valuesAfter(history(loan, ...payments)), ...names)).toEqual([2, 10])
  })

  test('are counted in bands for 365 days after the settlement', () => {
    const due = ['2024-02-01', '2024-02-02', '2024-02-03', '2024-02-04', '2024-02-05', '2024-02-06', '2024-02-07']
    const late = [0, 1, 3, 4, 15, 16, 31]
    const payments = late.map((days, i) => {
      const value = new Date(Date.parse(noon(due[i]!)) + days * MS_PER_DAY).toISOString()
      return paid('2024-03-20', 'l', 100, { paid_at: value })
    })
    const names = ['late_1_3_count_365d', 'late_4_15_count_365d', 'late_16_30_count_365d'] as const
    const on = (date: string) =>
      pick(
        valuesAfter(history(disbursed('2024-01-10', 'l', 700, due), ...payments, posted(noon(date), 'in', 1))),
        ...names,
      )
    expect(on('2024-03-20')).toEqual([2, 2, 1])
    // The one late by a day was settled on 2024-02-03.
    expect(on('2025-02-01')).toEqual([2, 2, 1])
    expect(on('2025-02-02')).toEqual([1, 2, 1])
  })
})

describe('a cure', () => {
  const NAME = 'cured_without_contact_count_365d'
  const late = paid('2024-02-20', 'l', 100)

  test('is a late settlement without a contact from the due date to the settlement', () => {
    expect(after(NAME, LOAN, paid('2024-02-10', 'l', 100))).toBe(0)
    expect(after(NAME, LOAN, late)).toBe(1)
    expect(after(NAME, LOAN, contacted('2024-02-09T23:59:59.999Z'), late)).toBe(1)
    expect(after(NAME, LOAN, contacted('2024-02-10T00:00:00Z'), late)).toBe(0)
    expect(after(NAME, LOAN, late, contacted('2024-02-20T23:59:59.999Z'))).toBe(0)
    expect(after(NAME, LOAN, late, contacted('2024-02-21T00:00:00Z'))).toBe(1)
  })

  test('is undone by a contact about this loan or about none, not about another', () => {
    expect(after(NAME, LOAN, contacted(noon('2024-02-15'), 'l'), late)).toBe(0)
    expect(after(NAME, LOAN, contacted(noon('2024-02-15'), 'm'), late)).toBe(1)
    expect(after(NAME, contacted(noon('2024-02-15'), 'l'), LOAN, late)).toBe(0)
  })

  test('is forgotten with its settlement after 365 days, and a contact after 730', () => {
    const on = (date: string) => after(NAME, LOAN, late, posted(noon(date), 'in', 1))
    expect([on('2025-02-18'), on('2025-02-19')]).toEqual([1, 0])
    const early = { data: { channel: 'call', contacted_at: noon('2024-02-15') } }
    const contact = { type: 'contact.recorded', time: noon('2024-02-15'), ...early }
    const slow = paid('2025-12-01', 'l', 100)
    const until = (time: string) => after(NAME, LOAN, contact, slow, posted(time, 'in', 1))
    expect([until('2026-02-14T11:59:59.999Z'), until('2026-02-14T12:00:00Z')]).toEqual([0, 1])
  })

  test('is not undone by a contact that lies ahead', () => {
    const ahead = {
      type: 'contact.recorded',
      time: noon('2024-02-20'),
      data: { channel: 'call', contacted_at: '2024-02-20T12:00:00.001Z' },
    }
    expect(after(NAME, LOAN, late, ahead)).toBe(1)
    expect(after(NAME, LOAN, late, ahead, posted('2024-02-20T12:00:00.001Z', 'in', 1))).toBe(0)
  })
})

describe('contacts', () => {
  test('are events of the borrower, also about a loan that nobody knows', () => {
    const items = history(contacted(noon('2024-02-15'), 'nobody-knows'))
    expect(oracleEvaluations(items, UTC).map(({ time }) => time)).toEqual([Date.parse(noon('2024-02-15'))])
  })
})

describe('a payment of interest only', () => {
  const NAME = 'interest_only_payment_share_180d'
  const schedule = THREE.map((due_date) => ({ due_date, principal_minor: 100, interest_minor: 10 }))
  const loan = disbursed('2024-01-10', 'l', 300, THREE, { schedule })

  test('paid no principal, or nothing of the schedule', () => {
    expect(after(NAME, loan)).toBe(null)
    expect(after(NAME, loan, paid('2024-02-10', 'l', 10))).toBe(1)
    expect(after(NAME, loan, paid('2024-02-10', 'l', 11))).toBe(0)
    expect(after(NAME, loan, paid('2024-02-10', 'l', 10), paid('2024-02-10', 'l', 1))).toBe(0.5)
    const split = { principal_minor: 0, interest_minor: 10, fee_minor: 0, penalty_minor: 90 }
    expect(after(NAME, loan, paid('2024-02-10', 'l', 100, { split }))).toBe(1)
    expect(after(NAME, loan, paid('2024-02-10', 'l', 330), paid('2024-02-10', 'l', 330))).toBe(0.5)
  })

  test('counts from its value date on, and is what the ledger makes of it today', () => {
    const ahead = paid('2024-02-10', 'l', 10, { paid_at: noon('2024-02-12') })
    expect(after(NAME, loan, ahead)).toBe(null)
    expect(after(NAME, loan, ahead, posted(noon('2024-02-12'), 'in', 1))).toBe(1)
    // Without the ten before it the second pays interest.
    const two = [loan, paid('2024-02-10', 'l', 10), paid('2024-02-11', 'l', 10)]
    expect([after(NAME, ...two), after(NAME, ...two, reversedOn('2024-02-12', 'l', 'event-1'))]).toEqual([0.5, 1])
  })

  test('stays one when what it paid is carried over to a new schedule', () => {
    const changed = [loan, paid('2024-02-10', 'l', 10), restructured('2024-02-11', 'l', [['2024-05-20', 300]])]
    expect(after(NAME, ...changed)).toBe(1)
    expect(after(NAME, loan, paid('2024-02-10', 'l', 60), changed[2]!)).toBe(0)
  })
})

describe('how payments are made', () => {
  const by = (date: string, data: object) => paid(date, 'l', 10, data)
  const NAMES = ['payer_count_180d', 'payment_channel_count_180d', 'paying_account_switch_count_180d'] as const

  test('is counted over 180 days of those that say', () => {
    const items = [
      LOAN,
      by('2024-02-01', { payer: 'p', account: 'a', channel: 'app' }),
      by('2024-02-02', {}),
      by('2024-02-03', { payer: 'q', account: 'b' }),
      by('2024-02-05', { payer: 'p', account: 'b' }),
      by('2024-02-04', { account: 'a' }),
    ]
    // As received the accounts are a, b, b, a.
    expect(pick(valuesAfter(history(...items)), ...NAMES)).toEqual([2, 1, 2])
    expect(pick(valuesAfter(history(...items, posted(noon('2024-07-30'), 'in', 1))), ...NAMES)).toEqual([2, null, 1])
    expect(pick(valuesAfter(history(LOAN, by('2024-02-02', {}))), ...NAMES)).toEqual([null, null, null])
    expect(pick(valuesAfter(history(LOAN, by('2024-02-02', { account: 'a' }))), ...NAMES)).toEqual([null, null, 0])
  })
})

describe('failed debits of instalments', () => {
  test('are asked of 90 days of transactions, and of no loan', () => {
    const failed = (data: object) => posted(noon('2024-03-31'), 'out', 5, { category: 'failed_debit', ...data })
    const on = (first: string) =>
      after(
        'failed_instalment_debit_count_90d',
        posted(first, 'in', 1),
        failed({ counterparty_kind: 'lender' }),
        failed({}),
      )
    expect(on(noon('2024-01-01'))).toBe(1)
    expect(on('2024-01-01T12:00:00.001Z')).toBe(null)
  })
})

describe('an early payoff', () => {
  test('settles all when two instalments at least lie ahead', () => {
    const payoff = (date: string) => after('early_payoff_count', LOAN, paid(date, 'l', 300), closed(date, 'l'))
    expect(payoff('2024-03-09')).toBe(1)
    expect(payoff('2024-03-10')).toBe(0)
    expect(after('early_payoff_count', LOAN, paid('2024-02-01', 'l', 299))).toBe(0)
    expect(after('early_payoff_count', LOAN, paid('2024-02-01', 'l', 299), paid('2024-02-02', 'l', 1))).toBe(1)
    expect(after('early_payoff_count', posted(noon('2024-02-01'), 'in', 1))).toBe(null)
  })
})
