import type { EventOf, TenantConfiguration } from '../../features/events/contract.ts'
import { naiveCalendar } from './calendar.ts'
import type { LedgerEntry } from './history.ts'
import { dateOfEffect, type FirstEvent, Folding, isFirst } from './ledger-changes.ts'
import type { Balance, Flows, Instalment, Penalty, Taken } from './ledger-money.ts'

export { type Flow, type Instalment, type Part, total, unpaid } from './ledger-money.ts'

/**
 * The loan ledger, folded from its first entry each time somebody asks. A loan is asked for "as known after these
 * entries, as of this business date": payments with a later value date do not count yet, reversed ones not at all.
 */

export type Loan = {
  readonly loan: string
  readonly disbursed: FirstEvent
  /** First day of which it is known: of its disbursement, or as of whose end it was taken over. */
  readonly start: number
  /** By due date; what a restructuring closed is not here. */
  readonly instalments: readonly Instalment[]
  readonly penalties: readonly Penalty[]
  /** The first closing or write-off received, whatever its date. */
  readonly ended: { readonly status: 'closed' | 'written_off'; readonly day: number; readonly index: number } | null
  readonly restructurings: number
  /** Those of them that are extensions. */
  readonly extensions: number
  /** What each payment took of each part. */
  readonly payments: ReadonlyMap<EventOf<'repayment.received'>, Taken>
  /** All that was paid by value dates up to the day, overpayment and penalty too. */
  readonly paid_minor: number
  readonly overpaid_minor: number
  readonly recovered_minor: number
  readonly flows: Flows
  /** Oldest due date that a restructuring carried on; it counts until the instalment with the key is settled. */
  readonly carried: { readonly due: number; readonly key: string } | null
}

/**
 * `features`: what the published features say, to whom a restructuring counts from its place on and to whom a payment after
 * the write-off pays the schedule. `books`: a restructuring counts from its effective date on, money after a write-off is recovered.
 */
export type Reading = 'features' | 'books'

/** The loans that were received, in log order of their first events, each as of business date `day`. */
export function loansOnDay(
  entries: readonly LedgerEntry[],
  day: number,
  configuration: TenantConfiguration,
  reading: Reading = 'features',
): Loan[] {
  const loans: Loan[] = []
  for (const { event } of entries) {
    if (!isFirst(event)) continue
    const own = entries.filter((entry) => entry.event.data.loan === event.data.loan)
    loans.push(loanOnDay(own, day, configuration, reading))
  }
  return loans
}

/** One loan as of business date `day` from its own entries, the first of which makes it known. */
export function loanOnDay(
  entries: readonly LedgerEntry[],
  day: number,
  configuration: TenantConfiguration,
  reading: Reading = 'features',
): Loan {
  const calendar = naiveCalendar(configuration.zone)
  const first = entries[0]!.event
  if (!isFirst(first)) throw new Error('a loan begins with the event that makes it known')
  const reversed = reversedPayments(entries)
  const folding = new Folding(first, calendar, configuration.allocation === 'by_part')
  const ends = endOf(entries, calendar)
  let ended: Loan['ended'] = null
  const payments = new Map<EventOf<'repayment.received'>, Taken>()

  entries.forEach(({ event, appliedDay }, index) => {
    /** As the ledger stood at this place. */
    const there = () => loanAtPlaceOf(event, entries.slice(0, index), appliedDay, configuration)
    const value = dateOfEffect(event, calendar)
    if (event.type === 'repayment.received') {
      const isRecovery = reading === 'books' && ended?.status === 'written_off'
      const isLate = reading === 'books' && ends?.status === 'written_off' && (isRecovery || value > ends.day)
      if (isLate) {
        if (!reversed.has(event) && Math.max(value, ends.day) <= day) folding.recovered_minor += event.data.amount_minor
        return
      }
      if (value > day) return
      const takenBack = reversed.get(event)
      if (takenBack !== undefined) {
        const reversal = entries[takenBack]!
        const before = loanAtPlaceOf(reversal.event, entries.slice(0, takenBack), reversal.appliedDay, configuration)
        folding.takeBack(before.payments.get(event))
      } else payments.set(event, folding.pay(event, value))
    } else if (event.type === 'loan.restructured') {
      folding.restructurings++
      if (event.data.kind === 'extension') folding.extensions++
      if (reading === 'books' && value > untilOf(ends, day)) return
      // What stays was settled as the ledger stood at this place; a later reversal may open it again.
      folding.restructure(event, settledKeys(there()), value <= day)
    } else if (event.type === 'loan.closed' || event.type === 'loan.written_off') {
      const status = event.type === 'loan.closed' ? 'closed' : 'written_off'
      ended ??= { status, day: value, index }
    } else if (value <= (reading === 'books' ? untilOf(ends, day) : day)) {
      if (event.type === 'loan.paused') folding.pause(event, settledKeys(there()))
      else folding.change(event, value, index)
    }
  })

  return {
    loan: first.data.loan,
    disbursed: first,
    start: folding.start,
    instalments: folding.instalments,
    penalties: folding.penalties,
    ended,
    restructurings: folding.restructurings,
    extensions: folding.extensions,
    payments,
    paid_minor: folding.paid_minor,
    overpaid_minor: folding.overpaid_minor,
    recovered_minor: folding.recovered_minor,
    flows: folding.flowsThrough(untilOf(ended, day)),
    carried: folding.carried,
  }
}

