import type { Event } from '../../features/events/contract.ts'
import type { Incoming } from './items.ts'
import type { RecentIds } from './recent-ids.ts'
import type { TenantClock } from './tenant-clock.ts'

/** What intake keeps of a tenant: how far its time has come, and the ids that it received lately. */
export type KnownTenant = {
  readonly clock: TenantClock
  readonly recentIds: RecentIds
  /** Of its configuration: an event of another one is refused by the engine. */
  readonly currency: string
  /** Ids that had to be kept until before this day are forgotten. */
  forgotten_day: number
}

/** Content hashes by `idHigh:idLow` of late events' ids that `events` holds. */
export type StoredIds = ReadonlyMap<string, { readonly high: number; readonly low: number }>

/** How an event compares with what was received under its id and not refused since. */
export type Identity = 'new' | 'repeat' | 'conflict'

/**
 * What the engine refused does not count as received. But a source without a clock that says the same twice on one day
 * repeats itself whatever the engine thinks of it: so that no line has to wait until the one before has been applied.
 */
export function identityOf(
  { recentIds }: KnownTenant,
  hashes: Uint32Array,
  stored: StoredIds,
  isSameDay: (() => boolean) | undefined,
): Identity {
  const seen = recentIds.lookUp(hashes, 0)
  if (seen !== 'new') {
    if (!recentIds.isRefused(hashes, 0)) return seen
    return seen === 'repeat' && isSameDay?.() === true ? 'repeat' : 'new'
  }
  const before = stored.size > 0 ? stored.get(`${hashes[0]}:${hashes[1]}`) : undefined
  if (before === undefined) return 'new'
  return before.high === hashes[2] && before.low === hashes[3] ? 'repeat' : 'conflict'
}

/** Whether the time reached lies on the day on which an id was received, or that it is dated on. */
export function isReceivedToday({ clock, recentIds }: KnownTenant, hashes: Uint32Array): boolean {
  return recentIds.isKeptUntil(hashes, 0, clock.calendar.dayOf(clock.reached))
}

/** Whether what becomes of an item of a source without a clock depends on whether the engine refuses one before it. */
export function dependsOnEngine(known: KnownTenant, item: Incoming, event: Event, hashes: Uint32Array): boolean {
  const { recentIds } = known
  const seen = recentIds.lookUp(hashes, 0)
  if (seen === 'new' || recentIds.isRefused(hashes, 0)) return false
  if (seen === 'conflict') return true
  if (item.redrive !== true && isReceivedToday(known, hashes)) return false
  return mayBeRefused(event, known.currency)
}

/** Whether the engine may refuse an event, now or later. */
export function mayBeRefused({ type, data }: Event, currency: string): boolean {
  return type.startsWith('loan.') || type.startsWith('repayment.') || ('currency' in data && data.currency !== currency)
}
