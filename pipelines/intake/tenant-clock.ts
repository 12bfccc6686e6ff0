import type { TenantConfiguration } from '../../features/events/contract.ts'
import { type Calendar, calendarOf, MS_PER_DAY, MS_PER_HOUR } from '../../features/time.ts'

/** A day is closed this long after its end, so that what was booked late in it is there. */
export const TICK_DELAY_MS = 6 * MS_PER_HOUR
/** How far ahead of the time reached an event of a file may lie. */
export const FILE_FUTURE_MS_MAX = 400 * MS_PER_DAY
/** How far ahead of the clock a live event may lie. */
export const LIVE_FUTURE_MS_MAX = MS_PER_DAY

/** What the log says of a tenant's time. */
export type ClockPosition = {
  readonly reached: number
  readonly largest: number
  /** When time was reached first, 0 if it never was. */
  readonly since: number
  /** Times accepted from sources without a clock before any was reached. */
  readonly first: readonly number[]
  /** The last day whose slices are all closed. */
  readonly closed_day: number | undefined
  readonly next_slice: number
  readonly next_partition: number
  /** Whether it ever had live events. */
  readonly is_live: boolean
}

/**
 * How far a tenant's time has come, and which day closes next. Files, standard input and the simulator have no clock:
 * their time is the event time that at least two events have reached, so that one mistyped year closes nothing.
 */
export class TenantClock {
  readonly tenant: string
  calendar: Calendar
  /** Event time that two events have reached; 0 before there are two that lie near each other. */
  reached = 0
  /** Largest event time accepted. */
  largest = Number.NEGATIVE_INFINITY
  /** Times accepted before anything was reached. */
  #first: number[] = []
  /** The last day closed, and the day that closes next; both unknown before the tenant's time is. */
  closed_day = Number.NEGATIVE_INFINITY
  next_day = Number.POSITIVE_INFINITY
  /**
   * Slices of `next_day` that are closed already, and partitions in which the one after them is: live, a day closes piece
   * by piece between the events.
   */
  next_slice = 0
  next_partition = 0
  /** Whether it has live events, so that the wall clock closes its days. */
  is_live = false

  constructor(tenant: string, configuration: TenantConfiguration) {
    this.tenant = tenant
    this.calendar = calendarOf(configuration.zone)
  }

  /** Whether an event of a source without a clock lies too far ahead to be believed. */
  isFuture(time: number): boolean {
    return this.reached > 0 && time > this.reached + FILE_FUTURE_MS_MAX
  }

  /** Takes note of an accepted event of a source without a clock. */
  accept(time: number): void {
    if (this.reached === 0) {
      const near = this.#first.filter((other) => Math.abs(other - time) <= FILE_FUTURE_MS_MAX)
      if (near.length === 0) this.#first.push(time)
      else {
        this.reached = Math.min(...near, time)
        this.#startClosing(this.reached)
      }
    } else if (time > this.largest) this.reached = Math.max(this.reached, this.largest)
    else if (time > this.reached) this.reached = time
    if (time > this.largest) this.largest = time
  }

  /** Takes note of an accepted live event, received at `now`. */
  acceptLive(now: number): void {
    this.is_live = true
    this.#startClosing(now)
  }

  /** Takes up what the log says after a restart; `since` is when time was reached first, 0 if it never was. */
  restore(position: ClockPosition): void {
    this.reached = position.reached
    this.largest = position.largest
    this.#first = [...position.first]
    if (position.closed_day !== undefined) this.close(position.closed_day)
    else if (position.since > 0) this.#startClosing(position.since)
    this.next_slice = position.next_slice
    this.next_partition = position.next_partition
    this.is_live = position.is_live
  }

  /** The day that is due to close at `now` (time reached, or the clock), if any. */
  dueDay(now: number): number | undefined {
    const day = this.next_day
    return Number.isFinite(day) && this.calendar.endOfDay(day) + TICK_DELAY_MS <= now ? day : undefined
  }

  /** Begins with the earliest time there is, though no second event has reached it: somebody says that no more will come. */
  startClosingAtFirst(): void {
    if (this.#first.length > 0) this.#startClosing(Math.min(...this.#first))
  }

  close(day: number): void {
    this.closed_day = day
    this.next_day = day + 1
    this.next_slice = 0
    this.next_partition = 0
  }

  #startClosing(time: number): void {
    if (!Number.isFinite(this.next_day)) this.next_day = this.calendar.dayOf(time)
  }
}
