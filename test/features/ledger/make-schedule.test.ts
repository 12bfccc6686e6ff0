import { describe, expect, it } from 'vitest'
import { DAY_COUNTS, REPAYMENT_METHODS } from '../../../features/events/loans.ts'
import { makeSchedule, type ScheduleTerms } from '../../../features/ledger/make-schedule.ts'
import { dateOfDay, dayOfDate } from '../../../features/time.ts'

const TERMS: ScheduleTerms = {
  principal_minor: 1_200_000,
  disbursed_day: dayOfDate('2024-01-31'),
  repayment_method: 'equal_instalment',
  instalments: 3,
  first_due_date: '2024-02-29',
  annual_rate: 0.12,
  day_count: '30/360',
}

/** Due date, principal and interest of each instalment. */
function rowsOf(terms: Partial<ScheduleTerms>): [string, number, number][] {
  const schedule = makeSchedule({ ...TERMS, ...terms })
  return Array.from({ length: schedule.length / 4 }, (_, k) => {
    const [due, principal, interest, fee] = schedule.slice(k * 4, k * 4 + 4)
    expect(fee).toBe(0)
    return [dateOfDay(due!), principal!, interest!]
  })
}

describe('a schedule that is made of terms', () => {
  it('of equal instalments asks for the same each time, interest first, and for the rest at the end', () => {
    // 1,200,000 × 0.01 / (1 − 1.01^−3) = 408,026.5; from the 30th to the 29th are 29 days of 360.
    expect(rowsOf({})).toEqual([
      ['2024-02-29', 396_427, 11_600],
      ['2024-03-29', 399_991, 8036],
      ['2024-04-29', 403_582, 4036],
    ])
    expect(rowsOf({ annual_rate: 0, principal_minor: 100 }).map(([, principal]) => principal)).toEqual([33, 33, 34])
  })

  it('of equal principal asks for less interest each time', () => {
    expect(
      rowsOf({ repayment_method: 'equal_principal', principal_minor: 1_000_001, first_due_date: '2024-02-28' }),
    ).toEqual([
      ['2024-02-28', 333_333, 9333],
      ['2024-03-28', 333_333, 6667],
      ['2024-04-28', 333_335, 3333],
    ])
  })

  it('of interest only and of a bullet asks for all principal at the end', () => {
    expect(rowsOf({ repayment_method: 'interest_only' })).toEqual([
      ['2024-02-29', 0, 11_600],
      ['2024-03-29', 0, 12_000],
      ['2024-04-29', 1_200_000, 12_000],
    ])
    expect(rowsOf({ repayment_method: 'bullet' })).toEqual([['2024-04-29', 1_200_000, 35_600]])
  })

  it('of a line of credit asks for a share of what is owed, and for the rest at the end', () => {
    expect(rowsOf({ repayment_method: 'revolving', minimum_share: 0.25, annual_rate: 0 })).toEqual([
      ['2024-02-29', 300_000, 0],
      ['2024-03-29', 225_000, 0],
      ['2024-04-29', 675_000, 0],
    ])
    expect(rowsOf({ repayment_method: 'revolving', annual_rate: 0 })[0]).toEqual(['2024-02-29', 120_000, 0])
  })

  it('counts the days as it is told', () => {
    const interest = (day_count: ScheduleTerms['day_count']) =>
      rowsOf({ repayment_method: 'bullet', instalments: 1, day_count })[0]![2]
    expect(interest('30/360')).toBe(Math.round((1_200_000 * 0.12 * 29) / 360))
    expect(interest('actual/360')).toBe(Math.round((1_200_000 * 0.12 * 29) / 360))
    expect(interest('actual/365')).toBe(Math.round((1_200_000 * 0.12 * 29) / 365))
  })

  it('is due on the last day of months that are too short', () => {
    expect(rowsOf({ first_due_date: '2024-01-31', instalments: 4 }).map(([due]) => due)).toEqual([
      '2024-01-31',
      '2024-02-29',
      '2024-03-31',
      '2024-04-30',
    ])
  })

  it('sums to the principal whatever the terms are', () => {
    for (const repayment_method of REPAYMENT_METHODS) {
      for (const day_count of DAY_COUNTS) {
        for (const instalments of [1, 2, 7, 360]) {
          for (const principal_minor of [1, 3, 999_999_999_999]) {
            for (const annual_rate of [0, 0.0435, 3]) {
              const rows = rowsOf({ repayment_method, day_count, instalments, principal_minor, annual_rate })
              const sum = rows.reduce((total, [, principal]) => total + principal, 0)
              expect(sum, JSON.stringify({ repayment_method, instalments, principal_minor, annual_rate })).toBe(
                principal_minor,
              )
              expect(rows.every((row) => row[1] >= 0 && row[2] >= 0 && row[1] + row[2] > 0)).toBe(true)
            }
          }
        }
      }
    }
  })
})
