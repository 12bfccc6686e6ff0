import { createBlock, type RowBlock, type RowOf } from '../native.ts'

/** One row per feature that was backfilled and partition of the log, with how far that came. */
export const BACKFILLS_COLUMNS = {
  generation: 'UInt32',
  feature: 'String',
  partition: 'UInt16',
  until: 'UInt64',
  next_offset: 'UInt64',
} as const

export type BackfillRow = RowOf<typeof BACKFILLS_COLUMNS>
export type BackfillsBlock = RowBlock<typeof BACKFILLS_COLUMNS>

/** An empty block for `insertBlock('backfills', …)`. */
export function createBackfillsBlock(): BackfillsBlock {
  return createBlock(BACKFILLS_COLUMNS)
}
