import { createBlock, type RowBlock } from '../native.ts'

/** One row per change of the outcome of one rule, or of the band of the model, for one borrower. */
export const SIGNALS_COLUMNS = {
  tenant: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
  seq: 'UInt32',
  borrower: 'String',
  loan: 'String',
  time: 'DateTime64(3)',
  signal: 'String',
  family: 'String',
  severity: 'String',
  previous_severity: 'String',
  feature: 'String',
  value: 'Nullable(Float64)',
  lower: 'Nullable(Float64)',
  upper: 'Nullable(Float64)',
} as const

export type SignalsBlock = RowBlock<typeof SIGNALS_COLUMNS>

/** An empty block for `insertBlock('signals', …)`. */
export function createSignalsBlock(): SignalsBlock {
  return createBlock(SIGNALS_COLUMNS)
}
