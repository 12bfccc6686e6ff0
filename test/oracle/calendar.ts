/**
 * Business dates straight from `Intl`, apart from the product's own calendar so that the two check each other.
 * Answers are remembered, because `Intl` is slow.
 */

const MS_PER_DAY = 86_400_000
/** No zone is further than this from UTC. */
const OFFSET_MS_MAX = 26 * 3_600_000
/** Instants whose hour is remembered. */
const HOURS_MAX = 100_000

export type NaiveCalendar = {
  dayOf(ms: number): number
  hourOf(ms: number): number
  startOfDay(day: number): number
  endOfDay(day: number): number
}

const calendars = new Map<string, NaiveCalendar>()

/** The calendar of an IANA zone. */
export function naiveCalendar(zone: string): NaiveCalendar {
  const known = calendars.get(zone)
  if (known !== undefined) return known
  const calendar = create(zone)
  calendars.set(zone, calendar)
  return calendar
}

function create(zone: string): NaiveCalendar {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
  })
  const starts = new Map<number, number>()
  const hours = new Map<number, number>()
  /** How far from midnight UTC the date last asked for began: the next one very likely does, too. */
  let offset = 0

  function local(ms: number): { day: number; hour: number } {
    const parts = format.formatToParts(ms)
    const field = (type: string): number => Number(parts.find((part) => part.type === type)?.value)
    return { day: Date.UTC(field('year'), field('month') - 1, field('day')) / MS_PER_DAY, hour: field('hour') }
  }

  /** The first instant whose date is `day` or later; dates never go back as time goes on. */
  function startOfDay(day: number): number {
    const known = starts.get(day)
    if (known !== undefined) return known
    let before = day * MS_PER_DAY - OFFSET_MS_MAX
    let after = day * MS_PER_DAY + OFFSET_MS_MAX
    const guess = day * MS_PER_DAY + offset
    if (local(guess - 1).day < day) before = guess - 1
    if (local(guess).day >= day) after = guess
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (local(middle).day < day) before = middle
      else after = middle
    }
    starts.set(day, after)
    offset = after - day * MS_PER_DAY
    return after
  }

  function dayOf(ms: number): number {
    let day = Math.floor((ms - offset) / MS_PER_DAY)
    while (startOfDay(day) > ms) day--
    while (startOfDay(day + 1) <= ms) day++
    return day
  }

  function hourOf(ms: number): number {
    const known = hours.get(ms)
    if (known !== undefined) return known
    if (hours.size >= HOURS_MAX) hours.clear()
    const { hour } = local(ms)
    hours.set(ms, hour)
    return hour
  }

  return {
    dayOf,
    hourOf,
    startOfDay,
    endOfDay: (day) => startOfDay(day + 1) - 1,
  }
}

const days = new Map<string, number>()

/** Day number of `YYYY-MM-DD`. */
export function dayOfDate(date: string): number {
  const known = days.get(date)
  if (known !== undefined) return known
  const day = Date.parse(`${date}T00:00:00Z`) / MS_PER_DAY
  days.set(date, day)
  return day
}

/** `YYYY-MM-DD` of a day number. */
export function dateOfDay(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10)
}

/** Months since January 1970. */
export function monthOfDay(day: number): number {
  const date = new Date(day * MS_PER_DAY)
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth()
}
