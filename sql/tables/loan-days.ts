import { createBlock, type RowBlock } from '../native.ts'

/** One row per loan and business date at whose end its state had changed, as known at (partition, offset, seq). */
export const LOAN_DAYS_COLUMNS = {
  tenant: 'String',
  dataset: 'String',
  loan: 'String',
  borrower: 'String',
  date: 'Date',
  partition: 'UInt16',
  offset: 'UInt64',
  seq: 'UInt32',
  status: 'String',
  dpd: 'Int32',
  bucket: 'String',
  outstanding_principal_minor: 'Int64',
  overdue_minor: 'Int64',
  paid_minor: 'Int64',
  interest_minor: 'Int64',
  fee_minor: 'Int64',
  penalty_minor: 'Int64',
  overdue_principal_minor: 'Int64',
  overdue_interest_minor: 'Int64',
  overdue_fee_minor: 'Int64',
  overpaid_minor: 'Int64',
  recovered_minor: 'Int64',
  known_date: 'Date',
  category: 'String',
  category_clause: 'String',
} as const

export type LoanDaysBlock = RowBlock<typeof LOAN_DAYS_COLUMNS>

/** An empty block for `insertBlock('loan_days', …)`. */
export function createLoanDaysBlock(): LoanDaysBlock {
  return createBlock(LOAN_DAYS_COLUMNS)
}
