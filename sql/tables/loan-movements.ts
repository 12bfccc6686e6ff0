import { createBlock, type RowBlock } from '../native.ts'

/** One row per loan, business date and part on which something of it moved, as known at (partition, offset, seq). */
export const LOAN_MOVEMENTS_COLUMNS = {
  tenant: 'String',
  dataset: 'String',
  loan: 'String',
  borrower: 'String',
  date: 'Date',
  part: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
  seq: 'UInt32',
  opening_minor: 'Int64',
  disbursed_minor: 'Int64',
  taken_over_minor: 'Int64',
  accrued_minor: 'Int64',
  allocated_minor: 'Int64',
  reversed_minor: 'Int64',
  waived_minor: 'Int64',
  written_off_minor: 'Int64',
  capitalised_minor: 'Int64',
  closing_minor: 'Int64',
  known_date: 'Date',
} as const

export type LoanMovementsBlock = RowBlock<typeof LOAN_MOVEMENTS_COLUMNS>

/** An empty block for `insertBlock('loan_movements', …)`. */
export function createLoanMovementsBlock(): LoanMovementsBlock {
  return createBlock(LOAN_MOVEMENTS_COLUMNS)
}
