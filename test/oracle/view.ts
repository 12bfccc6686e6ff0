import type { EventOf, EventType, TenantConfiguration } from '../../features/events/contract.ts'
import { type NaiveCalendar, naiveCalendar } from './calendar.ts'
import type { LedgerEntry, Received } from './history.ts'
import { type Loan, loansOnDay, reversedPayments } from './ledger.ts'

/** One evaluation: what was received, T and what both mean in the tenant's calendar. */

export const MS_PER_HOUR = 3_600_000
export const MS_PER_DAY = 86_400_000

export type View = {
  /** T. */
  readonly time: number
  /** Business date of T. */
  readonly today: number
  /** Transactions in row order: by time, ties by log order. */
  readonly transactions: readonly EventOf<'transaction.posted'>[]
  /** Bureau queries in log order. */
  readonly queries: readonly EventOf<'bureau.queried'>[]
  readonly signals: readonly EventOf<'signal.reported'>[]
  /** Repayments that took effect and were not reversed, by time, ties by log order. */
  readonly payments: readonly EventOf<'repayment.received'>[]
  readonly reversals: readonly EventOf<'repayment.reversed'>[]
  /** Loans as of today, in log order of their disbursement. */
  readonly loans: readonly Loan[]
  readonly configuration: TenantConfiguration
  readonly calendar: NaiveCalendar
}

/** One feature: its value, or `null` where it is missing. */
export type Feature = (view: View) => number | null

export function viewOf(received: Received, configuration: TenantConfiguration): View {
  const { time } = received
  const calendar = naiveCalendar(configuration.zone)
  const today = calendar.dayOf(time)
  const reversed = reversedPayments(received.ledger)
  return {
    time,
    today,
    transactions: byTime(ofType(received.events, 'transaction.posted', time)),
    queries: ofType(received.events, 'bureau.queried', time),
    signals: ofType(received.events, 'signal.reported', time),
    payments: byTime(inLogOrder(received.ledger, 'repayment.received', time)).filter((one) => !reversed.has(one)),
    reversals: inLogOrder(received.ledger, 'repayment.reversed', time),
    loans: loansOnDay(received.ledger, today, configuration),
    configuration,
    calendar,
  }
}

function ofType<Type extends EventType>(
  items: readonly { readonly event: { readonly type: string; readonly time: number } }[],
  type: Type,
  time: number,
): EventOf<Type>[] {
  return items.map(({ event }) => event).filter((event) => event.type === type && event.time <= time) as EventOf<Type>[]
}

/** Entries stand as they took effect: a held event after later ones. */
function inLogOrder<Type extends EventType>(
  entries: readonly LedgerEntry[],
  type: Type,
  time: number,
): EventOf<Type>[] {
  return ofType(
    [...entries].sort((a, b) => a.offset - b.offset),
    type,
    time,
  )
}

/** Sorting is stable, so that log order decides ties. */
function byTime<Event extends { readonly time: number }>(events: readonly Event[]): Event[] {
  return [...events].sort((a, b) => a.time - b.time)
}

/** Whether an instant lies in (end − days, end]. */
export function within(ms: number, days: number, end: number): boolean {
  return ms > end - days * MS_PER_DAY && ms <= end
}

export function sum(values: readonly number[]): number {
  let result = 0
  for (const value of values) result += value
  return result
}

export function largest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values)
}

export function smallest(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.min(...values)
}

export function distinct(values: readonly (string | undefined)[]): number {
  return new Set(values.filter((value) => value !== undefined)).size
}

/** `numerator / denominator`, missing where either is or the denominator is zero. */
export function ratio(numerator: number | null, denominator: number | null): number | null {
  if (numerator === null || denominator === null || denominator === 0) return null
  return numerator / denominator
}

export function times(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor
}

/** One entry per window: `name(days)` with the feature made for it. */
export function perWindow(
  windows: readonly number[],
  name: (days: number) => string,
  feature: (days: number) => Feature,
): Record<string, Feature> {
  return Object.fromEntries(windows.map((days) => [name(days), feature(days)]))
}
