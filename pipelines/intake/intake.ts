import {
  DEFAULT_TENANT_CONFIGURATION,
  type Event,
  type EventOf,
  type PublishedDefinitions,
} from '../../features/events/contract.ts'
import { canonicalData } from '../../features/events/decode.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { borrowerHash } from '../../features/hash.ts'
import { dateOfDay } from '../../features/time.ts'
import { dependsOnEngine, identityOf, isReceivedToday, type KnownTenant, type StoredIds } from './identity.ts'
import type {
  Follower,
  HashedRecord,
  Incoming,
  IntakePosition,
  IntakeReason,
  IntakeResult,
  Log,
  LogShape,
  RefusedItem,
} from './items.ts'
import { controlEvent, identityHashes, NO_HASHES, OWN_SOURCE, type Prepared, prepare } from './prepare.ts'
import { RecentIds } from './recent-ids.ts'
import { refusalOf, refuse } from './refusals.ts'
import { TenantClock } from './tenant-clock.ts'

/** Days closed for which ids are kept in memory; what is older is looked up in `events`. */
export const RECENT_ID_DAYS = 31
/** An event whose time lies more closed days back than this is looked up in `events`. */
export const LATE_LOOKUP_DAYS = 30

/**
 * The one writer of the log. It turns what the sources hand over into records with a place, once and for all: checks
 * repeats, refuses what cannot be, closes days. One batch at a time; a batch is one insert, so it is there or it is not.
 */
export class Intake {
  readonly #log: Log
  readonly #shape: LogShape
  readonly #offsets: number[]
  readonly #sourcePositions: Map<string, number>
  readonly #refusedPositions: IntakePosition['refusedPositions']
  readonly #follower: Follower | undefined
  readonly #tenants = new Map<string, KnownTenant>()
  #definitions: PublishedDefinitions | undefined
  #records: HashedRecord[] = []
  #lastAsked = { tenant: '', sourcePartition: '', position: -1 }

  constructor(log: Log, shape: LogShape, position: IntakePosition, follower?: Follower) {
    this.#follower = follower
    this.#log = log
    this.#shape = shape
    this.#offsets = position.offsets
    this.#sourcePositions = position.sourcePositions
    this.#refusedPositions = position.refusedPositions
    this.#definitions = position.definitions
    for (const one of position.tenants) {
      const clock = new TenantClock(one.tenant, one.configuration)
      clock.restore(one)
      this.#addTenant(clock, one.recentIds, one.configuration.currency)
    }
  }

  /** Largest position of a tenant's source partition that the log holds, −1 if none. */
  positionOf(tenant: string, sourcePartition: string): number {
    const last = this.#lastAsked
    // Items come in runs of one source, and no position changes within a batch.
    if (last.tenant === tenant && last.sourcePartition === sourcePartition) return last.position
    const position = this.#sourcePositions.get(sourceKey(tenant, sourcePartition)) ?? -1
    this.#lastAsked = { tenant, sourcePartition, position }
    return position
  }

  /**
   * Whether this very item was refused before a restart. It stays so: what was said is not said otherwise later. But a line
   * that could not be decoded and now can is the last one of a file that was cut there: it has its end by now.
   */
  #wasRefused(item: Incoming): boolean {
    if (this.#refusedPositions.size === 0 || item.request !== undefined) return false
    const refused = this.#refusedPositions.get(sourceKey(item.tenant, item.source_partition))
    return refused?.get(item.source_position) === (item.decoded.ok ? 'intake' : 'decode')
  }

  /** Largest position of a source partition that all tenants share. */
  largestPosition(sourcePartition: string): number {
    let largest = -1
    for (const [key, position] of this.#sourcePositions) {
      if (key.endsWith(sourceKey('', sourcePartition))) largest = Math.max(largest, position)
    }
    return largest
  }

  /** Number of the next stream without an identity, such as standard input: `prefix:0`, `prefix:1` … */
  nextStream(prefix: string): number {
    let next = 0
    for (const key of this.#sourcePositions.keys()) {
      const name = key.slice(key.indexOf(SEPARATOR) + 1)
      if (name.startsWith(`${prefix}:`)) next = Math.max(next, Number(name.slice(prefix.length + 1)) + 1)
    }
    return next
  }

