import { dateOfDay } from '../../features/time.ts'
import { type TenantClock, TICK_DELAY_MS } from '../intake/tenant-clock.ts'
import type { JobKind } from './job.ts'
import type { RunOutcome } from './runner.ts'

/**
 * Closes days: the one job that writes to the log, where each day and slice has its record, so that it needs no other. By the clock
 * it runs for tenants with live events; files and the simulator close days by their own time.
 */
export const DAY_CLOSE: JobKind = {
  name: 'day-close',
  description: 'closes the days of tenants with live events, some hours after their end',
  cadence: 'day',
  schedule: '* * * * *',
}

/** What closing needs of a pipeline. */
export type DayCloser = {
  readonly tenants: Iterable<TenantClock>
  /** Closes one more of a tenant's days up to `day`. True if it did. */
  closeThrough(tenant: string, day: number): Promise<boolean>
}

/** Closes all days of a tenant through `day`, unless that is not over yet by the clock. */
export async function closeDaysThrough(
  { tenants, closeThrough }: DayCloser,
  tenant: string,
  day: number,
  now: number,
): Promise<RunOutcome> {
  const date = dateOfDay(day)
  const clock = [...tenants].find((one) => one.tenant === tenant)
  if (clock === undefined) return { state: 'skipped', date, detail: `there is no tenant ${tenant}` }
  if (clock.closed_day >= day)
    return { state: 'skipped', date, detail: `${date} is closed for tenant ${tenant}`, isDone: true }
  if (clock.calendar.endOfDay(day) + TICK_DELAY_MS > now) {
    return {
      state: 'skipped',
      date,
      detail: `${date} may still get events: it closes ${TICK_DELAY_MS / 3_600_000} hours after its end`,
    }
  }
  let days = 0
  while (await closeThrough(tenant, day)) days++
  if (days === 0) return { state: 'skipped', date, detail: `tenant ${tenant} has no events before the end of ${date}` }
  return { state: 'done', date, result: { days } }
}
