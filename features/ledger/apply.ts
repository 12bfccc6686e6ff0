import type { EventOf } from '../events/contract.ts'
import type { Borrower, HeldEvent, LoanEventType } from '../state/borrower.ts'
import { beginLoan } from './begin.ts'
import { changeLoan, firstDayChanged } from './change.ts'
import type { Loan } from './loan.ts'
import { type Refusal, refusalOf } from './refuse.ts'
import { knownDays, type RestatedDay, restatedDays } from './restate.ts'

/** Events of loans not known yet that one borrower may have waiting. */
export const HELD_EVENTS_MAX = 64
/** Days that must close before a held event is given up. */
export const HELD_CLOSINGS_MAX = 7

export type { Refusal } from './refuse.ts'

export type LedgerEventType = LoanEventType | FirstEventType
/** Types that make a loan known. */
export type FirstEventType = 'loan.disbursed' | 'loan.opened'

/** Told of an event that was held and is refused later than its own place. */
export type RefuseHeld = (held: HeldEvent, refusal: Refusal) => void
/** Told of days that were closed and are others now. */
export type Restated = (loan: Loan, days: readonly RestatedDay[]) => void

/** Where an event is applied, and who is told what becomes of others by it. */
export type LedgerPlace = {
  readonly offset: number
  /** Days closed so far, and the last of them. */
  readonly closings: number
  readonly closedDay: number
  /** Business date of the evaluation. */
  readonly day: number
  readonly refuseHeld: RefuseHeld
  /** Null where nobody asks for the days. */
  readonly restated: Restated | null
}

/** Applies a ledger event at its place. Returns why it was refused, or undefined when it was applied or is held. */
export function applyLedgerEvent(
  borrower: Borrower,
  event: EventOf<LedgerEventType>,
  place: LedgerPlace,
): Refusal | undefined {
  if (event.type === 'loan.disbursed' || event.type === 'loan.opened') return begin(borrower, event, place)
  const loan = borrower.findLoan(event.data.loan)
  if (loan !== undefined) return applyToLoan(borrower, loan, event, place)
  if (borrower.held !== null && borrower.held.length >= HELD_EVENTS_MAX) {
    return {
      reason: 'held_full',
      detail: `${HELD_EVENTS_MAX} events already wait for loans not known yet`,
    }
  }
  borrower.held ??= []
  borrower.held.push({
    offset: place.offset,
    event,
    expires_after_closings: place.closings + HELD_CLOSINGS_MAX,
  })
  return undefined
}

/** Gives up what has waited for a loan through `HELD_CLOSINGS_MAX` closed days. */
export function expireHeld(borrower: Borrower, closings: number, refuseHeld: RefuseHeld): void {
  if (borrower.held === null) return
  const kept: HeldEvent[] = []
  for (const held of borrower.held) {
    if (held.expires_after_closings > closings) kept.push(held)
    else {
      const detail = `loan ${held.event.data.loan} was not disbursed within ${HELD_CLOSINGS_MAX} closed days`
      refuseHeld(held, { reason: 'unknown_loan', detail })
    }
  }
  borrower.held = kept.length === 0 ? null : kept
}

function begin(borrower: Borrower, event: EventOf<FirstEventType>, place: LedgerPlace): Refusal | undefined {
  const { data } = event
  if (borrower.findLoan(data.loan) !== undefined) {
    return {
      reason: 'loan_conflict',
      detail: `loan ${data.loan} was disbursed before`,
    }
  }
  const loan = borrower.addLoan()
  beginLoan(loan, event, borrower.tenant)
  borrower.loansChanged()
  if (borrower.held === null) return undefined
  const waiting = borrower.held
  borrower.held = null
  const others: HeldEvent[] = []
  for (const held of waiting) {
    if (held.event.data.loan !== data.loan) others.push(held)
    else {
      const refusal = applyToLoan(borrower, loan, held.event, place)
      if (refusal !== undefined) place.refuseHeld(held, refusal)
    }
  }
  if (others.length > 0) borrower.held = others
  return undefined
}

function applyToLoan(
  borrower: Borrower,
  loan: Loan,
  event: EventOf<LoanEventType>,
  place: LedgerPlace,
): Refusal | undefined {
  const { day } = place
  // A refused event leaves no trace: it does not even bring the allocation to its day.
  const refusal = refusalOf(borrower, loan, event, day)
  if (refusal !== undefined) return refusal
  // What falls due up to this place counts before the event does: it may settle what a restructuring would drop.
  loan.advance(day)
  if (place.restated === null) changeLoan(borrower, loan, event, day)
  else restate(borrower, loan, event, place, place.restated)
  borrower.loansChanged()
  return undefined
}

/** Changes a loan, and tells which of its closed days are others by it. */
function restate(
  borrower: Borrower,
  loan: Loan,
  event: EventOf<LoanEventType>,
  { day, closedDay }: LedgerPlace,
  restated: Restated,
): void {
  const from = Math.max(firstDayChanged(borrower, loan, event), loan.first_reported_day)
  if (loan.reported === null || from > closedDay) {
    changeLoan(borrower, loan, event, day)
    return
  }
  const before = knownDays(borrower, loan, from, closedDay, day)
  changeLoan(borrower, loan, event, day)
  const now = knownDays(borrower, loan, from, closedDay, day)
  const days = restatedDays(before, now)
  for (const { now: row } of days) if (row !== null && row.dpd > loan.worst_dpd) loan.worst_dpd = row.dpd
  loan.reported = now.days.at(-1)?.row ?? loan.reported
  restated(loan, days)
}
