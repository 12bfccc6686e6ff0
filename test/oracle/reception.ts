import type { Event, TenantConfiguration } from '../../features/events/contract.ts'
import { naiveCalendar } from './calendar.ts'
import {
  type EventItem,
  type History,
  type HistoryItem,
  isIndex,
  isLedgerEvent,
  type LedgerEntry,
  type LedgerEvent,
  type OracleDeadLetter,
  type Received,
} from './history.ts'

import { balanceOf, type Loan, loanOnDay } from './ledger.ts'
import { dateOfEffect, isFirst } from './ledger-changes.ts'
import { BALANCES, nothingTaken, PARTS } from './ledger-money.ts'

/** What is received, held and refused, item by item. No feature is computed here. */

export const HELD_MAX = 64
/** Closed days that a held event outlives its place, less one: the tick with this number removes it. */
export const HELD_DAYS = 7

/** One item of the history with what is known right after it. */
export type Reception = {
  readonly item: HistoryItem
  /** True when the item makes a feature row. */
  readonly evaluated: boolean
  readonly received: Received
}

/** Walks a history once. `receptions` has one entry for every item, refused events and idle ticks too. */
export function receive(
  history: History,
  configuration: TenantConfiguration,
): { receptions: Reception[]; deadLetters: OracleDeadLetter[] } {
  const calendar = naiveCalendar(configuration.zone)
  const receptions: Reception[] = []
  const deadLetters: OracleDeadLetter[] = []
  const events: EventItem[] = []
  const ledger: LedgerEntry[] = []
  let held: { item: EventItem; event: LedgerEvent; ticks: number }[] = []
  let time = Number.NEGATIVE_INFINITY

  for (const item of history) {
    const evaluated = item.kind === 'tick' ? receiveTick(item.day) : receiveEvent(item)
    receptions.push({ item, evaluated, received: { time, events: [...events], ledger: [...ledger] } })
  }
  return { receptions, deadLetters }

  function receiveTick(day: number): boolean {
    for (const one of held) {
      one.ticks++
      if (one.ticks === HELD_DAYS) deadLetters.push({ offset: one.item.offset, reason: 'unknown_loan' })
    }
    held = held.filter((one) => one.ticks < HELD_DAYS)
    if (!isExposed(ledger) || time > calendar.endOfDay(day)) return false
    time = calendar.endOfDay(day)
    return true
  }

  function receiveEvent(item: EventItem): boolean {
    const { event, offset } = item
    if (isIndex(event)) {
      events.push(item)
      return false
    }
    const currency = currencyOf(event)
    if (currency !== undefined && currency !== configuration.currency) return refuse(offset, 'currency_mismatch')
    if (!isLedgerEvent(event)) {
      accept(item)
      return true
    }
    if (isFirst(event)) {
      if (isKnown(event.data.loan)) return refuse(offset, 'loan_conflict')
      accept(item)
      apply(event, offset)
      for (const one of held.filter((other) => other.event.data.loan === event.data.loan)) {
        const reason = refusalOf(one.event, calendar.dayOf(time))
        if (reason !== undefined) refuse(one.item.offset, reason)
        else apply(one.event, one.item.offset)
      }
      held = held.filter((other) => other.event.data.loan !== event.data.loan)
      return true
    }
    if (!isKnown(event.data.loan)) {
      if (held.length >= HELD_MAX) return refuse(offset, 'held_full')
      held.push({ item, event, ticks: 0 })
      accept(item)
      return true
    }
    const reason = refusalOf(event, calendar.dayOf(Math.max(time, event.time)))
    if (reason !== undefined) return refuse(offset, reason)
    accept(item)
    apply(event, offset)
    return true
  }

  function accept(item: EventItem): void {
    events.push(item)
    time = Math.max(time, item.event.time)
  }

  function apply(event: LedgerEvent, offset: number): void {
    ledger.push({ event, offset, appliedDay: calendar.dayOf(time) })
  }

  function refuse(offset: number, reason: OracleDeadLetter['reason']): false {
    deadLetters.push({ offset, reason })
    return false
  }

  function isKnown(loan: string): boolean {
    return ledger.some(({ event }) => isFirst(event) && event.data.loan === loan)
  }

  /** Why an event of a known loan can't take effect: it reverses nothing, or changes a loan that has ended. */
  function refusalOf(event: LedgerEvent, day: number): OracleDeadLetter['reason'] | undefined {
    if (isUnknownReversal(event)) return 'unknown_repayment'
    const others = ledger.map((entry) => entry.event).filter((other) => other.data.loan === event.data.loan)
    if (event.type === 'repayment.reversed') {
      const isReversed = others.some(
        (other) => other.type === 'repayment.reversed' && other.data.repayment === event.data.repayment,
      )
      return isReversed ? 'already_reversed' : undefined
    }
    const hasEnded = others.some((other) => other.type === 'loan.closed' || other.type === 'loan.written_off')
    if (hasEnded && event.type !== 'repayment.received') return 'loan_not_open'
    const entries = ledger.filter((entry) => entry.event.data.loan === event.data.loan)
    const value = dateOfEffect(event, calendar)
    const loan = loanOnDay(entries, day, configuration)
    const isTakenOver = loan.disbursed.type === 'loan.opened'
    const mayBeEarly = ['loan.restructured', 'loan.closed', 'loan.written_off'].includes(event.type)
    if (isTakenOver ? value <= loan.start : value < loan.start && !mayBeEarly) return 'before_loan'
    return asksTooMuch(event, loan) ? 'more_than_owed' : undefined
  }

  function isUnknownReversal(event: LedgerEvent): boolean {
    if (event.type !== 'repayment.reversed') return false
    return !ledger.some(
      ({ event: other }) =>
        other.type === 'repayment.received' && other.data.loan === event.data.loan && other.id === event.data.repayment,
    )
  }
}

/** A waiver of more than is owed, or a bill for more than nobody has billed yet. */
function asksTooMuch(event: LedgerEvent, loan: Loan): boolean {
  if (event.type === 'loan.billed') {
    const last = loan.instalments.at(-1)
    return event.data.principal_minor > (last === undefined ? 0 : last.owed.principal - last.paid.principal)
  }
  if (event.type !== 'loan.waived') return false
  const owed = { ...nothingTaken(), penalty: balanceOf(loan, 'penalty', 0) }
  for (const one of loan.instalments) for (const part of PARTS) owed[part] += one.owed[part] - one.paid[part]
  return BALANCES.some((part) => event.data[`${part}_minor`] > owed[part])
}

function currencyOf(event: Event): string | undefined {
  return (event.data as { readonly currency?: string }).currency
}

/** A borrower with a loan that was disbursed and neither closed nor written off. */
function isExposed(ledger: readonly LedgerEntry[]): boolean {
  return ledger.some(
    ({ event }) =>
      isFirst(event) &&
      !ledger.some(
        ({ event: end }) =>
          (end.type === 'loan.closed' || end.type === 'loan.written_off') && end.data.loan === event.data.loan,
      ),
  )
}

/**
 * Events that the engine refuses, in the order in which they are: at their own place, at the place of the loan they
 * waited for, or at the tick at which they had waited long enough.
 */
export function oracleDeadLetters(history: History, configuration: TenantConfiguration): OracleDeadLetter[] {
  return receive(history, configuration).deadLetters
}
