import { createBlock, type RowBlock } from '../native.ts'

/** One row per tenant, business date, log partition and slice of its borrowers: the date was closed for them. */
export const CLOSED_DAYS_COLUMNS = {
  tenant: 'String',
  date: 'Date',
  day_end: 'DateTime64(3)',
  partition: 'UInt16',
  slice: 'UInt32',
  slices: 'UInt32',
  partitions: 'UInt32',
  offset: 'UInt64',
} as const

export type ClosedDaysBlock = RowBlock<typeof CLOSED_DAYS_COLUMNS>

/** An empty block for `insertBlock('closed_days', …)`. */
export function createClosedDaysBlock(): ClosedDaysBlock {
  return createBlock(CLOSED_DAYS_COLUMNS)
}
