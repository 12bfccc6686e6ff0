import type { Event } from '../../features/events/contract.ts'
import type { KnownTenant } from './identity.ts'
import type { IntakeReason, IntakeResult } from './items.ts'
import { LIVE_FUTURE_MS_MAX } from './tenant-clock.ts'

/** Why intake refuses a new event; `now` is the clock, undefined for a source that has none. */
export function refusalOf(
  event: Event,
  known: KnownTenant | undefined,
  now: number | undefined,
): IntakeResult | undefined {
  if (event.type === 'tenant.configured') {
    // A tenant's own configuration is taken when it is the tenant's first event.
    if (now !== undefined) {
      return refuse(event, 'control_from_outside', 'tenant.configured is taken at the beginning of a file alone')
    }
    if (known !== undefined) return refuse(event, 'already_configured', `tenant ${event.tenant} has events already`)
    return undefined
  }
  const isFuture =
    now === undefined ? known?.clock.isFuture(event.time) === true : event.time > now + LIVE_FUTURE_MS_MAX
  if (!isFuture) return undefined
  const against =
    now === undefined ? `the time reached, ${isoOf(known?.clock.reached ?? 0)}` : `the clock, ${isoOf(now)}`
  return refuse(event, 'future', `${isoOf(event.time)} lies too far ahead of ${against}`)
}

export function refuse(event: Event, reason: IntakeReason, detail: string): IntakeResult {
  return { status: 'refused', id: event.id, reason, detail }
}

function isoOf(ms: number): string {
  return new Date(Math.min(ms, 8.64e15)).toISOString()
}
