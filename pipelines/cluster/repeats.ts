import type { Event } from '../../features/events/contract.ts'
import type { FeaturePartition, TenantBorrowers } from '../../features/partition.ts'
import { MS_PER_DAY } from '../../features/time.ts'
import type { Sql } from '../../sql/client.ts'
import { findKnownIdsBelow, readPartitionIds, readPartitionPositions } from '../../sql/queries/repeats.ts'
import { mayBeRefused } from '../intake/identity.ts'
import { keptUntilDay, LATE_LOOKUP_DAYS, RECENT_ID_DAYS } from '../intake/intake.ts'
import { identityHashes } from '../intake/prepare.ts'
import { recall } from '../intake/recall.ts'
import { RecentIds } from '../intake/recent-ids.ts'
import type { ReadEntry } from './log-message.ts'

/** What a record of the log is: to be applied, dropped without a word, or refused. */
export type Verdict = 'new' | 'repeat' | 'conflict'

/** Content hashes by `idHigh:idLow`. */
export type StoredIds = ReadonlyMap<string, { readonly high: number; readonly low: number }>

/** Ids of a tenant are forgotten every so many closed days at once, as forgetting rebuilds the table. */
const FORGET_EVERY_DAYS = 8

type KnownTenant = { readonly recentIds: RecentIds; forgotten_day: number }

/**
 * Tells the repeats of one partition of the log (DESIGN §4.2): what its source sent no later than its largest position so
 * far was appended twice, and an id that was received before is the same event again, or a conflict. A function of the log
 * alone: what is remembered can be read from `events` and `dead_letters` up to any place.
 */
export class Repeats {
  readonly #features: FeaturePartition
  readonly #positions = new Map<string, number>()
  readonly #tenants = new Map<string, KnownTenant>()

  constructor(features: FeaturePartition) {
    this.#features = features
  }

  /** Reads back what was seen up to a place that the tables hold; the partition's tenants are those of that place. */
  async restore(sql: Sql, partition: number, offset: number): Promise<void> {
    for (const { source_partition, position } of await readPartitionPositions(sql, partition, offset)) {
      this.#positions.set(source_partition, position)
    }
    for (const [tenant, group] of this.#features.tenants) {
      const { calendar } = group.tenant
      const firstDay = closedDayOf(group) - RECENT_ID_DAYS
      // A day early, as zones differ: what is kept is decided row by row.
      const since = Number.isFinite(firstDay) ? Math.max(0, (firstDay - 1) * MS_PER_DAY) : 0
      recall(
        this.#tenantOf(tenant).recentIds,
        calendar,
        await readPartitionIds(sql, { tenant, partition, offset, since }),
      )
    }
    // A row of the tables may tell of a refusal beyond this place: what waits for its loan here has not been refused yet.
    for (const { held } of this.#features.borrowers) {
      for (const { event } of held ?? []) this.#tenantOf(event.tenant).recentIds.unrefuse(identityHashes(event), 0)
    }
  }

  /**
   * Those of some records, between which no day is closed, that memory may have forgotten: they are looked up in `events`,
   * below the first of them. What lies before must be in the table by then.
   */
  late(entries: readonly ReadEntry[]): ReadEntry[] {
    const before = new Map<string, number>()
    return entries.filter((entry) => {
      const { tenant, time } = entry.record.event
      let bound = before.get(tenant)
      if (bound === undefined) {
        bound = this.#lookUpBefore(tenant)
        before.set(tenant, bound)
      }
      return time < bound && !this.#isSentAgain(entry)
    })
  }

  /** Content of those of the ids that `events` holds in this partition below a place. */
  async findStored(sql: Sql, partition: number, below: number, late: readonly ReadEntry[]): Promise<StoredIds> {
    const ids = late.map(({ hashes }) => ({ high: hashes[0] as number, low: hashes[1] as number }))
    const known = await findKnownIdsBelow(sql, partition, below, ids)
    return new Map(known.map((one) => [`${one.id_hash.high}:${one.id_hash.low}`, one.content_hash]))
  }

