import { firstDayOfMonth, lastDayOfMonth, monthOfDay } from '../../features/time.ts'

/** What a job is run for: one tenant and one closed business date. It never asks what the time is. */
export type Occasion = {
  readonly tenant: string
  /** `YYYY-MM-DD`, and as a day number. */
  readonly date: string
  readonly day: number
  /** First millisecond of that date in the tenant's zone. */
  readonly start_ms: number
}

/** What came of it: what it found, or why it failed, in words that need no log. */
export type JobOutcome =
  | { readonly ok: true; readonly result: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly detail: string }

export type Cadence = 'day' | 'month'

export type JobKind = {
  readonly name: string
  readonly description: string
  /** `day` is run for every closed business date, `month` for the last of each month. */
  readonly cadence: Cadence
  /** When it starts, in cron's words and the tenant's zone; which dates it then runs for, the tables say. */
  readonly schedule: string
}

/** A job over closed business dates. Running it again for a date must do no harm. */
export type Job = JobKind & { run(occasion: Occasion): Promise<JobOutcome> }

/** Dates that one start catches up with at most; the next goes on. */
export const CATCH_UP_DATES_MAX = 400

export function isDateOf(cadence: Cadence, day: number): boolean {
  return cadence === 'day' || lastDayOfMonth(monthOfDay(day)) === day
}

/**
 * Dates that a job is due for, in order: all since the first that it was ever run for which are closed and not done. A job that
 * was never run begins with the last closed one.
 */
export function dueDays(
  cadence: Cadence,
  runs: ReadonlyMap<number, { readonly isDone: boolean }>,
  closedDay: number,
): number[] {
  const first = runs.size === 0 ? lastDateOf(cadence, closedDay) : Math.min(...runs.keys())
  const days: number[] = []
  for (let day = first; day <= closedDay && days.length < CATCH_UP_DATES_MAX; day = nextDateOf(cadence, day)) {
    if (runs.get(day)?.isDone !== true) days.push(day)
  }
  return days
}

function lastDateOf(cadence: Cadence, day: number): number {
  return isDateOf(cadence, day) ? day : firstDayOfMonth(monthOfDay(day)) - 1
}

function nextDateOf(cadence: Cadence, day: number): number {
  return cadence === 'day' ? day + 1 : lastDayOfMonth(monthOfDay(day + 1))
}