  get tenants(): readonly TenantClock[] {
    return [...this.#tenants.values()].map(({ clock }) => clock)
  }

  /** Offset of a partition's next record. */
  nextOffset(partition: number): number {
    return this.#offsets[partition] ?? 0
  }

  /** Ids of a tenant that are in memory. */
  idsKept(tenant: string): number {
    return this.#tenants.get(tenant)?.recentIds.size ?? 0
  }

  /** Puts definitions in force, in every partition; nothing if they are already. */
  async publish(definitions: PublishedDefinitions, now: number): Promise<LogRecord[]> {
    if (JSON.stringify(definitions) === JSON.stringify(this.#definitions)) return []
    const number = this.#offsets.reduce((sum, offset) => sum + offset, 0)
    this.#definitions = definitions
    this.#broadcast(controlEvent('definitions.published', `definitions/${number}`, '', now, definitions), now)
    return this.#flush([])
  }

  /** Takes note of an event of the log that the engine refused: its id may come again. */
  engineRefused(event: Event): void {
    this.#tenants.get(event.tenant)?.recentIds.refuse(identityHashes(event), 0)
  }

  /** What would become of each item, were it taken alone now. */
  async preview(items: readonly Incoming[], now: number | undefined): Promise<IntakeResult[]> {
    const prepared = items.map((item) => prepare(item.decoded))
    const stored = await this.#findLate(items, prepared)
    return items.map((item, i) => this.#judge(item, prepared[i] as Prepared, stored, now))
  }

  /**
   * Takes a batch. `now` is the clock for live sources and undefined for those that have none. Resolves when all of it is
   * durable: the records of the log that the follower was not given yet, in order, and one result per item.
   */
  async take(
    items: readonly Incoming[],
    now: number | undefined,
  ): Promise<{ readonly records: LogRecord[]; readonly results: IntakeResult[] }> {
    const refused: RefusedItem[] = []
    const results: IntakeResult[] = []
    this.#forgetIds()
    const prepared = items.map((item) => prepare(item.decoded))
    const stored = await this.#findLate(items, prepared)
    for (let i = 0; i < items.length; i++) {
      const item = items[i] as Incoming
      const { hashes } = prepared[i] as Prepared
      // Live, arrival decides; a file read again must come to the same log.
      if (now === undefined && this.#mustWait(item, hashes)) {
        await this.#follower?.follow(await this.#flush(refused.splice(0)))
      }
      const result = this.#takeOne(item, prepared[i] as Prepared, stored, now)
      if (result.status === 'refused' && item.redrive !== true) {
        refused.push({ incoming: item, reason: result.reason as IntakeReason, detail: result.detail ?? '' })
      }
      results.push(result)
    }
    return { records: await this.#flush(refused), results }
  }

  /** Whether the engine has yet to say something that decides what becomes of an item. */
  #mustWait(item: Incoming, hashes: Uint32Array): boolean {
    const known = this.#tenants.get(item.tenant)
    if (known === undefined || !item.decoded.ok || this.#follower === undefined) return false
    if (item.source_position <= this.positionOf(item.tenant, item.source_partition)) return false
    if (!dependsOnEngine(known, item, item.decoded.event, hashes)) return false
    return this.#records.length > 0 || this.#follower.isBehind()
  }

  /**
   * Closes one slice in one partition of the tenant's next day if that is due at `now`: events that arrive in between find
   * their place between such pieces. Returns the record appended; none when nothing was due.
   */
  async closeDueSlice(tenant: string, now: number): Promise<LogRecord[]> {
    const clock = this.#tenants.get(tenant)?.clock
    const day = clock?.dueDay(now)
    if (clock === undefined || day === undefined) return []
    this.#closePiece(clock, day, now)
    return this.#flush([])
  }

  /** Closes the tenant's days through `day`, as somebody who knows that nothing more will come asks for. */
  async closeThrough(tenant: string, day: number): Promise<LogRecord[]> {
    const clock = this.#tenants.get(tenant)?.clock
    clock?.startClosingAtFirst()
    if (clock === undefined || clock.next_day > day) return []
    this.#closeDay(clock, clock.next_day, clock.reached)
    return this.#flush([])
  }

  /** What is to become of an item; nothing is changed yet. */
  #judge(item: Incoming, { hashes }: Prepared, stored: StoredIds, now: number | undefined): IntakeResult {
    const { decoded, tenant } = item
    if (this.#wasRefused(item)) return { status: 'repeat', id: decoded.ok ? decoded.event.id : null }
    if (!decoded.ok) return { status: 'refused', id: null, reason: decoded.reason, detail: decoded.detail }
    const { event } = decoded
    if (item.source_position <= this.positionOf(item.tenant, item.source_partition))
      return { status: 'repeat', id: event.id }
    const known = this.#tenants.get(tenant)
    const isFromFile = now === undefined && item.redrive !== true
    const identity =
      known === undefined
        ? 'new'
        : identityOf(known, hashes, stored, isFromFile ? () => isReceivedToday(known, hashes) : undefined)
    if (identity === 'conflict') {
      return refuse(event, 'conflict', `another event of ${event.source} has the id ${event.id}`)
    }
    if (identity === 'repeat') return { status: 'repeat', id: event.id }
    return refusalOf(event, known, now) ?? { status: 'accepted', id: event.id }
  }

  #takeOne(item: Incoming, prepared: Prepared, stored: StoredIds, now: number | undefined): IntakeResult {
    const result = this.#judge(item, prepared, stored, now)
    if (result.status !== 'accepted' || !item.decoded.ok) return result
    const { event } = item.decoded
    const { hashes } = prepared
    const { tenant } = item
    if (event.type === 'tenant.configured') {
      this.#configure(event, item, prepared)
      return result
    }
    const { clock, recentIds } = this.#tenants.get(tenant) ?? this.#startTenant(tenant, now)
    if (now === undefined) clock.accept(event.time)
    else clock.acceptLive(now)

    const receivedAt = now ?? clock.reached
    const receivedDay = clock.calendar.dayOf(receivedAt)
    recentIds.add(hashes, 0, keptUntilDay(receivedDay, clock.calendar.dayOf(event.time)))
    if (event.subject === '') this.#broadcast(event, receivedAt, item, prepared)
    else {
      const partition = borrowerHash(tenant, event.subject) % this.#shape.partitions
      this.#append(partition, event, receivedAt, item.source_partition, item.source_position, prepared)
    }
    if (now === undefined) {
      for (let day = clock.dueDay(clock.reached); day !== undefined; day = clock.dueDay(clock.reached)) {
        this.#closeDay(clock, day, clock.reached)
      }
    }
    return result
  }

  /** Events that lie far back may repeat one that memory has forgotten: those are looked up, in one statement. */
  async #findLate(items: readonly Incoming[], prepared: readonly Prepared[]): Promise<StoredIds> {
    const late: Uint32Array[] = []
    let tenant = ''
    let before = Number.NEGATIVE_INFINITY
    items.forEach((item, i) => {
      if (item.tenant !== tenant || i === 0) {
        tenant = item.tenant
        const clock = this.#tenants.get(tenant)?.clock
        const closed = clock === undefined ? Number.POSITIVE_INFINITY : closedDayOf(clock)
        const isClosing = clock !== undefined && Number.isFinite(closed)
        before = isClosing ? clock.calendar.startOfDay(closed - LATE_LOOKUP_DAYS) : Number.NEGATIVE_INFINITY
      }
      if (!item.decoded.ok || item.decoded.event.time >= before) return
      if (item.source_position <= this.positionOf(item.tenant, item.source_partition)) return
      late.push((prepared[i] as Prepared).hashes)
    })
    return late.length === 0 ? NOTHING_STORED : this.#log.findIds(late, () => this.#follower?.settle() ?? NOTHING_TO_DO)
  }

  /** A tenant's own configuration is taken when it is the tenant's first event. */
  #configure(event: EventOf<'tenant.configured'>, item: Incoming, prepared: Prepared): void {
    const clock = new TenantClock(event.tenant, event.data)
    const { recentIds } = this.#addTenant(clock, new RecentIds(), event.data.currency)
    recentIds.add(prepared.hashes, 0, Number.POSITIVE_INFINITY)
    this.#broadcast(event, 0, item, prepared)
  }

  /** What decides an outcome is in the log, so a tenant that configured nothing gets the defaults written there. */
  #startTenant(tenant: string, now: number | undefined): KnownTenant {
    const configuration = DEFAULT_TENANT_CONFIGURATION
    const known = this.#addTenant(new TenantClock(tenant, configuration), new RecentIds(), configuration.currency)
    const event = controlEvent('tenant.configured', 'tenant.configured', tenant, now ?? 0, DEFAULT_TENANT_CONFIGURATION)
    this.#broadcast(event, now ?? 0)
    return known
  }

  #addTenant(clock: TenantClock, recentIds: RecentIds, currency: string): KnownTenant {
    const known = { clock, recentIds, currency, forgotten_day: Number.NEGATIVE_INFINITY }
    this.#tenants.set(clock.tenant, known)
    return known
  }

