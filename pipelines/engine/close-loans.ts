import { Debtor, isBound } from '../../features/classification/classify.ts'
import type { Loan } from '../../features/ledger/loan.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { closeLoanDay, loanMonthRow, loanRow } from './loan-rows.ts'
import type { Outputs, Place } from './outputs.ts'
import type { PartitionState } from './partition-state.ts'

/** A day that ends, and its last millisecond. */
export type EndOfDay = { readonly day: number; readonly end: number; readonly isMonthEnd: boolean }

/**
 * Rows of a borrower's loans at the end of a day, as of that day. True when all of them have ended and nothing of them was
 * left to say: until an event of the borrower no later day but a month's last has rows of them.
 */
export function closeLoans(
  state: PartitionState,
  borrower: Borrower,
  { day, end, isMonthEnd }: EndOfDay,
  place: Place,
  outputs: Outputs,
): boolean {
  let isSettled = true
  const debtor = isBound(borrower) ? debtorAt(borrower, day, end) : null
  for (const loan of borrower.loans) {
    if (loan.disbursed_day > day) {
      isSettled = false
      continue
    }
    const isElsewhere = isAsOfAnotherDay(borrower, loan, day, end)
    if (isElsewhere) loan.reallocate(day)
    const { changed, status } = closeLoanDay(borrower, loan, day, debtor)
    if (status === 'open') isSettled = false
    if (changed !== null) outputs.loanDay(changed, place, 0)
    const month = isMonthEnd ? loanMonthRow(borrower, loan, day, status) : null
    if (month !== null) outputs.loanMonth(month, place)
    if (isElsewhere) loan.reallocate(borrower.tenant.calendar.dayOf(borrower.time))
    if (changed === null) continue
    outputs.loan(loanRow(borrower, loan), place, 1)
    state.features.beforeChange(borrower.index)
    borrower.loansChanged()
    state.dirty.add(borrower.index)
  }
  return isSettled
}

/** An event of a later day may have come before this day was closed, and a loan that nobody sweeps lags behind. */
function isAsOfAnotherDay(borrower: Borrower, loan: Loan, day: number, end: number): boolean {
  return borrower.time > end ? loan.hasPaymentAfter(day) : borrower.time < end && loan.future_day <= day
}

/** What the borrower's open loans come to at the end of the day. */
function debtorAt(borrower: Borrower, day: number, end: number): Debtor {
  const debtor = new Debtor(borrower, day)
  for (const loan of borrower.loans) {
    if (loan.disbursed_day > day || loan.statusAsOf(day) !== 'open') continue
    const isElsewhere = isAsOfAnotherDay(borrower, loan, day, end)
    if (isElsewhere) loan.reallocate(day)
    debtor.add(borrower, loan, day)
    if (isElsewhere) loan.reallocate(borrower.tenant.calendar.dayOf(borrower.time))
  }
  return debtor
}
