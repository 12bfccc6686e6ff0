import { createBlock, type RowBlock, type RowOf } from '../native.ts'

/** One row per feed event: an episode of one borrower was opened, escalated or cleared. */
export const WARNINGS_COLUMNS = {
  tenant: 'String',
  partition: 'UInt16',
  feed_seq: 'UInt64',
  id: 'String',
  warning_id: 'String',
  type: 'String',
  severity: 'String',
  borrower: 'String',
  loan: 'String',
  time: 'DateTime64(3)',
  offset: 'UInt64',
  seq: 'UInt32',
  decision: 'String',
  model: 'String',
  score: 'Nullable(Float64)',
  trigger_source: 'String',
  trigger_id: 'String',
  trigger_date: 'String',
  signals: 'String',
} as const

export type WarningsRow = RowOf<typeof WARNINGS_COLUMNS>
export type WarningsBlock = RowBlock<typeof WARNINGS_COLUMNS>

/** An empty block for `insertBlock('warnings', …)`. */
export function createWarningsBlock(): WarningsBlock {
  return createBlock(WARNINGS_COLUMNS)
}
