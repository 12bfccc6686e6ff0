import { z } from 'zod'
import type { PublishedDefinitions, TenantConfiguration } from '../../features/events/contract.ts'
import { type Calendar, calendarOf } from '../../features/time.ts'
import type { LogShape } from '../intake/items.ts'
import { TICK_DELAY_MS } from '../intake/tenant-clock.ts'

/**
 * What the control topic says: how far every source partition is read, which tenants there are, and which of their days
 * are closed. It is compacted, so the last value of a key is all there is to know. Whoever owns its one partition makes
 * the ticks; a new owner reads it from the beginning and goes on. A tick that is sent twice changes nothing.
 */

/** How far one source partition is read: all that stands below `position` is in the log. */
const reportSchema = z.strictObject({
  /** Event time that at least two events of a tenant have reached there, UTC ms. */
  reached: z.record(z.string(), z.number()),
  /** The last instant, by the clock, at which nothing in it was unread. */
  caught_up_at: z.number().nullable(),
  position: z.int(),
  high_watermark: z.int(),
})
export type SourceReport = z.output<typeof reportSchema>

const tenantSchema = z.strictObject({
  zone: z.string(),
  /** The day that closes next, from the tenant's first event on, and how many of its slices are sent. */
  next_day: z.int(),
  next_slice: z.int(),
})
export type TenantProgress = z.output<typeof tenantSchema>

/** A tenant that an appender saw: its zone and an instant from which on its days close. */
const seenSchema = z.strictObject({ zone: z.string(), since: z.number() })
export type SeenTenant = z.output<typeof seenSchema>

const shapeSchema = z.strictObject({ partitions: z.int().min(1), slices: z.int().min(1) })
/** In the order of `currentDefinitions`, with which it is compared as text. */
const definitionsSchema = z.strictObject({
  decision: z.string(),
  features: z.array(z.string()),
  model: z.string().nullable(),
  rules: z.array(z.string()),
})

/** Which topic was read last under a name. */
const topicSchema = z.strictObject({
  /** Kafka's own: a topic that is deleted and made again has another. */
  id: z.string(),
  partitions: z.int(),
  /** How often it was accepted as another topic under the same name, whose offsets begin anew. */
  epoch: z.int(),
})
export type KnownTopic = z.output<typeof topicSchema>

export const SHAPE_KEY = 'shape'
export const DEFINITIONS_KEY = 'definitions'
const SOURCE_PREFIX = 'source/'
const SEEN_PREFIX = 'seen/'
const TENANT_PREFIX = 'tenant/'
const TOPIC_PREFIX = 'topic/'

export type ControlRecord = { readonly key: string; readonly value: string }

export function sourceRecord(source: string, report: SourceReport): ControlRecord {
  return { key: `${SOURCE_PREFIX}${source}`, value: JSON.stringify(report) }
}

export function seenRecord(tenant: string, { zone }: Pick<TenantConfiguration, 'zone'>, since: number): ControlRecord {
  return { key: `${SEEN_PREFIX}${tenant}`, value: JSON.stringify({ zone, since } satisfies SeenTenant) }
}

export function tenantRecord(tenant: string, progress: TenantProgress): ControlRecord {
  return { key: `${TENANT_PREFIX}${tenant}`, value: JSON.stringify(progress) }
}

export function topicRecord(name: string, topic: KnownTopic): ControlRecord {
  return { key: `${TOPIC_PREFIX}${name}`, value: JSON.stringify(topic) }
}

export function shapeRecord(shape: LogShape): ControlRecord {
  return { key: SHAPE_KEY, value: JSON.stringify({ partitions: shape.partitions, slices: shape.slices }) }
}

export function definitionsRecord(definitions: PublishedDefinitions): ControlRecord {
  return { key: DEFINITIONS_KEY, value: JSON.stringify(definitions) }
}

/** A slice of a tenant's day that is due in all partitions of the log. */
export type DueSlice = { readonly tenant: string; readonly day: number; readonly slice: number; readonly end: number }

/** What the control topic says up to a place, as records are taken one by one. */
export class ControlState {
  shape: LogShape | undefined
  definitions: PublishedDefinitions | undefined
  readonly topics = new Map<string, KnownTopic>()
  readonly #sources = new Map<string, SourceReport>()
  readonly #tenants = new Map<string, TenantProgress>()
  readonly #calendars = new Map<string, Calendar>()

