import { describe, expect, it } from 'vitest'
import { calendarOf, dateOfDay, dayOfDate } from '../../../features/time.ts'
import { addMonths, chineseNewYear, simulatedDay } from '../../../pipelines/simulator/calendar.ts'

describe('the calendar of the simulation', () => {
  it('has the Chinese new year to the day or the one beside it', () => {
    const known = ['2020-01-25', '2021-02-12', '2022-02-01', '2023-01-22', '2024-02-10', '2025-01-29', '2026-02-17']
    for (const date of known) {
      const computed = chineseNewYear(Number(date.slice(0, 4)))
      expect(Math.abs(computed - dayOfDate(date)), date).toBeLessThanOrEqual(1)
    }
  })

  it('has the business dates of Shanghai', () => {
    const shanghai = calendarOf('Asia/Shanghai')
    for (const date of ['2019-12-31', '2024-02-29', '2026-06-30']) {
      const day = dayOfDate(date)
      expect(simulatedDay(day)).toMatchObject({ date, start_ms: shanghai.startOfDay(day) })
    }
  })

  it('pays every salary once a month, on a working day not after its nominal one', () => {
    for (const nominal of [1, 5, 10, 15, 28]) {
      const paid: number[] = []
      for (let day = dayOfDate('2024-01-01'); day < dayOfDate('2026-01-01'); day++) {
        const today = simulatedDay(day)
        if (!today.pays[nominal]) continue
        expect(today.working, today.date).toBe(true)
        paid.push(day)
      }
      const due = Array.from({ length: 24 }, (_, month) => addMonths(dayOfDate('2024-01-01'), month) + nominal - 1)
      // What is due on the new year's day of 2026 is paid in 2025.
      expect(paid.filter((_, i) => i < 24).length, `day ${nominal}`).toBeGreaterThanOrEqual(23)
      for (const day of paid) expect(due.some((one) => one >= day && one - day <= 12) || day > due.at(-1)!).toBe(true)
      expect(new Set(paid).size).toBe(paid.length)
    }
  })

  it('adds months like a calendar', () => {
    expect(dateOfDay(addMonths(dayOfDate('2024-01-31'), 1))).toBe('2024-02-29')
    expect(dateOfDay(addMonths(dayOfDate('2024-11-15'), 3))).toBe('2025-02-15')
  })

  it('makes people spend as often in a year as on average', () => {
    let sum = 0
    for (let day = dayOfDate('2024-01-01'); day < dayOfDate('2028-01-01'); day++) sum += simulatedDay(day).spending
    expect(sum / 1461).toBeGreaterThan(0.95)
    expect(sum / 1461).toBeLessThan(1.05)
  })
})
