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

/** What the oracle holds, refuses and evaluates, and its rows of loans, against values worked out by hand. */

const THREE = ['2024-02-10', '2024-03-10', '2024-04-10'] as const

describe('an event of a loan that cannot take effect', () => {
  test('is refused: a second reversal of one repayment, any change of a loan that has ended', () => {
    const items = history(
      disbursed('2024-01-10', 'l', 300, THREE),
      paid('2024-02-10', 'l', 100),
      reversedOn('2024-02-11', 'l', 'event-1'),
      reversedOn('2024-02-12', 'l', 'event-1'),
      closed('2024-02-13', 'l'),
      writtenOff('2024-02-14', 'l'),
      restructured('2024-02-15', 'l', [['2024-05-20', 60]]),
      paid('2024-02-16', 'l', 100),
    )
    expect(oracleDeadLetters(items, UTC)).toEqual([
      { offset: 3, reason: 'already_reversed' },
      { offset: 5, reason: 'loan_not_open' },
      { offset: 6, reason: 'loan_not_open' },
    ])
    expect(pick(valuesAfter(items), 'reversal_count_90d', 'restructured_count', 'repayment_count_30d')).toEqual([
      1, 0, 1,
    ])
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

  test('evaluate a borrower whose T is the end of the day already', () => {
    const items = history(
      disbursed('2024-02-10', 'l', 300, ['2024-02-11']),
      posted('2024-02-10T23:59:59.999Z', 'in', 1),
      { tick: '2024-02-10' },
    )
    expect(oracleEvaluations(items, UTC)).toHaveLength(3)
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
    expect(on('2024-02-10')).toMatchObject({ status: 'open', dpd: 0, bucket: 'current', overdue_principal_minor: 0 })
    expect(on('2024-02-12')).toMatchObject({ dpd: 2, bucket: 'M1', worst_dpd: 2, overdue_principal_minor: 100 })
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
