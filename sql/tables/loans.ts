import { createBlock, type RowBlock } from '../native.ts'

/** One row per loan of a data set (own loans: the empty one), as of its latest change. */
export const LOANS_COLUMNS = {
  tenant: 'String',
  dataset: 'String',
  loan: 'String',
  borrower: 'String',
  product: 'String',
  channel: 'String',
  region: 'String',
  currency: 'String',
  purpose: 'String',
  principal_minor: 'Int64',
  annual_rate: 'Nullable(Float64)',
  instalments: 'UInt32',
  credit_limit_minor: 'Nullable(Float64)',
  disbursed_at: 'DateTime64(3)',
  cohort: 'Date',
  status: 'String',
  status_date: 'Nullable(Date)',
  worst_dpd: 'Int32',
  outstanding_principal_minor: 'Int64',
  written_off_balance_minor: 'Int64',
  repayment_method: 'String',
  first_due_dates: 'Array(Date)',
  taken_over_at: 'Nullable(Date)',
  is_worst_dpd_known: 'UInt8',
  restructurings: 'UInt32',
  restructured_at: 'Nullable(Date)',
  dpd_rule: 'String',
  partition: 'UInt16',
  offset: 'UInt64',
  version: 'UInt64',
  is_retail: 'UInt8',
  is_self_directed: 'UInt8',
  disbursed_date: 'Date',
} as const

export type LoansBlock = RowBlock<typeof LOANS_COLUMNS>

/** An empty block for `insertBlock('loans', …)`. */
export function createLoansBlock(): LoansBlock {
  return createBlock(LOANS_COLUMNS)
}
