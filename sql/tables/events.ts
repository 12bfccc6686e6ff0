import type { LogRecord } from '../../features/events/record.ts'
import { createBlock, type RowBlock } from '../native.ts'

/** One row per record of the log: its place is (partition, offset), and nothing is ever changed or removed. */
export const EVENTS_COLUMNS = {
  tenant: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
  type: 'String',
  version: 'UInt8',
  borrower: 'String',
  time: 'DateTime64(3)',
  received_at: 'DateTime64(3)',
  source: 'String',
  id: 'String',
  data: 'String',
  source_partition: 'String',
  source_position: 'UInt64',
  id_hash: 'Hash64',
  content_hash: 'Hash64',
} as const

export type EventsBlock = RowBlock<typeof EVENTS_COLUMNS>

/** An empty block for `insertBlock('events', …)`. */
export function createEventsBlock(): EventsBlock {
  return createBlock(EVENTS_COLUMNS)
}

/** The row of a record, its data as canonical JSON and its hashes: id high, id low, content high, content low. */
export function eventsRow(record: LogRecord, data: string, hashes: Uint32Array) {
  const { event } = record
  return {
    tenant: event.tenant,
    partition: record.partition,
    offset: record.offset,
    type: event.type,
    version: event.version,
    borrower: event.subject,
    time: event.time,
    received_at: record.received_at,
    source: event.source,
    id: event.id,
    data,
    source_partition: record.source_partition,
    source_position: record.source_position,
    id_hash: { high: hashes[0] as number, low: hashes[1] as number },
    content_hash: { high: hashes[2] as number, low: hashes[3] as number },
  }
}