  #closeDay(clock: TenantClock, day: number, receivedAt: number): void {
    while (clock.next_day === day) this.#closePiece(clock, day, receivedAt)
  }

  #closePiece(clock: TenantClock, day: number, receivedAt: number): void {
    const date = dateOfDay(day)
    const { slices, partitions } = this.#shape
    const slice = clock.next_slice
    const partition = clock.next_partition++
    const time = clock.calendar.endOfDay(day)
    const id = `day.closed/${date}/${slice}`
    const event = controlEvent('day.closed', id, clock.tenant, time, { date, slice, slices })
    this.#appendOwn(partition, event, receivedAt)
    if (clock.next_partition < partitions) return
    clock.next_partition = 0
    clock.next_slice++
    if (clock.next_slice === slices) clock.close(day)
  }

  #appendOwn(partition: number, event: Event, receivedAt: number): void {
    const own = { data: canonicalData(event), hashes: NO_HASHES }
    this.#append(partition, event, receivedAt, OWN_SOURCE, this.#offsets[partition] ?? 0, own)
  }

  /**
   * Only between two batches: what is late enough to be looked up is decided once for a whole batch. Every so many days
   * at once, as forgetting rebuilds the table.
   */
  #forgetIds(): void {
    for (const known of this.#tenants.values()) {
      const day = closedDayOf(known.clock) - RECENT_ID_DAYS
      if (!Number.isFinite(day) || day < known.forgotten_day + FORGET_EVERY_DAYS) continue
      known.recentIds.forgetBefore(day)
      known.forgotten_day = day
    }
  }

  #broadcast(event: Event, receivedAt: number, item?: Incoming, prepared?: Prepared): void {
    const own = prepared ?? { data: canonicalData(event), hashes: NO_HASHES }
    for (let partition = 0; partition < this.#shape.partitions; partition++) {
      const position = item?.source_position ?? this.#offsets[partition] ?? 0
      this.#append(partition, event, receivedAt, item?.source_partition ?? OWN_SOURCE, position, own)
    }
  }

  #append(
    partition: number,
    event: Event,
    receivedAt: number,
    sourcePartition: string,
    sourcePosition: number,
    prepared: Prepared,
  ): void {
    const offset = this.#offsets[partition] as number
    this.#offsets[partition] = offset + 1
    const record: LogRecord = {
      partition,
      offset,
      received_at: receivedAt,
      source_partition: sourcePartition,
      source_position: sourcePosition,
      event,
    }
    this.#records.push({ record, data: prepared.data, hashes: prepared.hashes })
  }

  /** Writes what has been decided: refusals first, so that a position in the log vouches for all before it. */
  async #flush(refused: readonly RefusedItem[]): Promise<LogRecord[]> {
    const records = this.#records
    this.#records = []
    if (refused.length > 0) await this.#log.refuse(refused)
    if (records.length > 0) await this.#log.append(records)
    this.#lastAsked = { tenant: '', sourcePartition: '', position: -1 }
    const written = records.map(({ record }) => record)
    written.forEach((record, i) => {
      // Records come in runs of one source, of which the last has the largest position.
      if (record.source_partition === OWN_SOURCE || isOfSameSource(record, written[i + 1])) return
      this.#sourcePositions.set(sourceKey(record.event.tenant, record.source_partition), record.source_position)
    })
    return written
  }
}

function isOfSameSource(record: LogRecord, next: LogRecord | undefined): boolean {
  return next?.source_partition === record.source_partition && next.event.tenant === record.event.tenant
}

const SEPARATOR = '\u0000'

/** One file given for two tenants is two sources. */
export function sourceKey(tenant: string, sourcePartition: string): string {
  return `${tenant}${SEPARATOR}${sourcePartition}`
}

const NOTHING_STORED: StoredIds = new Map()
const NOTHING_TO_DO = Promise.resolve()
const FORGET_EVERY_DAYS = 8

/** Business day from which on an id's keeping is counted: it was received then, or is dated later. */
export function keptUntilDay(receivedDay: number, eventDay: number): number {
  return Math.max(receivedDay, eventDay)
}

function closedDayOf(clock: TenantClock): number {
  return Number.isFinite(clock.closed_day) ? clock.closed_day : clock.next_day - 1
}
