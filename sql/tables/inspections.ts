import { createBlock, type RowBlock } from '../native.ts'

/** One row per inspection of a loan, or of all that a borrower has. */
export const INSPECTIONS_COLUMNS = {
  tenant: 'String',
  borrower: 'String',
  loan: 'String',
  date: 'Date',
  inspected_at: 'DateTime64(3)',
  kind: 'String',
  result: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
} as const

export type InspectionsBlock = RowBlock<typeof INSPECTIONS_COLUMNS>

/** An empty block for `insertBlock('inspections', …)`. */
export function createInspectionsBlock(): InspectionsBlock {
  return createBlock(INSPECTIONS_COLUMNS)
}
