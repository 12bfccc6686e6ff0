import { createBlock, type RowBlock } from '../native.ts'

/** One row per thing that was refused: a line, an item of a request, or a record that the engine could not apply. */
export const DEAD_LETTERS_COLUMNS = {
  tenant: 'String',
  source_partition: 'String',
  source_position: 'UInt64',
  item: 'UInt32',
  step: 'String',
  reason: 'String',
  detail: 'String',
  event_id: 'String',
  event_type: 'String',
  borrower: 'String',
  partition: 'Nullable(UInt16)',
  offset: 'Nullable(UInt64)',
  recorded_at: 'DateTime64(3)',
} as const

export type DeadLettersBlock = RowBlock<typeof DEAD_LETTERS_COLUMNS>

/** An empty block for `insertBlock('dead_letters', …)`. */
export function createDeadLettersBlock(): DeadLettersBlock {
  return createBlock(DEAD_LETTERS_COLUMNS)
}
