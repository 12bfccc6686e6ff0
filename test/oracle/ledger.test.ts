import { describe, expect, test } from 'vitest'
import { dayOfDate } from './calendar.ts'
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
  ticks,
  UTC,
  valuesAfter,
  writtenOff,
} from './examples.ts'
import { oracleEvaluations } from './features.ts'
import { oracleDeadLetters } from './reception.ts'
import { oracleLoanDays, oracleLoanOnDay, oracleMonthEnds } from './rows.ts'

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
    expect(oracleEvaluations(items, UTC).map(({ values }) => values['dpd_now'])).toEqual([0, 2, 3, 0])
  })

  test('settle on the value date of the one that completes, in log order', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-02-20', 'l', 60),
      paid('2024-02-21', 'l', 40, { paid_at: noon('2024-02-08') }),
    )
    expect(pick(valuesAfter(items), 'days_late_last', 'on_time_streak', 'dpd_max_30d')).toEqual([-2, 1, 0])
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

describe('an event of a loan not known yet', () => {
  test('is evaluated at its place and applies at the place of the loan', () => {
    const items = history(paid('2024-02-09', 'l', 100), disbursed('2024-01-10', 'l', 300, THREE))
    const [held, applied] = oracleEvaluations(items, UTC)
    expect(pick(held!.values, 'repayment_count_30d', 'active_loan_count')).toEqual([null, null])
    expect(pick(applied!.values, 'repayment_count_30d', 'days_late_last')).toEqual([1, -1])
    expect(applied!.late_ms).toBe(30 * 86_400_000)
    expect(oracleDeadLetters(items, UTC)).toEqual([])
  })

  test('is refused at the seventh closed day after it, and not at the sixth', () => {
    const loan = disbursed('2024-02-01', 'l', 300, THREE)
    const six = history(paid('2024-02-01', 'l', 1), ...ticks('2024-02-01', '2024-02-06'), loan)
    const seven = history(paid('2024-02-01', 'l', 1), ...ticks('2024-02-01', '2024-02-07'), loan)
    expect(oracleDeadLetters(six, UTC)).toEqual([])
    expect(pick(valuesAfter(six), 'repayment_count_30d')).toEqual([1])
    expect(oracleDeadLetters(seven, UTC)).toEqual([{ offset: 0, reason: 'unknown_loan' }])
    expect(pick(valuesAfter(seven), 'repayment_count_30d')).toEqual([0])
  })

  test('finds at most 64 before it', () => {
    const items = history(...Array.from({ length: 65 }, () => paid('2024-02-01', 'l', 1)))
    expect(oracleDeadLetters(items, UTC)).toEqual([{ offset: 64, reason: 'held_full' }])
    expect(oracleEvaluations(items, UTC)).toHaveLength(64)
  })

  test('may still be refused when the loan comes: its reversal finds no repayment', () => {
    const loan = disbursed('2024-02-01', 'l', 300, THREE)
    const items = history(reversedOn('2024-02-01', 'l', 'event-1'), paid('2024-02-01', 'l', 100), loan)
    expect(oracleDeadLetters(items, UTC)).toEqual([{ offset: 0, reason: 'unknown_repayment' }])
    expect(pick(valuesAfter(items), 'repayment_count_30d', 'reversal_count_90d')).toEqual([1, 0])
  })

  test('a second disbursement is refused', () => {
    const loan = disbursed('2024-02-01', 'l', 300, THREE)
    expect(oracleDeadLetters(history(loan, loan), UTC)).toEqual([{ offset: 1, reason: 'loan_conflict' }])
  })
})

describe('ticks', () => {
  test('evaluate an exposed borrower at the end of the day, and no one else', () => {
    const items = history(
      posted(noon('2024-02-09'), 'in', 1),
      { tick: '2024-02-09' },
      disbursed('2024-02-10', 'l', 300, ['2024-02-11']),
      { tick: '2024-02-10' },
      { tick: '2024-02-11' },
      { tick: '2024-02-12' },
      closed('2024-02-13', 'l'),
      { tick: '2024-02-13' },
    )
    const evaluations = oracleEvaluations(items, UTC)
    expect(evaluations.map(({ offset }) => offset)).toEqual([0, 2, 3, 4, 5, 6])
    expect(evaluations[4]).toMatchObject({ time: Date.parse('2024-02-12T23:59:59.999Z'), late_ms: 0 })
    expect(evaluations.map(({ values }) => values['dpd_now'])).toEqual([null, 0, 0, 0, 1, 0])
  })

  test('do not evaluate a borrower whose T lies later, and set T for what comes late', () => {
    const items = history(
      disbursed('2024-02-10', 'l', 300, ['2024-02-11']),
      posted('2024-02-11T00:00:00Z', 'in', 1),
      { tick: '2024-02-10' },
      { tick: '2024-02-11' },
      posted(noon('2024-02-11'), 'in', 1),
    )
    const evaluations = oracleEvaluations(items, UTC)
    expect(evaluations.map(({ offset }) => offset)).toEqual([0, 1, 3, 4])
    expect(evaluations[3]!.late_ms).toBe(12 * 3_600_000 - 1)
  })
})

describe('loan rows', () => {
  const items = history(
    disbursed('2024-01-10', 'a', 300, THREE),
    disbursed('2024-02-01', 'b', 100, ['2024-03-01']),
    ...ticks('2024-01-30', '2024-02-12'),
    paid('2024-02-13', 'a', 100),
    writtenOff('2024-02-13', 'a'),
    ...ticks('2024-02-13', '2024-02-29'),
  )

  test('follow status, bucket and worst DPD by closed day', () => {
    const rows = oracleLoanDays(items, UTC).filter((row) => row.loan === 'a')
    const on = (date: string) => rows.find((row) => row.day === dayOfDate(date))
    expect(on('2024-02-10')).toMatchObject({ status: 'open', dpd: 0, bucket: 'current', overdue_minor: 0 })
    expect(on('2024-02-12')).toMatchObject({ dpd: 2, bucket: 'M1', worst_dpd: 2, overdue_minor: 100 })
    expect(on('2024-02-13')).toMatchObject({ status: 'written_off', dpd: 0, bucket: 'written_off', worst_dpd: 2 })
    expect(on('2024-02-13')).toMatchObject({ outstanding_principal_minor: 200, paid_minor: 100 })
  })

  test('at a month’s end leave out what was disbursed later, and keep what was written off', () => {
    const rows = oracleMonthEnds(items, UTC).map((row) => [
      row.month - 54 * 12,
      row.loan,
      row.mob,
      row.bucket,
      row.balance_minor,
    ])
    expect(rows).toEqual([
      [0, 'a', 0, 'current', 300],
      [1, 'a', 1, 'written_off', 200],
      [1, 'b', 0, 'current', 100],
    ])
  })

  test('can be asked for any day as known at any place', () => {
    const dpd = (date: string, offset: number) =>
      oracleLoanOnDay(items, UTC, { loan: 'a', day: dayOfDate(date), offset })?.dpd ?? null
    expect(dpd('2024-02-20', 1)).toBe(10)
    expect(dpd('2024-02-12', 16)).toBe(2)
    expect(oracleLoanOnDay(items, UTC, { loan: 'b', day: dayOfDate('2024-02-12'), offset: 0 })).toBeNull()
  })
})
