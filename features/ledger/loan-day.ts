import type { Category } from '../classification/tables.ts'
export type LoanStatus = 'open' | 'closed' | 'written_off'

/** What a row of `loan_days` says of the end of a day. Amounts in minor units. */
export type LoanDay = {
  status: LoanStatus
  dpd: number
  /** Unpaid principal, due or not; of a loan written off what was written off, as with the other parts. */
  outstanding_principal_minor: number
  /** Unpaid and due by that day. */
  interest_minor: number
  fee_minor: number
  penalty_minor: number
  /** Unpaid and due before that day. */
  overdue_principal_minor: number
  overdue_interest_minor: number
  overdue_fee_minor: number
  /** Paid so far, what was overpaid included and what was recovered after a write-off not. */
  paid_minor: number
  overpaid_minor: number
  recovered_minor: number
  /** Empty for a loan that is closed, and where nobody has classified it yet. */
  category: Category | ''
  category_clause: string
}

export const LOAN_DAY_AMOUNTS = [
  'outstanding_principal_minor',
  'paid_minor',
  'interest_minor',
  'fee_minor',
  'penalty_minor',
  'overdue_principal_minor',
  'overdue_interest_minor',
  'overdue_fee_minor',
  'overpaid_minor',
  'recovered_minor',
] as const

export function newLoanDay(): LoanDay {
  return {
    status: 'open',
    dpd: 0,
    outstanding_principal_minor: 0,
    interest_minor: 0,
    fee_minor: 0,
    penalty_minor: 0,
    overdue_principal_minor: 0,
    overdue_interest_minor: 0,
    overdue_fee_minor: 0,
    paid_minor: 0,
    overpaid_minor: 0,
    recovered_minor: 0,
    category: '',
    category_clause: '',
  }
}
