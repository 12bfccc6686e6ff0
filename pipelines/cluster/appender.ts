import { DEFAULT_TENANT_CONFIGURATION, type Event, type TenantConfiguration } from '../../features/events/contract.ts'
import { canonicalData } from '../../features/events/decode.ts'
import { MS_PER_DAY } from '../../features/time.ts'
import type { LogShape } from '../intake/items.ts'
import { controlEvent, NO_HASHES, OWN_SOURCE } from '../intake/prepare.ts'
import { type LogEntry, type LogMessage, partitionOf, toMessage } from './log-message.ts'

/** Days before its first event's arrival from which on a tenant's days are closed at the most: a mistyped year is no history. */
const BACKLOG_DAYS_MAX = 3660

/** Sends messages to one topic in their order. Resolves when all in-sync replicas have them; throws when one was not taken. */
export type Send = (topic: string, messages: readonly LogMessage[]) => Promise<void>

/** Told of a tenant's first event that this process appends. */
export type OnTenant = (tenant: string, configuration: TenantConfiguration, since: number) => Promise<void>

/**
 * Appends to the log. What decides an outcome is in the log, so the first of a tenant's events that this process appends
 * to a partition is preceded by the tenant's configuration; of several the worker takes the first.
 */
export class LogAppender {
  readonly #topic: string
  readonly #shape: LogShape
  readonly #send: Send
  readonly #configured: ReadonlyMap<string, TenantConfiguration>
  readonly #onTenant: OnTenant
  /** Per tenant the partitions of which its configuration was sent to. */
  readonly #introduced = new Map<string, Set<number>>()

  constructor(parts: {
    topic: string
    shape: LogShape
    send: Send
    configured: ReadonlyMap<string, TenantConfiguration>
    onTenant: OnTenant
  }) {
    this.#topic = parts.topic
    this.#shape = parts.shape
    this.#send = parts.send
    this.#configured = parts.configured
    this.#onTenant = parts.onTenant
  }

  /** Appends entries in their order, those that concern nobody in particular to every partition. */
  async append(entries: readonly LogEntry[]): Promise<void> {
    const messages: LogMessage[] = []
    for (const entry of entries) {
      const { tenant, subject } = entry.event
      if (!this.#introduced.has(tenant)) await this.#meet(tenant, entry)
      for (const partition of this.#partitionsOf(tenant, subject)) {
        this.#introduce(tenant, partition, entry.received_at, messages)
        messages.push(toMessage(entry, partition))
      }
    }
    if (messages.length > 0) await this.#send(this.#topic, messages)
  }

  /** Appends a record that foreshock makes itself to some partitions. */
  async appendOwn(event: Event, receivedAt: number, partitions: readonly number[]): Promise<void> {
    const entry: LogEntry = {
      event,
      data: canonicalData(event),
      hashes: NO_HASHES,
      received_at: receivedAt,
      source_partition: OWN_SOURCE,
      source_position: undefined,
    }
    await this.#send(
      this.#topic,
      partitions.map((partition) => toMessage(entry, partition)),
    )
  }

  #partitionsOf(tenant: string, subject: string): readonly number[] {
    if (subject !== '') return [partitionOf(tenant, subject, this.#shape)]
    return Array.from({ length: this.#shape.partitions }, (_, partition) => partition)
  }

  async #meet(tenant: string, { event, received_at }: LogEntry): Promise<void> {
    // A backlog is older than the clock: its days are closed from its first event on.
    const since = Math.max(Math.min(event.time, received_at), received_at - BACKLOG_DAYS_MAX * MS_PER_DAY)
    await this.#onTenant(tenant, this.#configurationOf(tenant), since)
    this.#introduced.set(tenant, new Set())
  }

  #introduce(tenant: string, partition: number, receivedAt: number, messages: LogMessage[]): void {
    const partitions = this.#introduced.get(tenant) as Set<number>
    if (partitions.has(partition)) return
    partitions.add(partition)
    const event = controlEvent(
      'tenant.configured',
      'tenant.configured',
      tenant,
      receivedAt,
      this.#configurationOf(tenant),
    )
    const own = { event, data: canonicalData(event), hashes: NO_HASHES, received_at: receivedAt }
    messages.push(toMessage({ ...own, source_partition: OWN_SOURCE, source_position: undefined }, partition))
  }

  #configurationOf(tenant: string): TenantConfiguration {
    return this.#configured.get(tenant) ?? DEFAULT_TENANT_CONFIGURATION
  }
}
