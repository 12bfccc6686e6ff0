import type { Tenant } from '../state/tenant.ts'
import type { Loan } from './loan.ts'
import type { LoanDay } from './loan-day.ts'
import {
  ACCRUED,
  FEE,
  FLOWS,
  INTEREST,
  PARTS,
  type Part,
  PENALTY,
  PRINCIPAL,
  TOTALS_LENGTH,
  type Totals,
  WRITTEN_OFF,
} from './parts.ts'

/** Where each part's balance stands in a row of `loan_days`. */
const BALANCES = {
  principal: 'outstanding_principal_minor',
  interest: 'interest_minor',
  fee: 'fee_minor',
  penalty: 'penalty_minor',
} as const

/** What one part of a loan went through on one business date, minor units: see `FLOWS` for the equation. */
export type Movement = {
  readonly part: Part
  readonly opening_minor: number
  /** In the order of `FLOWS`. */
  readonly flows: readonly number[]
  readonly closing_minor: number
}

/**
 * Describes the end of business date `day` of a loan whose allocation is as of that day, as the books have it where that
 * differs. A loan that has ended ages no more: what was due then is due.
 */
export function describeDay(loan: Loan, tenant: Tenant, day: number, into: LoanDay): LoanDay {
  const status = loan.statusAsOf(day)
  const until = status === 'open' ? day : Math.min(day, loan.status_day)
  let [interest, fee, overduePrincipal, overdueInterest, overdueFee] = [0, 0, 0, 0, 0]
  const { due_day, interest_unpaid, fee_unpaid, principal_unpaid, instalment_count } = loan
  for (let i = loan.first_open; i < instalment_count && (due_day[i] as number) <= until; i++) {
    interest += interest_unpaid[i] as number
    fee += fee_unpaid[i] as number
    if (due_day[i] === until) continue
    overduePrincipal += principal_unpaid[i] as number
    overdueInterest += interest_unpaid[i] as number
    overdueFee += fee_unpaid[i] as number
  }
  const isClosed = status === 'closed'
  into.status = status
  into.dpd = isClosed ? 0 : tenant.daysPastDue(loan.rawDaysPastDue(until))
  into.outstanding_principal_minor = loan.outstandingPrincipal()
  into.interest_minor = interest
  into.fee_minor = fee
  into.penalty_minor = loan.penalty_count === 0 ? 0 : loan.outstandingPenalty()
  into.overdue_principal_minor = isClosed ? 0 : overduePrincipal
  into.overdue_interest_minor = isClosed ? 0 : overdueInterest
  into.overdue_fee_minor = isClosed ? 0 : overdueFee
  into.paid_minor = loan.paid_minor
  into.overpaid_minor = loan.overpaid_minor
  into.recovered_minor = loan.recovered_minor
  return into
}

export function isSameDay(a: LoanDay, b: LoanDay): boolean {
  return (
    !hasMoved(a, b) &&
    a.dpd === b.dpd &&
    a.category === b.category &&
    a.category_clause === b.category_clause &&
    a.overdue_principal_minor === b.overdue_principal_minor &&
    a.overdue_interest_minor === b.overdue_interest_minor &&
    a.overdue_fee_minor === b.overdue_fee_minor
  )
}

/** Whether money moved between two days, as far as balances tell; what is overdue changes by itself. */
export function hasMoved(a: LoanDay, b: LoanDay): boolean {
  return (
    a.status !== b.status ||
    a.outstanding_principal_minor !== b.outstanding_principal_minor ||
    a.interest_minor !== b.interest_minor ||
    a.fee_minor !== b.fee_minor ||
    a.penalty_minor !== b.penalty_minor ||
    a.paid_minor !== b.paid_minor ||
    a.overpaid_minor !== b.overpaid_minor ||
    a.recovered_minor !== b.recovered_minor
  )
}

/**
 * Everything that moved through a loan's accounts up to the end of `day`, as counted where it moved. The allocation must be
 * the books' as of that day.
 */
export function totalsThrough(loan: Loan, day: number, into: Totals = new Float64Array(TOTALS_LENGTH)): Totals {
  const status = loan.statusAsOf(day)
  const until = status === 'open' ? day : Math.min(day, loan.status_day)
  into.set(loan.totals)
  into[INTEREST + ACCRUED] = loan.accruedInterest(until)
  into[FEE + ACCRUED] = loan.accruedFee(until)
  if (status !== 'written_off') return into
  // All that is owed is written off, by the same count.
  for (const part of [PRINCIPAL, INTEREST, FEE, PENALTY]) into[part + WRITTEN_OFF] = balanceOf(into, part)
  return into
}

/** What a part's balance must be by the equation of `FLOWS`. */
function balanceOf(totals: Totals, part: number): number {
  let balance = 0
  for (let flow = 0; flow < FLOWS.length; flow++) {
    balance += (SIGNS[flow] as number) * (totals[part + flow] as number)
  }
  return balance
}

const SIGNS: readonly number[] = FLOWS.map((flow) =>
  flow === 'allocated' || flow === 'waived' || flow === 'written_off' ? -1 : 1,
)

/** A part's balance on the books at the end of a day: a loan that was written off has none. */
function closingOf(day: LoanDay | null, part: Part): number {
  return day === null || day.status === 'written_off' ? 0 : day[BALANCES[part]]
}

/**
 * What moved on one date: flows from totals at its end less those at the end of the day before, balances from the days
 * themselves. Parts of which nothing moved are left out.
 */
export function movementsBetween(
  before: LoanDay | null,
  totalsBefore: Totals | null,
  after: LoanDay,
  totalsAfter: Totals,
): Movement[] {
  const movements: Movement[] = []
  PARTS.forEach((part, k) => {
    const opening_minor = closingOf(before, part)
    const closing_minor = closingOf(after, part)
    const flows = FLOWS.map((_, flow) => {
      const place = k * FLOWS.length + flow
      return (totalsAfter[place] as number) - (totalsBefore?.[place] ?? 0)
    })
    if (opening_minor !== closing_minor || flows.some((one) => one !== 0)) {
      movements.push({ part, opening_minor, flows, closing_minor })
    }
  })
  return movements
}
