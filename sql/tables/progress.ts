import { createBlock, type RowBlock, type RowOf } from '../native.ts'

/** One row per partition of the log: everything up to (offset, seq) is in all other tables. */
export const PROGRESS_COLUMNS = {
  partition: 'UInt16',
  offset: 'UInt64',
  seq: 'UInt32',
  feed_seqs: 'String',
} as const

export type ProgressRow = RowOf<typeof PROGRESS_COLUMNS>
export type ProgressBlock = RowBlock<typeof PROGRESS_COLUMNS>

/** An empty block for `insertBlock('progress', …)`. */
export function createProgressBlock(): ProgressBlock {
  return createBlock(PROGRESS_COLUMNS)
}
