import { kindOf } from '../../features/classification/classify.ts'
import type { Movement } from '../../features/ledger/day.ts'
import type { Loan } from '../../features/ledger/loan.ts'
import type { LoanDay, LoanStatus } from '../../features/ledger/loan-day.ts'
import type { Part } from '../../features/ledger/parts.ts'
import { SCHEDULE_STRIDE } from '../../features/ledger/schedule.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { firstDayOfMonth, monthOfDay } from '../../features/time.ts'

/** Name of the data set of a tenant's own loans, as against imported tapes. */
export const OWN_DATASET = ''
const WRITTEN_OFF = 'written_off'
/** Of these a first, second or third payment default asks. */
const FIRST_DUE_DATES = 3

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
  repayment_method: string
  /** Day numbers of the first three instalments as disbursed; none of a loan that was taken over. */
  first_due_dates: readonly number[]
  /** Day number as of whose end it was taken over, null for a loan that was disbursed here. */
  taken_over_at: number | null
  is_worst_dpd_known: number
  restructurings: number
  restructured_at: number | null
  /** What the last restructuring made of the days past due; empty without one. */
  dpd_rule: '' | 'reset' | 'carried'
  is_retail: number
  is_self_directed: number
  /** Day number of the business date of disbursement. */
  disbursed_date: number
}

export type LoanDayRow = LoanDay & {
  tenant: string
  dataset: string
  loan: string
  borrower: string
  /** Day number. */
  date: number
  bucket: string
  /** Of all parts but penalty. */
  overdue_minor: number
  /** Business date on which it was known. */
  known_date: number
}

export type LoanMovementRow = {
  tenant: string
  dataset: string
  loan: string
  borrower: string
  /** Day number. */
  date: number
  part: Part
  opening_minor: number
  disbursed_minor: number
  taken_over_minor: number
  accrued_minor: number
  allocated_minor: number
  reversed_minor: number
  waived_minor: number
  written_off_minor: number
  capitalised_minor: number
  closing_minor: number
  known_date: number
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
  overdue_minor: number
  is_worst_dpd_known: number
  category: LoanDay['category']
  category_clause: string
}

/** The loan as it stands now: a row that the next one replaces. */
export function loanRow(borrower: Borrower, loan: Loan): LoanRow {
  const { names } = loan
  const restructuring = loan.lastRestructuring
  const isWrittenOff = loan.status === WRITTEN_OFF
  return {
    ...keyOf(borrower, loan),
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
    outstanding_principal_minor: isWrittenOff ? loan.written_off_balance_minor : loan.outstandingPrincipal(),
    written_off_balance_minor: loan.written_off_balance_minor,
    repayment_method: names.textOf(loan.repayment_method),
    first_due_dates: loan.is_taken_over ? [] : firstDueDays(loan),
    taken_over_at: loan.is_taken_over ? loan.start_day : null,
    is_worst_dpd_known: Number(loan.is_worst_dpd_known),
    restructurings: loan.restructured_count,
    restructured_at: restructuring?.value_day ?? null,
    dpd_rule: restructuring === undefined ? '' : restructuring.carries_dpd ? 'carried' : 'reset',
    is_retail: Number(kindOf(borrower.tenant, loan).isRetail),
    is_self_directed: Number(loan.is_self_directed),
    disbursed_date: loan.disbursed_day,
  }
}

function firstDueDays({ original, original_length }: Loan): number[] {
  const days: number[] = []
  for (let at = 0; at < original_length && days.length < FIRST_DUE_DATES; at += SCHEDULE_STRIDE) {
    days.push(original[at] as number)
  }
  return days
}

/** A row of `loan_days`: how a loan stood at the end of `day`, as known on business date `knownDay`. */
export function loanDayRow(borrower: Borrower, loan: Loan, day: number, now: LoanDay, knownDay: number): LoanDayRow {
  const { tenant } = borrower
  const overdue_minor = now.overdue_principal_minor + now.overdue_interest_minor + now.overdue_fee_minor
  const bucket = now.status === WRITTEN_OFF ? WRITTEN_OFF : tenant.bucket(now.dpd)
  return { ...keyOf(borrower, loan), date: day, bucket, ...now, overdue_minor, known_date: knownDay }
}

/** A row of `loan_movements`. */
export function loanMovementRow(
  borrower: Borrower,
  loan: Loan,
  day: number,
  { part, opening_minor, flows, closing_minor }: Movement,
  knownDay: number,
): LoanMovementRow {
  const [disbursed, taken, accrued, allocated, reversed, waived, written, capitalised] = flows as FlowAmounts
  return {
    ...keyOf(borrower, loan),
    date: day,
    part,
    opening_minor,
    disbursed_minor: disbursed,
    taken_over_minor: taken,
    accrued_minor: accrued,
    allocated_minor: allocated,
    reversed_minor: reversed,
    waived_minor: waived,
    written_off_minor: written,
    capitalised_minor: capitalised,
    closing_minor,
    known_date: knownDay,
  }
}

/** In the order of `FLOWS`. */
type FlowAmounts = readonly [number, number, number, number, number, number, number, number]

function keyOf(borrower: Borrower, loan: Loan) {
  return { tenant: borrower.tenant.name, dataset: OWN_DATASET, loan: loan.token, borrower: borrower.token }
}

/** The month-end row of a loan that is open or written off; `day` is the month's last. A closed one has none. */
export function loanMonthRow(borrower: Borrower, loan: Loan, day: number, status: LoanStatus): LoanMonthRow | null {
  if (status === 'closed' || loan.reported === null) return null
  const month = monthOfDay(day)
  const cohort = monthOfDay(loan.disbursed_day)
  const { dpd } = loan.reported
  const isWrittenOff = status === WRITTEN_OFF
  const { reported } = loan
  return {
    ...keyOf(borrower, loan),
    month: firstDayOfMonth(month),
    mob: month - cohort,
    cohort: firstDayOfMonth(cohort),
    product: loan.names.textOf(loan.product),
    channel: loan.names.textOf(loan.channel),
    status,
    dpd,
    worst_dpd: loan.worst_dpd,
    bucket: isWrittenOff ? WRITTEN_OFF : borrower.tenant.bucket(dpd),
    balance_minor: isWrittenOff ? loan.written_off_balance_minor : reported.outstanding_principal_minor,
    overdue_minor: reported.overdue_principal_minor + reported.overdue_interest_minor + reported.overdue_fee_minor,
    is_worst_dpd_known: Number(loan.is_worst_dpd_known),
    category: reported.category,
    category_clause: reported.category_clause,
  }
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
