import {
  dateOfDay,
  dayOfDate,
  firstDayOfMonth,
  lastDayOfMonth,
  MS_PER_DAY,
  MS_PER_HOUR,
  monthOfDay,
} from '../../features/time.ts'

/** Shanghai is eight hours ahead of UTC and has had no summer time since 1991. */
export const ZONE = 'Asia/Shanghai'
const ZONE_OFFSET_MS = 8 * MS_PER_HOUR

/** Days of season around the festivals that move what people spend. */
const NEW_YEAR_RUSH_DAYS = 14
const NEW_YEAR_HOLIDAY_DAYS = 8
const NATIONAL_HOLIDAY_DAYS = 7

/** One business date of the simulation, computed once for all borrowers. */
export type SimulatedDay = {
  /** Days since 1970-01-01. */
  readonly number: number
  readonly date: string
  /** First millisecond of the date in the zone. */
  readonly start_ms: number
  /** Months since January 1970. */
  readonly month: number
  readonly day_of_month: number
  readonly working: boolean
  /** Multiplier of how often people spend, 1 on average over a year. */
  readonly spending: number
  /** Multiplier of purchases in shops and on trips, on top of `spending`. */
  readonly shopping: number
  readonly travel: number
  /** `pays[d]` is true when a salary whose nominal day of month is d is paid on this date. */
  readonly pays: readonly boolean[]
  /** True in the month before the new year, when bonuses are paid. */
  readonly bonus_season: boolean
}

const synodicMonthDays = 29.530588
/** The new moon of 2000-02-05, the new year's day of that year. */
const knownNewMoonDay = dayOfDate('2000-02-05')
const newYears = new Map<number, number>()

/** Day number of the Chinese new year: the first mean new moon from 21 January on (exact to a day). */
export function chineseNewYear(year: number): number {
  const known = newYears.get(year)
  if (known !== undefined) return known
  const earliest = dayOfDate(`${year}-01-21`)
  const months = Math.ceil((earliest - knownNewMoonDay) / synodicMonthDays)
  const day = Math.round(knownNewMoonDay + months * synodicMonthDays)
  newYears.set(year, day)
  return day
}

/** Describes one business date. */
export function simulatedDay(day: number): SimulatedDay {
  const month = monthOfDay(day)
  const year = 1970 + Math.floor(month / 12)
  const monthOfYear = (month % 12) + 1
  const dayOfMonth = day - firstDayOfMonth(month) + 1
  const toNewYear = day - chineseNewYear(year)
  const rush = toNewYear >= -NEW_YEAR_RUSH_DAYS && toNewYear < 0
  const festival = toNewYear >= -1 && toNewYear < NEW_YEAR_HOLIDAY_DAYS
  const national = monthOfYear === 10 && dayOfMonth <= NATIONAL_HOLIDAY_DAYS
  const singles = monthOfYear === 11 && dayOfMonth >= 9 && dayOfMonth <= 12
  const midYear = monthOfYear === 6 && dayOfMonth >= 16 && dayOfMonth <= 19
  const weekend = isWeekend(day)
  const sales = singles || midYear
  return {
    number: day,
    date: dateOfDay(day),
    start_ms: day * MS_PER_DAY - ZONE_OFFSET_MS,
    month,
    day_of_month: dayOfMonth,
    working: isWorkingDay(day),
    spending: (weekend ? 1.15 : 0.91) * (rush ? 1.35 : festival || national || sales ? 1.25 : 1),
    shopping: rush || sales ? 1.8 : 1,
    travel: festival || national ? 3 : monthOfYear === 7 || monthOfYear === 8 ? 1.4 : 1,
    pays: payingDays(day),
    bonus_season: toNewYear >= -34 && toNewYear < -3,
  }
}

function isWeekend(day: number): boolean {
  // 1970-01-01 was a Thursday.
  const weekday = (((day + 4) % 7) + 7) % 7
  return weekday === 0 || weekday === 6
}

function isWorkingDay(day: number): boolean {
  if (isWeekend(day)) return false
  const month = monthOfDay(day)
  const toNewYear = day - chineseNewYear(1970 + Math.floor(month / 12))
  if (toNewYear >= -1 && toNewYear < NEW_YEAR_HOLIDAY_DAYS - 1) return false
  return !((month % 12) + 1 === 10 && day - firstDayOfMonth(month) < NATIONAL_HOLIDAY_DAYS)
}

/** A salary due on a day off is paid on the working day before. */
function payingDays(day: number): readonly boolean[] {
  const pays = new Array<boolean>(32).fill(false)
  if (!isWorkingDay(day)) return pays
  for (let nominal = day; nominal === day || !isWorkingDay(nominal); nominal++) {
    pays[nominal - firstDayOfMonth(monthOfDay(nominal)) + 1] = true
  }
  return pays
}

/** The date `months` later, on the month's last day where it has no such day. */
export function addMonths(day: number, months: number): number {
  const month = monthOfDay(day)
  const target = month + months
  return Math.min(firstDayOfMonth(target) + (day - firstDayOfMonth(month)), lastDayOfMonth(target))
}

const dates = new Map<number, string>()
const DATES_KEPT_MAX = 20_000

/** `YYYY-MM-DD` of a day number, remembered: schedules name the same dates again and again. */
export function dateText(day: number): string {
  let text = dates.get(day)
  if (text === undefined) {
    text = dateOfDay(day)
    if (dates.size >= DATES_KEPT_MAX) dates.clear()
    dates.set(day, text)
  }
  return text
}
