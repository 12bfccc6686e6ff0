import { classifyDay, debtorAt } from '../classification/classify.ts'
import type { Borrower } from '../state/borrower.ts'
import { describeDay, isSameDay, type Movement, movementsBetween, totalsThrough } from './day.ts'
import type { Loan } from './loan.ts'
import { type LoanDay, newLoanDay } from './loan-day.ts'
import { PARTS, type Totals } from './parts.ts'

/** A loan's past day that is not what it was said to be. */
export type RestatedDay = {
  readonly day: number
  /** Null where it is as it was, and only its movements are others. */
  readonly now: LoanDay | null
  /** A part that moved before and does no more comes with nothing in its flows. */
  readonly movements: readonly Movement[]
}

/** Days of a loan as they are known at some place of the log: from the day before `from`, null where there was none. */
type KnownDays = { readonly from: number; readonly days: (Day | null)[] }
type Day = { readonly row: LoanDay; readonly totals: Totals }

/** The loan's closed days from `from` through `to` as they are known now; the allocation is left as of `day`. */
export function knownDays(borrower: Borrower, loan: Loan, from: number, to: number, day: number): KnownDays {
  const days: (Day | null)[] = []
  for (let date = from - 1; date <= to; date++) {
    if (date < loan.first_reported_day) days.push(null)
    else {
      const debtor = debtorAt(borrower, date, true)
      loan.reallocate(date, true)
      const row = describeDay(loan, borrower.tenant, date, newLoanDay())
      classifyDay(borrower, loan, date, debtor, row)
      days.push({ row, totals: totalsThrough(loan, date) })
    }
  }
  loan.reallocate(day)
  return { from, days }
}

/**
 * Days on which what is known now differs from what was known before. Rows hold until the next one: after days that
 * differ, the first that does not gets a row too.
 */
export function restatedDays(before: KnownDays, now: KnownDays): RestatedDay[] {
  const restated: RestatedDay[] = []
  let isAfterChange = false
  for (let k = 1; k < now.days.length; k++) {
    const was = before.days[k] as Day
    const is = now.days[k] as Day
    const isChanged = !isSameDay(was.row, is.row)
    const movements = changedMovements(movementsOn(before, k), movementsOn(now, k))
    const row = isChanged || isAfterChange ? is.row : null
    if (row !== null || movements.length > 0) restated.push({ day: now.from + k - 1, now: row, movements })
    isAfterChange = isChanged
  }
  return restated
}

function movementsOn({ days }: KnownDays, k: number): Movement[] {
  const [before, after] = [days[k - 1] ?? null, days[k] as Day]
  return movementsBetween(before?.row ?? null, before?.totals ?? null, after.row, after.totals)
}

function changedMovements(before: readonly Movement[], now: readonly Movement[]): Movement[] {
  return PARTS.flatMap((part): Movement[] => {
    const was = before.find((one) => one.part === part)
    const is = now.find((one) => one.part === part)
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    if (is !== undefined) return [is]
    if (was === undefined) return []
    // A balance that has not moved is not asked for.
    return [{ part, opening_minor: 0, flows: was.flows.map(() => 0), closing_minor: 0 }]
  })
}
