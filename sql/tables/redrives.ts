import { createBlock, type RowBlock } from '../native.ts'

/** One row per attempt to send a dead letter again. */
export const REDRIVES_COLUMNS = {
  tenant: 'String',
  dead_letter: 'String',
  attempt: 'UInt32',
  outcome: 'String',
  detail: 'String',
  partition: 'Nullable(UInt16)',
  offset: 'Nullable(UInt64)',
} as const

export type RedrivesBlock = RowBlock<typeof REDRIVES_COLUMNS>

/** An empty block for `insertBlock('redrives', …)`. */
export function createRedrivesBlock(): RedrivesBlock {
  return createBlock(REDRIVES_COLUMNS)
}
