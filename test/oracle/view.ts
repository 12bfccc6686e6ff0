import type { EventOf, EventType, TenantConfiguration } from '../../features/events/contract.ts'
import { type NaiveCalendar, naiveCalendar } from './calendar.ts'
import { isIndex, type LedgerEntry, type Received } from './history.ts'
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
  /** The same in log order. */
  readonly transactionsAsReceived: readonly EventOf<'transaction.posted'>[]
  /** Bureau queries in log order. */
  readonly queries: readonly EventOf<'bureau.queried'>[]
  /** Signals about the borrower in log order. */
  readonly signals: readonly EventOf<'signal.reported'>[]
  /** Signals about nobody in particular in log order. */
  readonly indices: readonly EventOf<'signal.reported'>[]
  readonly contacts: readonly EventOf<'contact.recorded'>[]
  /** Repayments that took effect and were not reversed, by time, ties by log order. */
  readonly payments: readonly EventOf<'repayment.received'>[]
  readonly reversals: readonly EventOf<'repayment.reversed'>[]
  /** Loans as of today, in log order of their disbursement. */
  readonly loans: readonly Loan[]
  /** What the loans are made of, to ask for them as of another date. */
  readonly ledger: readonly LedgerEntry[]
  readonly configuration: TenantConfiguration
  readonly calendar: NaiveCalendar
  /** What was worked out already for this evaluation, by what works it out. */
  readonly known: Map<unknown, unknown>
}

/** One feature: its value, or `null` where it is missing. */
export type Feature = (view: View) => number | null

export function viewOf(received: Received, configuration: TenantConfiguration): View {
  const { time, ledger } = received
  const calendar = naiveCalendar(configuration.zone)
  const today = calendar.dayOf(time)
  const reversed = reversedPayments(ledger)
  const transactions = ofType(received.events, 'transaction.posted', time)
  const signals = ofType(received.events, 'signal.reported', time)
  return {
    time,
    today,
    transactions: byTime(transactions),
    transactionsAsReceived: transactions,
    queries: ofType(received.events, 'bureau.queried', time),
    signals: signals.filter((one) => !isIndex(one)),
    indices: signals.filter(isIndex),
    contacts: ofType(received.events, 'contact.recorded', time),
    payments: byTime(inLogOrder(ledger, 'repayment.received', time)).filter((one) => !reversed.has(one)),
    reversals: inLogOrder(ledger, 'repayment.reversed', time),
    loans: loansOnDay(ledger, today, configuration),
    ledger,
    configuration,
    calendar,
    known: new Map(),
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
export function byTime<Event extends { readonly time: number }>(events: readonly Event[]): Event[] {
  return [...events].sort((a, b) => a.time - b.time)
}

/** Whether an instant lies in (end − days, end]. */
export function within(ms: number, days: number, end: number): boolean {
  return ms > end - days * MS_PER_DAY && ms <= end
}

/** What several features of one evaluation ask for is worked out once for it. */
export function oncePerView<Value>(of: (view: View) => Value): (view: View) => Value {
  return (view) => {
    if (!view.known.has(of)) view.known.set(of, of(view))
    return view.known.get(of) as Value
  }
}

/** One entry per window: `name(days)` with the feature made for it. */
export function perWindow(
  windows: readonly number[],
  name: (days: number) => string,
  feature: (days: number) => Feature,
): Record<string, Feature> {
  return Object.fromEntries(windows.map((days) => [name(days), feature(days)]))
}