const atPlaces = new WeakMap<object, Loan>()

/** A loan right before one of its events took effect; folded once for each, as what came before never changes. */
function loanAtPlaceOf(event: object, before: readonly LedgerEntry[], day: number, configuration: TenantConfiguration) {
  const loan = atPlaces.get(event) ?? loanOnDay(before, day, configuration)
  atPlaces.set(event, loan)
  return loan
}

function settledKeys(loan: Loan): Set<string> {
  return new Set(loan.instalments.filter((one) => one.settled !== null).map((one) => one.key))
}

function endOf(entries: readonly LedgerEntry[], calendar: ReturnType<typeof naiveCalendar>) {
  const end = entries.find(({ event }) => event.type === 'loan.closed' || event.type === 'loan.written_off')?.event
  if (end === undefined) return null
  const status = end.type === 'loan.closed' ? ('closed' as const) : ('written_off' as const)
  return { status, day: dateOfEffect(end, calendar) }
}

/** A loan that has ended ages no more. */
export function untilOf(ended: { readonly day: number } | null, day: number): number {
  return ended === null ? day : Math.min(day, ended.day)
}

/** The repayments that a reversal among the entries takes back, each with the index of its reversal. */
export function reversedPayments(entries: readonly LedgerEntry[]): Map<EventOf<'repayment.received'>, number> {
  const reversed = new Map<EventOf<'repayment.received'>, number>()
  entries.forEach(({ event }, index) => {
    if (event.type !== 'repayment.reversed') return
    for (const { event: payment } of entries) {
      if (payment.type !== 'repayment.received' || payment.data.loan !== event.data.loan) continue
      if (payment.id === event.data.repayment) reversed.set(payment, index)
    }
  })
  return reversed
}

/** Neither closed nor written off, by what was received (not by the date of the closing). */
export function isOpen(loan: Loan): boolean {
  return loan.ended === null
}

/** Minor units of principal still owed. */
export function outstandingPrincipal(loan: Loan): number {
  return loan.instalments.reduce((sum, one) => sum + one.owed.principal - one.paid.principal, 0)
}

/** What is owed of a part on `day`: all principal, penalties that were charged, interest and fees due by then. */
export function balanceOf(loan: Loan, part: Balance, day: number): number {
  if (part === 'principal') return outstandingPrincipal(loan)
  if (part === 'penalty') return loan.penalties.reduce((sum, one) => sum + one.owed - one.paid, 0)
  const due = loan.instalments.filter((one) => one.due <= day)
  return due.reduce((sum, one) => sum + one.owed[part] - one.paid[part], 0)
}

/** Instalments unpaid and due before `day`. */
export function overdueInstalments(loan: Loan, day: number): Instalment[] {
  return loan.instalments.filter((one) => one.settled === null && one.due < day)
}

/**
 * Days past due on `day`, with grace, by settlement dates: what was settled after that day was still unpaid on it.
 * It does not ask whether the loan was open.
 */
export function daysPastDue(loan: Loan, day: number, configuration: TenantConfiguration): number {
  let raw = 0
  for (const one of loan.instalments) {
    if (one.due < day && (one.settled === null || one.settled > day)) raw = Math.max(raw, day - one.due)
  }
  const { carried } = loan
  const isCarrying = loan.instalments.some((one) => one.key === carried?.key && one.settled === null)
  if (carried !== null && isCarrying) raw = Math.max(raw, day - carried.due)
  if (raw <= configuration.grace_days) return 0
  return configuration.grace_counts === 'from_due_date' ? raw : raw - configuration.grace_days
}

/** The delinquency bucket of a DPD: `current`, `M1` …, the last one open upwards. */
export function bucketOf(dpd: number, configuration: TenantConfiguration): string {
  const lowers = configuration.buckets
  const reached = lowers.filter((lower) => dpd >= lower).length
  if (reached === 0) return 'current'
  return reached === lowers.length ? `M${reached}+` : `M${reached}`
}
