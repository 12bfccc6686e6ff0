import { classify, type Debtor, kindOf } from '../../features/classification/classify.ts'
import { CATEGORIES, type Category } from '../../features/classification/tables.ts'
import type { Loan, LoanDay, LoanStatus } from '../../features/ledger/loan.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { firstDayOfMonth, monthOfDay } from '../../features/time.ts'

/** Name of the data set of a tenant's own loans, as against imported tapes. */
export const OWN_DATASET = ''
const WRITTEN_OFF = 'written_off'

export type LoanRow = {
  tenant: string
  dataset: string
  loan: string
  borrower: string
  product: string
  channel: string
  region: string
  purpose: string
  currency: string
  principal_minor: number
  annual_rate: number | null
  instalments: number
  credit_limit_minor: number | null
  disbursed_at: number
  /** First day of the month of disbursement, as a day number. */
  cohort: number
  status: LoanStatus
  /** Day number of closing or write-off, null while open. */
  status_date: number | null
  worst_dpd: number
  outstanding_principal_minor: number
  written_off_balance_minor: number
  is_retail: number
  is_self_directed: number
  /** Day number of the business date of disbursement. */
  disbursed_date: number
}

export type LoanDayRow = {
  tenant: string
  dataset: string
  loan: string
  borrower: string
  /** Day number. */
  date: number
  status: LoanStatus
  dpd: number
  bucket: string
  outstanding_principal_minor: number
  overdue_minor: number
  paid_minor: number
  category: Category | ''
  category_clause: string
}

export type LoanMonthRow = {
  tenant: string
  dataset: string
  loan: string
  borrower: string
  /** First day of the month, as a day number. */
  month: number
  mob: number
  cohort: number
  product: string
  channel: string
  status: LoanStatus
  dpd: number
  worst_dpd: number
  bucket: string
  balance_minor: number
  category: Category | ''
  category_clause: string
}

/** The loan as it stands now: a row that the next one replaces. */
export function loanRow(borrower: Borrower, loan: Loan): LoanRow {
  const { names } = loan
  return {
    tenant: borrower.tenant.name,
    dataset: OWN_DATASET,
    loan: loan.token,
    borrower: borrower.token,
    product: names.textOf(loan.product),
    channel: names.textOf(loan.channel),
    region: names.textOf(loan.region),
    purpose: names.textOf(loan.purpose),
    currency: names.textOf(loan.currency),
    principal_minor: loan.principal_minor,
    annual_rate: orNull(loan.annual_rate),
    instalments: loan.instalment_count,
    credit_limit_minor: orNull(loan.credit_limit_minor),
    disbursed_at: loan.disbursed_at,
    cohort: firstDayOfMonth(monthOfDay(loan.disbursed_day)),
    status: loan.status,
    status_date: loan.status === 'open' ? null : loan.status_day,
    worst_dpd: loan.worst_dpd,
    outstanding_principal_minor: loan.outstandingPrincipal(),
    written_off_balance_minor: loan.written_off_balance_minor,
    is_retail: kindOf(borrower.tenant, loan).isRetail ? 1 : 0,
    is_self_directed: loan.is_self_directed ? 1 : 0,
    disbursed_date: loan.disbursed_day,
  }
}

/**
 * Brings a loan to the end of business date `day`, of which it was told all it knows: returns what to write, and keeps
 * it as reported. `loan_days` gets a row where something changed; a loan that is closed or written off gets its last.
 * `debtor` is what the borrower's debts come to, null where no loan is bound by it.
 */
export function closeLoanDay(
  borrower: Borrower,
  loan: Loan,
  day: number,
  debtor: Debtor | null,
): { readonly changed: LoanDayRow | null; readonly status: LoanStatus } {
  const status = loan.statusAsOf(day)
  const { reported } = loan
  if (reported !== null && status !== 'open' && reported.status === status) return { changed: null, status }
  const { tenant } = borrower
  const dpd = status === 'closed' ? 0 : tenant.daysPastDue(loan.rawDaysPastDue(day))
  const outstanding_principal_minor = loan.outstandingPrincipal()
  const { paid_minor } = loan
  const overdue_minor = status === 'closed' ? 0 : loan.overdue(day)
  const { category, clause: category_clause } = classify(borrower, loan, day, status, dpd, debtor)
  if (
    reported !== null &&
    reported.status === status &&
    reported.dpd === dpd &&
    reported.outstanding_principal_minor === outstanding_principal_minor &&
    reported.overdue_minor === overdue_minor &&
    reported.paid_minor === paid_minor &&
    reported.category === category &&
    reported.category_clause === category_clause
  ) {
    return { changed: null, status }
  }
  const now: LoanDay = {
    status,
    dpd,
    outstanding_principal_minor,
    overdue_minor,
    paid_minor,
    category,
    category_clause,
  }
  loan.reported = now
  if (dpd > loan.worst_dpd) loan.worst_dpd = dpd
  const bucket = status === WRITTEN_OFF ? WRITTEN_OFF : tenant.bucket(dpd)
  const key = { tenant: tenant.name, dataset: OWN_DATASET, loan: loan.token, borrower: borrower.token, date: day }
  return { changed: { ...key, bucket, ...now, category: categoryName(category) }, status }
}

/** The month-end row of a loan that is open or written off; `day` is the month's last. A closed one has none. */
export function loanMonthRow(borrower: Borrower, loan: Loan, day: number, status: LoanStatus): LoanMonthRow | null {
  if (status === 'closed' || loan.reported === null) return null
  const month = monthOfDay(day)
  const cohort = monthOfDay(loan.disbursed_day)
  const { dpd } = loan.reported
  const isWrittenOff = status === WRITTEN_OFF
  return {
    tenant: borrower.tenant.name,
    dataset: OWN_DATASET,
    loan: loan.token,
    borrower: borrower.token,
    month: firstDayOfMonth(month),
    mob: month - cohort,
    cohort: firstDayOfMonth(cohort),
    product: loan.names.textOf(loan.product),
    channel: loan.names.textOf(loan.channel),
    status,
    dpd,
    worst_dpd: loan.worst_dpd,
    bucket: isWrittenOff ? WRITTEN_OFF : borrower.tenant.bucket(dpd),
    balance_minor: isWrittenOff ? loan.written_off_balance_minor : loan.reported.outstanding_principal_minor,
    category: categoryName(loan.reported.category),
    category_clause: loan.reported.category_clause,
  }
}

function categoryName(category: number): Category | '' {
  return CATEGORIES[category] ?? ''
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
