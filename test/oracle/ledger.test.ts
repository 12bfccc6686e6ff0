import { describe, expect, test } from 'vitest'
import {
  closed,
  disbursed,
  history,
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
import { oracleDeadLetters } from './reception.ts'

/** The oracle's ledger against values worked out by hand. */

const THREE = ['2024-02-10', '2024-03-10', '2024-04-10'] as const

describe('days past due', () => {
  test('count from the oldest unpaid due date; the due date itself is not late', () => {
    const loan = disbursed('2024-01-10', 'l', 300, THREE)
    const on = (date: string) =>
      pick(valuesAfter(history(loan, posted(noon(date), 'in', 1))), 'dpd_now', 'overdue_amount')
    expect(on('2024-02-10')).toEqual([0, 0])
    expect(on('2024-02-11')).toEqual([1, 100])
    expect(on('2024-03-11')).toEqual([30, 200])
  })

  test('leave out grace, and count it or not', () => {
    const items = (date: string) => history(disbursed('2024-01-10', 'l', 300, THREE), posted(noon(date), 'in', 1))
    const fromDue = { ...UTC, grace_days: 3 }
    const afterGrace = { ...fromDue, grace_counts: 'after_grace' as const }
    expect(pick(valuesAfter(items('2024-02-13'), fromDue), 'dpd_now', 'overdue_amount')).toEqual([0, 100])
    expect(pick(valuesAfter(items('2024-02-14'), fromDue), 'dpd_now')).toEqual([4])
    expect(pick(valuesAfter(items('2024-02-14'), afterGrace), 'dpd_now')).toEqual([1])
  })

  test('are remembered by settlement date: the last day past due is the one before it', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-03-01', 'l', 100),
      paid('2024-03-10', 'l', 200),
      posted(noon('2024-03-30'), 'in', 1),
    )
    // Overdue from 02-11 (1 day) to 02-29 (19 days); the window of 30 days begins on 03-01, that of 90 holds all.
    expect(pick(valuesAfter(items), 'dpd_now', 'dpd_max_30d', 'dpd_max_90d', 'days_since_past_due')).toEqual([
      0, 0, 19, 30,
    ])
  })

  test('are forgotten after 365 days', () => {
    const on = (date: string) =>
      valuesAfter(
        history(
          disbursed('2023-01-10', 'l', 100, ['2023-02-10']),
          paid('2023-02-12', 'l', 100),
          posted(noon(date), 'in', 1),
        ),
      )
    // Past due on 2023-02-11 alone.
    expect(pick(on('2024-02-10'), 'dpd_max_365d', 'days_since_past_due')).toEqual([1, 364])
    expect(pick(on('2024-02-11'), 'dpd_max_365d', 'days_since_past_due')).toEqual([0, null])
  })

  test('of a closed loan count only before its closing', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      closed('2024-02-20', 'l'),
      posted(noon('2024-02-25'), 'in', 1),
    )
    expect(pick(valuesAfter(items), 'dpd_now', 'dpd_max_30d', 'days_since_past_due')).toEqual([0, 9, 6])
    expect(pick(valuesAfter(items), 'active_loan_count', 'outstanding_principal', 'months_on_book')).toEqual([
      0,
      0,
      null,
    ])
  })

  test('are missing, not zero, without any loan', () => {
    const items = history(posted(noon('2024-02-25'), 'in', 1))
    expect(pick(valuesAfter(items), 'dpd_now', 'dpd_max_365d', 'repayment_count_30d', 'active_loan_count')).toEqual([
      null,
      null,
      null,
      null,
    ])
  })
})

