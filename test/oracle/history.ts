import type { Event, EventOf, TenantConfiguration } from '../../features/events/contract.ts'

/**
 * What the oracle is asked about: everything the log holds of ONE borrower, in log order, the closed days between, and
 * the signals about nobody in particular (indices), which count from their place on but are no event of the borrower.
 * Repeats are gone already (deduplication comes before the features), and the configuration holds from the first item on.
 */

/** One event at its place in the log: the borrower's, or an index, which every borrower's partition receives. */
export type EventItem = {
  readonly kind: 'event'
  readonly event: Event
  readonly partition?: number
  readonly offset: number
}

/** One closed business date of the tenant (`day.closed`), as the borrower's slice saw it; `day` counts from 1970-01-01. */
export type TickItem = {
  readonly kind: 'tick'
  readonly day: number
  readonly offset: number
}

export type HistoryItem = EventItem | TickItem

/** Items in log order: offsets rise, ticks' days rise. */
export type History = readonly HistoryItem[]

/** One random or hand-made borrower. */
export type OracleCase = {
  readonly history: History
  readonly configuration: TenantConfiguration
}

/** The events that the loan ledger is made of. */
export type LedgerEventType =
  | 'loan.disbursed'
  | 'loan.opened'
  | 'loan.charged'
  | 'loan.waived'
  | 'loan.paused'
  | 'loan.drawn'
  | 'loan.billed'
  | 'loan.restructured'
  | 'loan.written_off'
  | 'loan.closed'
  | 'loan.classified'
  | 'repayment.received'
  | 'repayment.reversed'
export type LedgerEvent = EventOf<LedgerEventType>

/** A ledger event that took effect. A held one keeps its own offset, but `appliedDay` is that of the loan's place. */
export type LedgerEntry = {
  readonly event: LedgerEvent
  /** Where the event itself stands in the log. */
  readonly offset: number
  /** Business date of T at the place where it took effect. */
  readonly appliedDay: number
}

/** What one evaluation sees. */
export type Received = {
  /** T in UTC milliseconds. */
  readonly time: number
  /** Events that were not refused, in log order; held ones are among them. */
  readonly events: readonly EventItem[]
  /** Ledger events that took effect, in the order in which they did (which is log order within a loan). */
  readonly ledger: readonly LedgerEntry[]
}

export type DeadLetterReason =
  | 'currency_mismatch'
  | 'loan_conflict'
  | 'loan_not_open'
  | 'before_loan'
  | 'more_than_owed'
  | 'already_reversed'
  | 'unknown_repayment'
  | 'held_full'
  | 'unknown_loan'

/** `offset` is the place of the event that died, not of the record that killed it. */
export type OracleDeadLetter = { readonly offset: number; readonly reason: DeadLetterReason }

/** Feature name → value, `null` where it is missing. */
export type FeatureValues = Record<string, number | null>

/** Ledger events that presuppose a loan: held while it is not known. */
export function isLedgerEvent(event: Event): event is LedgerEvent {
  return event.type.startsWith('loan.') || event.type.startsWith('repayment.')
}

/** A signal about nobody in particular: it moves no T and is never evaluated. */
export function isIndex(event: Event): boolean {
  return event.type === 'signal.reported' && event.subject === ''
}
