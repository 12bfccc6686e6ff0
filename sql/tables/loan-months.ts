import { createBlock, type RowBlock } from '../native.ts'

/** One row per loan and month end at which it was open or written off, as known when the month was closed. */
export const LOAN_MONTHS_COLUMNS = {
  tenant: 'String',
  dataset: 'String',
  loan: 'String',
  borrower: 'String',
  month: 'Date',
  mob: 'Int32',
  cohort: 'Date',
  product: 'String',
  channel: 'String',
  status: 'String',
  dpd: 'Int32',
  worst_dpd: 'Int32',
  bucket: 'String',
  balance_minor: 'Nullable(Int64)',
  overdue_minor: 'Nullable(Int64)',
  is_worst_dpd_known: 'UInt8',
  partition: 'UInt16',
  offset: 'UInt64',
  category: 'String',
  category_clause: 'String',
} as const

export type LoanMonthsBlock = RowBlock<typeof LOAN_MONTHS_COLUMNS>

/** An empty block for `insertBlock('loan_months', …)`. */
export function createLoanMonthsBlock(): LoanMonthsBlock {
  return createBlock(LOAN_MONTHS_COLUMNS)
}