describe('payments', () => {
  test('pay the oldest instalment first, inside it fee, interest, principal', () => {
    const schedule = [
      { due_date: '2024-02-10', principal_minor: 100, interest_minor: 20, fee_minor: 5 },
      { due_date: '2024-03-10', principal_minor: 100, interest_minor: 10, fee_minor: 5 },
    ]
    const loan = disbursed('2024-01-10', 'l', 200, THREE, { schedule, credit_limit_minor: 400 })
    const after = (amount: number) =>
      pick(
        valuesAfter(history(loan, paid('2024-02-01', 'l', amount))),
        'outstanding_principal',
        'next_instalment_amount',
      )
    expect(after(25)).toEqual([200, 100])
    expect(after(26)).toEqual([199, 99])
    expect(after(125)).toEqual([100, 115])
    expect(after(141)).toEqual([99, 99])
    expect(after(1_000)).toEqual([0, null])
    expect(pick(valuesAfter(history(loan, paid('2024-02-01', 'l', 26))), 'utilisation')).toEqual([199 / 400])
  })

  test('with a split pay part by part; penalty and what a part has left pay nothing', () => {
    const schedule = THREE.slice(0, 2).map((due_date) => ({ due_date, principal_minor: 100, interest_minor: 10 }))
    const items = history(
      disbursed('2024-01-10', 'l', 200, THREE, { schedule }),
      paid('2024-02-12', 'l', 230, {
        split: { principal_minor: 150, interest_minor: 5, fee_minor: 40, penalty_minor: 35 },
      }),
    )
    expect(pick(valuesAfter(items), 'outstanding_principal', 'overdue_amount', 'dpd_now')).toEqual([50, 5, 2])
    expect(pick(valuesAfter(items), 'next_instalment_amount', 'repayment_sum_30d')).toEqual([60, 230])
  })

  test('count from their value date on, not before', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-02-12', 'l', 100, { paid_at: noon('2024-02-14') }),
      posted(noon('2024-02-13'), 'in', 1),
      posted(noon('2024-02-14'), 'in', 1),
    )
    const evaluations = oracleEvaluations(items, UTC).map(({ values }) => pick(values, 'dpd_now', 'overdue_amount'))
    expect(evaluations).toEqual([
      [0, 0],
      [2, 100],
      [3, 100],
      [0, 0],
    ])
  })

  test('settle on the value date of the one that completes, in log order', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-02-20', 'l', 60),
      paid('2024-02-21', 'l', 40, { paid_at: noon('2024-02-08') }),
    )
    expect(pick(valuesAfter(items), 'days_late_last', 'on_time_streak', 'dpd_max_30d')).toEqual([-2, 1, 0])
  })

  test('order instalments by settlement before due date', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-02-20', 'l', 100),
      paid('2024-02-20', 'l', 100, { paid_at: noon('2024-02-15') }),
    )
    expect(pick(valuesAfter(items), 'days_late_last', 'on_time_streak')).toEqual([10, 0])
  })

  test('describe the last six settled instalments in the order of settlement', () => {
    const due = ['2024-02-01', '2024-02-02', '2024-02-03', '2024-02-04', '2024-02-05', '2024-02-06', '2024-02-07']
    const items = history(
      disbursed('2024-01-10', 'l', 700, due),
      paid('2024-02-01', 'l', 100),
      paid('2024-02-04', 'l', 150), // settles the second two days late, touches the third
      paid('2024-02-04', 'l', 50, { paid_at: noon('2024-02-05') }), // settles the third two days late
      paid('2024-02-05', 'l', 400), // settles four: late by 1, 0, −1, −2
    )
    const values = valuesAfter(items)
    // By settlement: 0 | +2 | then on 02-05 by due date +2, +1, 0, −1, −2; the last six leave the first out.
    expect(pick(values, 'days_late_last', 'days_late_mean_3', 'days_late_mean_6', 'days_late_max_6')).toEqual([
      -2,
      -1,
      2 / 6,
      2,
    ])
    expect(pick(values, 'partial_payment_share_6', 'payments_per_instalment_6', 'on_time_streak')).toEqual([
      1 / 6,
      7 / 6,
      3,
    ])
  })

  test('are followed by spending: hours to the first card payment or cash withdrawal after the last one', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-02-10', 'l', 10),
      posted(noon('2024-02-10'), 'out', 5, { merchant: 'm' }),
      posted('2024-02-10T15:30:00Z', 'out', 5),
      posted('2024-02-11T00:00:00Z', 'out', 5, { channel: 'atm' }),
      paid('2024-02-12', 'l', 10),
    )
    const hours = oracleEvaluations(items, UTC).map(({ values }) => values['hours_repayment_to_spend'])
    expect(hours).toEqual([null, null, null, null, 12, null])
  })
})

describe('loans against transactions', () => {
  test('compare what fell due in the last 30 days, paid or not, with what came in', () => {
    const loan = disbursed('2024-01-10', 'l', 300, THREE)
    const on = (date: string) =>
      valuesAfter(
        history(posted(noon('2024-01-01'), 'out', 1), loan, paid('2024-01-20', 'l', 300), posted(noon(date), 'in', 50)),
      )
    expect(pick(on('2024-03-10'), 'instalment_to_inflow_30d')).toEqual([200 / 50])
    expect(pick(on('2024-03-11'), 'instalment_to_inflow_30d')).toEqual([100 / 50])
    expect(pick(on('2024-03-09'), 'instalment_to_inflow_30d')).toEqual([100 / 50])
    expect(pick(on('2024-04-09'), 'instalment_to_inflow_30d')).toEqual([0])
    expect(pick(on('2024-04-08'), 'instalment_to_inflow_30d')).toEqual([100 / 50])
  })

  test('see what is diverted within 30 days of the latest disbursement, both ends included', () => {
    const invest = (time: string) => posted(time, 'out', 10, { category: 'securities' })
    const items = history(
      disbursed('2023-12-31', 'earlier', 1_000, ['2024-03-01']),
      invest('2024-01-10T11:59:59.999Z'),
      disbursed('2024-01-10', 'l', 300, THREE),
      invest('2024-01-10T12:00:00.000Z'),
      invest('2024-02-09T12:00:00.000Z'),
      invest('2024-02-09T12:00:00.001Z'),
    )
    expect(oracleEvaluations(items, UTC).map(({ values }) => values['diverted_share_30d'])).toEqual([
      0,
      10 / 1_000,
      0,
      10 / 300,
      20 / 300,
      20 / 300,
    ])
  })

  test('see spending after a repayment for less than 90 days, and what is diverted for less than 150', () => {
    const items = (end: string) =>
      history(
        disbursed('2024-01-10', 'l', 300, THREE),
        paid('2024-03-01', 'l', 1),
        posted('2024-03-01T13:00:00Z', 'out', 30, { merchant: 'm', category: 'securities' }),
        posted(end, 'in', 1),
      )
    const on = (end: string) => pick(valuesAfter(items(end)), 'hours_repayment_to_spend', 'diverted_share_30d')
    expect(on('2024-05-30T11:59:59.999Z')).toEqual([1, 0])
    expect(on('2024-05-30T12:00:00.000Z')).toEqual([null, 0])
    expect(on('2024-06-08T11:59:59.999Z')).toEqual([null, 0])
    expect(on('2024-06-08T12:00:00.000Z')).toEqual([null, null])
  })

  test('set the balance against the next instalments, of all loans due that day', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      disbursed('2024-01-11', 'm', 50, ['2024-02-10']),
      posted(noon('2024-02-10'), 'in', 1, { balance_after_minor: 75 }),
      posted(noon('2024-02-11'), 'in', 1),
    )
    const covers = oracleEvaluations(items, UTC).map(({ values }) =>
      pick(values, 'next_instalment_amount', 'next_instalment_cover'),
    )
    expect(covers).toEqual([
      [100, null],
      [150, null],
      [150, 0.5],
      [100, 0.75],
    ])
  })
})

