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
