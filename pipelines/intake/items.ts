import type { PublishedDefinitions, TenantConfiguration } from '../../features/events/contract.ts'
import type { Decoded, DecodeReason } from '../../features/events/decode.ts'
import type { LogRecord } from '../../features/events/record.ts'
import type { RecentIds } from './recent-ids.ts'
import type { ClockPosition } from './tenant-clock.ts'

/** One thing that a source handed over: where it stood, its bytes, and what decoding made of them. */
export type Incoming = {
  readonly tenant: string
  readonly source_partition: string
  readonly source_position: number
  /** Index inside the position, for requests that carry several events. */
  readonly item: number
  /** The request it came with, where there was one: dead letters are found by it. */
  readonly request?: string
  /** W3C trace context that it came with; the log does not keep it. */
  readonly traceparent?: string | undefined
  /** A dead letter that is sent again: what becomes of it is recorded there, and a refusal is no dead letter of its own. */
  readonly redrive?: true
  readonly bytes: Uint8Array
  readonly decoded: Decoded
}

export type IntakeReason = DecodeReason | 'conflict' | 'future' | 'already_configured'

export type IntakeResult = {
  readonly status: 'accepted' | 'repeat' | 'refused'
  readonly id: string | null
  readonly reason?: IntakeReason
  readonly detail?: string
}

/** A refused item, as `dead_letters` records it, with its original bytes for the store that SQL can't read. */
export type RefusedItem = {
  readonly incoming: Incoming
  readonly reason: IntakeReason
  readonly detail: string
}

/** Where a refused item is found again: its place in the source, or its request and index there. */
export function placeOfRefused(item: Incoming): { source_partition: string; source_position: number } {
  if (item.request !== undefined) return { source_partition: `http/${item.request}`, source_position: item.item }
  return { source_partition: item.source_partition, source_position: item.source_position }
}

/** A record with its hashes: id high, id low, content high, content low. */
export type HashedRecord = { readonly record: LogRecord; readonly data: string; readonly hashes: Uint32Array }

/** Whoever applies the log, and may refuse what is in it. */
export type Follower = {
  /** Whether it has yet to apply records that it was given. */
  isBehind(): boolean
  /** Hands records over and waits until all of the log is applied. */
  follow(records: readonly LogRecord[]): Promise<void>
  /** Waits until the tables hold all that follows from the log. */
  settle(): Promise<void>
}

/** Where intake writes. All of it is durable when a promise resolves. */
export type Log = {
  append(records: readonly HashedRecord[]): Promise<void>
  refuse(items: readonly RefusedItem[]): Promise<void>
  /**
   * Content hashes, by `idHigh:idLow`, of those of the ids that `events` holds and the engine did not refuse. `whenFound` is
   * awaited where there are any, before it is asked whether they were refused.
   */
  findIds(
    hashes: readonly Uint32Array[],
    whenFound?: () => Promise<void>,
  ): Promise<Map<string, { high: number; low: number }>>
}

export type LogShape = { readonly partitions: number; readonly slices: number }

/** What the log says of where intake stopped. */
export type IntakePosition = {
  /** Next offset per partition. */
  readonly offsets: number[]
  /** Largest position per tenant and source partition (`sourceKey`), over all log partitions. */
  readonly sourcePositions: Map<string, number>
  /** Positions beyond those that were refused already, by the same key: by decoding alone, or by what intake knew. */
  readonly refusedPositions: ReadonlyMap<string, ReadonlyMap<number, 'decode' | 'intake'>>
  readonly tenants: readonly (ClockPosition & {
    readonly tenant: string
    readonly configuration: TenantConfiguration
    readonly recentIds: RecentIds
  })[]
  readonly definitions: PublishedDefinitions | undefined
}