describe('a reversal', () => {
  const items = history(
    disbursed('2024-01-10', 'l', 300, THREE),
    paid('2024-02-10', 'l', 100),
    paid('2024-02-15', 'l', 30),
    reversedOn('2024-03-01', 'l', 'event-1'),
  )

  test('counts from its place on: the other payments are allocated anew and the old due date is late again', () => {
    const [, , before, after] = oracleEvaluations(items, UTC)
    expect(pick(before!.values, 'dpd_now', 'days_late_last', 'repayment_count_30d')).toEqual([0, 0, 2])
    expect(pick(after!.values, 'dpd_now', 'days_late_last', 'repayment_count_30d')).toEqual([20, null, 1])
    expect(pick(after!.values, 'overdue_amount', 'outstanding_principal', 'reversal_count_90d')).toEqual([70, 270, 1])
  })

  test('of a repayment that the loan does not have is refused', () => {
    const unknown = history(disbursed('2024-01-10', 'l', 300, THREE), reversedOn('2024-03-01', 'l', 'event-9'))
    expect(oracleDeadLetters(unknown, UTC)).toEqual([{ offset: 1, reason: 'unknown_repayment' }])
    expect(oracleEvaluations(unknown, UTC)).toHaveLength(1)
  })
})

describe('an instalment of nothing', () => {
  test('is none', () => {
    const schedule = [
      { due_date: '2024-02-10', principal_minor: 0 },
      { due_date: '2024-03-10', principal_minor: 100 },
    ]
    const items = history(disbursed('2024-01-10', 'l', 100, THREE, { schedule }), posted(noon('2024-02-20'), 'in', 1))
    expect(pick(valuesAfter(items), 'dpd_now', 'overdue_instalment_count', 'remaining_instalment_count')).toEqual([
      0, 0, 1,
    ])
    expect(pick(valuesAfter(items), 'days_late_last', 'on_time_streak')).toEqual([null, null])
  })
})

describe('a restructuring', () => {
  const items = [
    disbursed('2024-01-10', 'l', 300, THREE),
    paid('2024-02-10', 'l', 140),
    restructured('2024-04-20', 'l', [
      ['2024-05-20', 60],
      ['2024-06-20', 140],
    ]),
  ] as const

  test('drops what is unsettled and carries what was paid on it to the new schedule', () => {
    const values = valuesAfter(history(...items))
    expect(pick(values, 'dpd_now', 'outstanding_principal', 'next_instalment_amount')).toEqual([0, 160, 20])
    expect(pick(values, 'remaining_instalment_count', 'restructured_count')).toEqual([2, 1])
  })

  test('settles a new instalment on its effective date when what was paid covers it', () => {
    const covered = restructured('2024-04-20', 'l', [
      ['2024-05-20', 40],
      ['2024-06-20', 160],
    ])
    const values = valuesAfter(history(items[0], items[1], covered))
    expect(pick(values, 'days_late_last', 'remaining_instalment_count')).toEqual([-30, 1])
  })

  test('keeps what was settled then, also when its payment is taken back later', () => {
    const values = valuesAfter(history(...items, reversedOn('2024-04-21', 'l', 'event-1')))
    // The first instalment is due since 02-10 again, and the 40 are gone from the new schedule.
    expect(pick(values, 'dpd_now', 'outstanding_principal', 'next_instalment_amount')).toEqual([71, 300, 60])
  })
})
