import { createBlock, type RowBlock } from '../native.ts'

/** One row per evaluation that the model scored. */
export const SCORES_COLUMNS = {
  tenant: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
  borrower: 'String',
  time: 'DateTime64(3)',
  model: 'String',
  score: 'Float64',
  band: 'String',
} as const

export type ScoresBlock = RowBlock<typeof SCORES_COLUMNS>

/** An empty block for `insertBlock('scores', …)`. */
export function createScoresBlock(): ScoresBlock {
  return createBlock(SCORES_COLUMNS)
}
