/** Business dates and instants. Days are numbered from 1970-01-01 = 0; instants are UTC milliseconds. */

export const MS_PER_HOUR = 3_600_000
export const MS_PER_DAY = 86_400_000

/** Day number of a `YYYY-MM-DD` date. */
export function dayOfDate(date: string): number {
  return Date.UTC(+date.slice(0, 4), +date.slice(5, 7) - 1, +date.slice(8, 10)) / MS_PER_DAY
}

/** `YYYY-MM-DD` of a day number. */
export function dateOfDay(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10)
}

/** Months of which the first day is kept: January 1970 to well past the last date there is. */
const MONTHS_KEPT = 2400
const firstDays = Int32Array.from({ length: MONTHS_KEPT }, (_, month) => Date.UTC(1970, month, 1) / MS_PER_DAY)
/** A month is at most so many days long, so that this quotient is the month or the one before. */
const DAYS_PER_MONTH_MEAN = 30.436875

/** Months since January 1970 of a day number. */
export function monthOfDay(day: number): number {
  let month = Math.floor(day / DAYS_PER_MONTH_MEAN)
  while (firstDayOfMonth(month) > day) month--
  while (firstDayOfMonth(month + 1) <= day) month++
  return month
}

/** Day number of the first day of a month (months since January 1970). */
export function firstDayOfMonth(month: number): number {
  if (month >= 0 && month < MONTHS_KEPT) return firstDays[month] as number
  return Date.UTC(1970, month, 1) / MS_PER_DAY
}

/** Day number of the last day of a month (months since January 1970). */
export function lastDayOfMonth(month: number): number {
  return firstDayOfMonth(month + 1) - 1
}

/** A time zone's calendar: which business date and hour an instant has there. */
export type Calendar = {
  readonly zone: string
  /** Day number of the business date at an instant. */
  dayOf(ms: number): number
  /** First millisecond of a business date. */
  startOfDay(day: number): number
  /** The same for dates from 1969-12-31 on: index is the day number + 1, made as it is asked for by `startOfDay`. */
  readonly dayStarts: Float64Array
  /** Last millisecond of a business date. */
  endOfDay(day: number): number
  /** Local hour, 0 to 23. */
  hourOf(ms: number): number
}

/** Offsets are looked up once per UTC quarter hour at most: all zones of today change only on such marks. */
const QUARTER_MS = 900_000
/** Days from 1970-01-01 for which a day's offset is kept: as many as ClickHouse's `Date` has. */
const UTC_DAYS_KEPT = 65_536
const UNKNOWN = Number.POSITIVE_INFINITY

/** Calendars kept by zone: one takes a megabyte once its days are known, and many tenants share a zone. */
const CALENDARS_KEPT = 1024
const calendars = new Map<string, Calendar>()

/** Calendar of an IANA time zone. Throws on an unknown one: the contract has checked it. */
export function calendarOf(zone: string): Calendar {
  let calendar = calendars.get(zone)
  if (calendar === undefined) {
    calendar = createCalendar(zone)
    if (calendars.size < CALENDARS_KEPT) calendars.set(zone, calendar)
  }
  return calendar
}

function createCalendar(zone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  /** Per UTC day the offset at its start and end, where both agree (all but the days of a change, which are NaN). */
  const offsetOfUtcDay = new Float64Array(UTC_DAYS_KEPT).fill(UNKNOWN)
  const offsetOfQuarter = new Map<number, number>()

  function measure(ms: number): number {
    const parts: Record<string, string> = {}
    for (const part of format.formatToParts(ms)) parts[part.type] = part.value
    const local = Date.UTC(
      Number(parts['year']),
      Number(parts['month']) - 1,
      Number(parts['day']),
      Number(parts['hour']),
      Number(parts['minute']),
      Number(parts['second']),
    )
    return local - Math.floor(ms / 1000) * 1000
  }

  function offsetAt(ms: number): number {
    const utcDay = Math.floor(ms / MS_PER_DAY)
    let offset = utcDay >= 0 && utcDay < UTC_DAYS_KEPT ? (offsetOfUtcDay[utcDay] as number) : Number.NaN
    if (offset === UNKNOWN) {
      const first = measure(utcDay * MS_PER_DAY)
      offset = measure((utcDay + 1) * MS_PER_DAY - 1) === first ? first : Number.NaN
      offsetOfUtcDay[utcDay] = offset
    }
    if (!Number.isNaN(offset)) return offset
    const quarter = Math.floor(ms / QUARTER_MS)
    let exact = offsetOfQuarter.get(quarter)
    if (exact === undefined) {
      exact = measure(quarter * QUARTER_MS)
      offsetOfQuarter.set(quarter, exact)
    }
    return exact
  }

  function dayOf(ms: number): number {
    return Math.floor((ms + offsetAt(ms)) / MS_PER_DAY)
  }

  const dayStarts = new Float64Array(UTC_DAYS_KEPT + 2).fill(UNKNOWN)

  function startOfDay(day: number): number {
    if (day < -1 || day > UTC_DAYS_KEPT) return findStartOfDay(day)
    let start = dayStarts[day + 1] as number
    if (start === UNKNOWN) {
      start = findStartOfDay(day)
      dayStarts[day + 1] = start
    }
    return start
  }

  function findStartOfDay(day: number): number {
    const midnight = day * MS_PER_DAY
    // The offset before and after a change around midnight may differ: take the earliest instant that has this date.
    let start = midnight - offsetAt(midnight)
    start = midnight - offsetAt(start)
    while (dayOf(start) < day) start += QUARTER_MS
    while (dayOf(start - 1) >= day) start -= QUARTER_MS
    return start
  }

  return {
    zone,
    dayOf,
    startOfDay,
    dayStarts,
    endOfDay: (day) => startOfDay(day + 1) - 1,
    hourOf: (ms) => Math.floor((((ms + offsetAt(ms)) % MS_PER_DAY) + MS_PER_DAY) / MS_PER_HOUR) % 24,
  }
}

/** Whether a day number is a Saturday or a Sunday: 1970-01-01 was a Thursday. */
export function isWeekend(day: number): boolean {
  const weekday = (((day + 4) % 7) + 7) % 7
  return weekday === 0 || weekday === 6
}

/** Day number of the same day of the month so many months later; of a shorter month the last. */
export function addMonths(day: number, months: number): number {
  const month = monthOfDay(day)
  const inMonth = day - firstDayOfMonth(month)
  return Math.min(firstDayOfMonth(month + months) + inMonth, lastDayOfMonth(month + months))
}