  /**
   * Whether the verdict depends on what the engine says of the records before this one: it may be about to refuse the one
   * that has the same id.
   */
  dependsOnEngine({ record, hashes }: ReadEntry): boolean {
    const { event } = record
    const recentIds = this.#tenants.get(event.tenant)?.recentIds
    const seen = recentIds?.lookUp(hashes, 0) ?? 'new'
    if (recentIds === undefined || seen === 'new' || recentIds.isRefused(hashes, 0)) return false
    const { currency } = this.#features.tenantOf(event.tenant).tenant.configuration
    return seen === 'conflict' || mayBeRefused(event, currency)
  }

  /** Takes note that the engine refused an event: its id may come again. */
  engineRefused(event: Event): void {
    this.#tenantOf(event.tenant).recentIds.refuse(identityHashes(event), 0)
  }

  /** Judges a record, and remembers it. Records come in the order of the log. Of a tenant's configurations the first counts. */
  judge(entry: ReadEntry, stored: StoredIds): Verdict {
    const { record, hashes, isPositioned } = entry
    if (record.event.type === 'tenant.configured') return this.#judgeConfiguration(record.event.tenant)
    if (this.#isSentAgain(entry)) return 'repeat'
    if (isPositioned) this.#positions.set(record.source_partition, record.source_position)
    const { event } = record
    const { recentIds } = this.#tenantOf(event.tenant)
    const seen = recentIds.lookUp(hashes, 0)
    // What the engine refused before this place does not count as received.
    if (seen !== 'new' && !recentIds.isRefused(hashes, 0)) return seen
    const before = seen === 'new' ? stored.get(`${hashes[0]}:${hashes[1]}`) : undefined
    if (before !== undefined) return before.high === hashes[2] && before.low === hashes[3] ? 'repeat' : 'conflict'
    const { calendar } = this.#features.tenantOf(event.tenant).tenant
    recentIds.add(hashes, 0, keptUntilDay(calendar.dayOf(record.received_at), calendar.dayOf(event.time)))
    return 'new'
  }

  /** Forgets what is old enough to be looked up, after a tenant's day was closed. */
  forget(tenant: string): void {
    const known = this.#tenantOf(tenant)
    const day = closedDayOf(this.#features.tenantOf(tenant)) - RECENT_ID_DAYS
    if (!Number.isFinite(day) || day < known.forgotten_day + FORGET_EVERY_DAYS) return
    known.recentIds.forgetBefore(day)
    known.forgotten_day = day
  }

  #judgeConfiguration(tenant: string): Verdict {
    if (this.#tenants.has(tenant)) return 'repeat'
    this.#tenantOf(tenant)
    return 'new'
  }

  #isSentAgain({ isPositioned, record }: ReadEntry): boolean {
    return isPositioned && record.source_position <= (this.#positions.get(record.source_partition) ?? -1)
  }

  /** Events of a tenant from before this instant are looked up. */
  #lookUpBefore(tenant: string): number {
    const group = this.#features.tenants.get(tenant)
    const closed = group === undefined ? Number.NEGATIVE_INFINITY : closedDayOf(group)
    if (group === undefined || !Number.isFinite(closed)) return Number.NEGATIVE_INFINITY
    return group.tenant.calendar.startOfDay(closed - LATE_LOOKUP_DAYS)
  }

  #tenantOf(tenant: string): KnownTenant {
    let known = this.#tenants.get(tenant)
    if (known === undefined) {
      known = { recentIds: new RecentIds(), forgotten_day: Number.NEGATIVE_INFINITY }
      this.#tenants.set(tenant, known)
    }
    return known
  }
}

/** A tenant's last day of which all slices are closed in the partition, −Infinity before any was. */
function closedDayOf({ slices }: TenantBorrowers): number {
  let day = Number.POSITIVE_INFINITY
  for (const { closed_day } of slices) day = Math.min(day, closed_day)
  return day
}
