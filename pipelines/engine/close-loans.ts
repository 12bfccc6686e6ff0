import { classifyDay, type Debtor, debtorAt } from '../../features/classification/classify.ts'
import {
  describeDay,
  hasMoved,
  isSameDay,
  type Movement,
  movementsBetween,
  totalsThrough,
} from '../../features/ledger/day.ts'
import type { Loan } from '../../features/ledger/loan.ts'
import { newLoanDay } from '../../features/ledger/loan-day.ts'
import { TOTALS_LENGTH } from '../../features/ledger/parts.ts'
import type { RestatedLoan } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { loanDayRow, loanMonthRow, loanMovementRow, loanRow } from './loan-rows.ts'
import type { Outputs, Place } from './outputs.ts'
import type { PartitionState } from './partition-state.ts'

/** A day that ends, and its last millisecond. */
export type EndOfDay = { readonly day: number; readonly end: number; readonly isMonthEnd: boolean }

const NOTHING_MOVED: readonly Movement[] = []
/** Most loans' days are as they were: nothing is made for those. */
const today = newLoanDay()
const totalsToday = new Float64Array(TOTALS_LENGTH)
const totalsYesterday = new Float64Array(TOTALS_LENGTH)

/**
 * Rows of a borrower's loans at the end of a day, as of that day. True when all of them have ended and nothing of them is
 * left to say, nor lies ahead: until an event of the borrower no later day but a month's last has rows of them.
 */
export function closeLoans(
  state: PartitionState,
  borrower: Borrower,
  end: EndOfDay,
  place: Place,
  outputs: Outputs,
): boolean {
  const { day, isMonthEnd } = end
  let isSettled = true
  const debtor = debtorAt(borrower, day)
  for (const loan of borrower.loans) {
    if (loan.start_day > day) {
      isSettled = false
      continue
    }
    const status = loan.statusAsOf(day)
    if (status === 'open' || loan.last_value_day > day) isSettled = false
    // A loan that has ended is as it was, but for money that comes later.
    const isQuiet = status !== 'open' && loan.reported?.status === status && loan.last_value_day < day
    const isChanged = !isQuiet && closeDay(borrower, loan, end, debtor, place, outputs)
    const month = isMonthEnd ? loanMonthRow(borrower, loan, day, status) : null
    if (month !== null) outputs.loanMonth(month, place)
    if (!isChanged) continue
    outputs.loan(loanRow(borrower, loan), place, 1)
    state.features.beforeChange(borrower.index)
    borrower.loansChanged()
    state.dirty.add(borrower.index)
  }
  return isSettled
}

/** Rows of closed days that an event changed, known from its place on. */
export function restateLoans(
  restated: readonly RestatedLoan[],
  borrower: Borrower,
  place: Place,
  outputs: Outputs,
): void {
  for (const { loan, days } of restated) {
    for (const { day, now, movements } of days) {
      if (now !== null) outputs.loanDay(loanDayRow(borrower, loan, day, now, borrower.day), place, 0)
      for (const movement of movements) {
        outputs.loanMovement(loanMovementRow(borrower, loan, day, movement, borrower.day), place, 0)
      }
    }
  }
}

/** Writes what changed of a loan on a day and keeps it as reported; whether anything did. Leaves the allocation as it was. */
function closeDay(
  borrower: Borrower,
  loan: Loan,
  { day, end }: EndOfDay,
  debtor: Debtor | null,
  place: Place,
  outputs: Outputs,
): boolean {
  const { tenant } = borrower
  // An event of a later day may have come before this day was closed, and a loan that nobody sweeps lags behind.
  const isElsewhere = borrower.time > end ? loan.hasPaymentAfter(day) : borrower.time < end && loan.future_day <= day
  let isAway = isElsewhere || loan.hasBooksOfItsOwn(day)
  if (isAway) loan.reallocate(day, true)
  describeDay(loan, tenant, day, today)
  classifyDay(borrower, loan, day, debtor, today)
  const isSame = loan.reported !== null && isSameDay(loan.reported, today)
  const mayHaveMoved = loan.reported === null || loan.moved_day === day || hasMoved(loan.reported, today)
  const movements = mayHaveMoved ? movementsOf(loan, day) : NOTHING_MOVED
  isAway ||= mayHaveMoved
  if (!isSame) {
    outputs.loanDay(loanDayRow(borrower, loan, day, today, day), place, 0)
    if (loan.reported === null) loan.first_reported_day = day
    loan.reported = { ...today }
    if (today.dpd > loan.worst_dpd) loan.worst_dpd = today.dpd
  }
  for (const movement of movements) outputs.loanMovement(loanMovementRow(borrower, loan, day, movement, day), place, 0)
  if (isAway) loan.reallocate(tenant.calendar.dayOf(borrower.time))
  return !isSame || movements.length > 0
}

/** What moved on `day`, of which `today` tells and as of which the loan is allocated; leaves it as of the day before. */
function movementsOf(loan: Loan, day: number): readonly Movement[] {
  totalsThrough(loan, day, totalsToday)
  if (loan.reported === null) return movementsBetween(null, null, today, totalsToday)
  loan.reallocate(day - 1, true)
  totalsThrough(loan, day - 1, totalsYesterday)
  return movementsBetween(loan.reported, totalsYesterday, today, totalsToday)
}