  /** Takes one record of the topic. Throws on one that is not of this form. */
  take(key: string, value: string): void {
    const parsed: unknown = JSON.parse(value)
    if (key === SHAPE_KEY) this.shape ??= shapeSchema.parse(parsed)
    else if (key === DEFINITIONS_KEY) this.definitions = definitionsSchema.parse(parsed)
    else if (key.startsWith(SOURCE_PREFIX))
      this.#takeReport(key.slice(SOURCE_PREFIX.length), reportSchema.parse(parsed))
    else if (key.startsWith(SEEN_PREFIX)) this.#takeSeen(key.slice(SEEN_PREFIX.length), seenSchema.parse(parsed))
    else if (key.startsWith(TOPIC_PREFIX)) this.topics.set(key.slice(TOPIC_PREFIX.length), topicSchema.parse(parsed))
    else if (key.startsWith(TENANT_PREFIX))
      this.#takeTenant(key.slice(TENANT_PREFIX.length), tenantSchema.parse(parsed))
    else throw new Error(`the control topic has a key ${JSON.stringify(key)} that this release does not know`)
  }

  get tenants(): ReadonlyMap<string, TenantProgress> {
    return this.#tenants
  }

  get sources(): ReadonlyMap<string, SourceReport> {
    return this.#sources
  }

  /**
   * The instant through which all sources are read for a tenant: the minimum over them, never a maximum, for one that lags
   * must not look like missed payments. `sources` are all there are; one that nobody has reported yet holds back everything.
   */
  readThrough(tenant: string, sources: Iterable<string>): number {
    let through = Number.POSITIVE_INFINITY
    for (const source of sources) {
      const report = this.#sources.get(source)
      const reached = report?.reached[tenant] ?? Number.NEGATIVE_INFINITY
      const caughtUp = report?.caught_up_at ?? Number.NEGATIVE_INFINITY
      through = Math.min(through, Math.max(reached, caughtUp))
    }
    return through
  }

  /**
   * The slice that a tenant's next day closes with next, where that day is due at `now`: its end and the tick delay lie
   * behind the clock, and behind what every source has been read through.
   */
  due(tenant: string, sources: Iterable<string>, now: number): DueSlice | undefined {
    const progress = this.#tenants.get(tenant)
    if (progress === undefined) return undefined
    const end = this.#calendarOf(progress.zone).endOfDay(progress.next_day)
    if (end + TICK_DELAY_MS > Math.min(now, this.readThrough(tenant, sources))) return undefined
    return { tenant, day: progress.next_day, slice: progress.next_slice, end }
  }

  /** Per tenant, in no order, how many days lie between its last closed day and `now`. */
  closedDayAges(now: number): number[] {
    return [...this.#tenants.values()].map(({ zone, next_day }) => this.#calendarOf(zone).dayOf(now) - (next_day - 1))
  }

  /** A tenant's progress once a slice of its next day has been sent. */
  after({ tenant, day, slice }: DueSlice, slices: number): TenantProgress {
    const { zone } = this.#tenants.get(tenant) as TenantProgress
    const isLast = slice + 1 === slices
    return { zone, next_day: isLast ? day + 1 : day, next_slice: isLast ? 0 : slice + 1 }
  }

  /** What was read once stays read: a reader that begins anew knows less and reports less. */
  #takeReport(source: string, report: SourceReport): void {
    const before = this.#sources.get(source)
    if (before === undefined) {
      this.#sources.set(source, report)
      return
    }
    const reached = { ...before.reached }
    for (const [tenant, time] of Object.entries(report.reached)) {
      reached[tenant] = Math.max(reached[tenant] ?? Number.NEGATIVE_INFINITY, time)
    }
    const caughtUp = Math.max(
      before.caught_up_at ?? Number.NEGATIVE_INFINITY,
      report.caught_up_at ?? Number.NEGATIVE_INFINITY,
    )
    this.#sources.set(source, { ...report, reached, caught_up_at: Number.isFinite(caughtUp) ? caughtUp : null })
  }

  /** The first to see a tenant says from which day on its days close. */
  #takeSeen(tenant: string, { zone, since }: SeenTenant): void {
    if (this.#tenants.has(tenant)) return
    this.#tenants.set(tenant, { zone, next_day: this.#calendarOf(zone).dayOf(since), next_slice: 0 })
  }

  #takeTenant(tenant: string, progress: TenantProgress): void {
    const before = this.#tenants.get(tenant)
    const isBehind =
      before !== undefined &&
      (progress.next_day < before.next_day ||
        (progress.next_day === before.next_day && progress.next_slice < before.next_slice))
    // A former owner that woke up late may say again what was said.
    if (!isBehind) this.#tenants.set(tenant, progress)
  }

  #calendarOf(zone: string): Calendar {
    let calendar = this.#calendars.get(zone)
    if (calendar === undefined) {
      calendar = calendarOf(zone)
      this.#calendars.set(zone, calendar)
    }
    return calendar
  }
}
