import type { EventOf, Instalment as ScheduledInstalment, TenantConfiguration } from '../../features/events/contract.ts'
import { dayOfDate, naiveCalendar } from './calendar.ts'
import type { LedgerEntry } from './history.ts'

/**
 * The loan ledger, folded from its first entry each time somebody asks. A loan is asked for "as known after these
 * entries, as of this business date": payments with a later value date do not count yet, reversed ones not at all.
 */

const PARTS = ['fee', 'interest', 'principal'] as const
export type Part = (typeof PARTS)[number]
type Amounts = Record<Part, number>

export type Instalment = {
  /** Which schedule it came from (0: the loan's own) and its place there: its identity across foldings. */
  readonly key: string
  /** Day number of the due date. */
  readonly due: number
  readonly owed: Amounts
  readonly paid: Amounts
  /** Day number on which nothing was left to pay, `null` while something is. */
  settled: number | null
  /** Payments that paid at least one minor unit of it. */
  touches: number
}

export type Loan = {
  readonly loan: string
  readonly disbursed: EventOf<'loan.disbursed'>
  /** By due date; what a restructuring dropped is not here. */
  readonly instalments: readonly Instalment[]
  /** The first closing or write-off received, whatever its date. */
  readonly ended: { readonly status: 'closed' | 'written_off'; readonly day: number; readonly index: number } | null
  readonly restructurings: number
  /** Those of them that are extensions. */
  readonly extensions: number
  /** The payments that paid principal of the instalments that stood when they were allocated. */
  readonly principal_payments: ReadonlySet<EventOf<'repayment.received'>>
  /** All that was paid by value dates up to the day, overpayment and penalty too. */
  readonly paid_minor: number
}

/** The loans that were received, in log order of their disbursement, each as of business date `day`. */
export function loansOnDay(entries: readonly LedgerEntry[], day: number, configuration: TenantConfiguration): Loan[] {
  const loans: Loan[] = []
  for (const { event } of entries) {
    if (event.type !== 'loan.disbursed') continue
    const own = entries.filter((entry) => entry.event.data.loan === event.data.loan)
    loans.push(loanOnDay(own, day, configuration))
  }
  return loans
}

/** One loan as of business date `day` from its own entries, the first of which disburses it. */
export function loanOnDay(entries: readonly LedgerEntry[], day: number, configuration: TenantConfiguration): Loan {
  const calendar = naiveCalendar(configuration.zone)
  const disbursed = entries[0]!.event
  if (disbursed.type !== 'loan.disbursed') throw new Error('a loan begins with its disbursement')
  const reversed = reversedPayments(entries)
  let instalments = schedule('0', disbursed.data.schedule!)
  let ended: Loan['ended'] = null
  let restructurings = 0
  let extensions = 0
  let paid_minor = 0
  const principal_payments = new Set<EventOf<'repayment.received'>>()

  entries.forEach(({ event, appliedDay }, index) => {
    if (event.type === 'repayment.received') {
      const value = calendar.dayOf(event.data.paid_at)
      if (reversed.has(event) || value > day) return
      paid_minor += event.data.amount_minor
      const before = principalPaid(instalments)
      if (event.data.split === undefined) payOldestFirst(instalments, event.data.amount_minor, value)
      else paySplit(instalments, event.data.split, value)
      if (principalPaid(instalments) > before) principal_payments.add(event)
    } else if (event.type === 'loan.restructured') {
      restructurings++
      if (event.data.kind === 'extension') extensions++
      // What stays was settled as the ledger stood at this place; a later reversal may open it again.
      const then = loanOnDay(entries.slice(0, index), appliedDay, configuration)
      const staying = new Set(then.instalments.filter((one) => one.settled !== null).map((one) => one.key))
      const dropped = instalments.filter((one) => !staying.has(one.key))
      const added = schedule(String(restructurings), event.data.schedule)
      const value = dayOfDate(event.data.effective_date)
      const carried = dropped.reduce((sum, one) => sum + total(one.paid), 0)
      if (value <= day) payOldestFirst(added, carried, value)
      instalments = byDueDate([...instalments.filter((one) => staying.has(one.key)), ...added])
    } else if (event.type === 'loan.closed' || event.type === 'loan.written_off') {
      const at = event.type === 'loan.closed' ? event.data.closed_at : event.data.written_off_at
      const status = event.type === 'loan.closed' ? 'closed' : 'written_off'
      ended ??= { status, day: calendar.dayOf(at), index }
    }
  })

  return {
    loan: disbursed.data.loan,
    disbursed,
    instalments,
    ended,
    restructurings,
    extensions,
    principal_payments,
    paid_minor,
  }
}

/** The repayments that a reversal among the entries takes back: those of the same loan with the id it names. */
export function reversedPayments(entries: readonly LedgerEntry[]): Set<EventOf<'repayment.received'>> {
  const reversed = new Set<EventOf<'repayment.received'>>()
  for (const { event } of entries) {
    if (event.type !== 'repayment.reversed') continue
    for (const { event: payment } of entries) {
      if (payment.type !== 'repayment.received' || payment.data.loan !== event.data.loan) continue
      if (payment.id === event.data.repayment) reversed.add(payment)
    }
  }
  return reversed
}

/** An instalment of nothing is none: nobody can be late with it, or pay it. */
function schedule(prefix: string, scheduled: readonly ScheduledInstalment[]): Instalment[] {
  const instalments = scheduled.map((one, index) => ({
    key: `${prefix}/${index}`,
    due: dayOfDate(one.due_date),
    owed: { fee: one.fee_minor, interest: one.interest_minor, principal: one.principal_minor },
    paid: { fee: 0, interest: 0, principal: 0 },
    settled: null,
    touches: 0,
  }))
  return instalments.filter((one) => total(one.owed) > 0)
}

/** Sorting is stable: of equal due dates the older schedule's comes first. */
function byDueDate(instalments: readonly Instalment[]): Instalment[] {
  return [...instalments].sort((a, b) => a.due - b.due)
}

function payOldestFirst(instalments: readonly Instalment[], amount: number, value: number): void {
  let left = amount
  for (const one of instalments) {
    const before = total(one.paid)
    for (const part of PARTS) left = payPart(one, part, left)
    finish(one, before, value)
  }
}

/** Each part of the split pays its own part of the instalments; penalty pays none of them. */
function paySplit(
  instalments: readonly Instalment[],
  split: { fee_minor: number; interest_minor: number; principal_minor: number },
  value: number,
): void {
  const left: Amounts = { fee: split.fee_minor, interest: split.interest_minor, principal: split.principal_minor }
  for (const one of instalments) {
    const before = total(one.paid)
    for (const part of PARTS) left[part] = payPart(one, part, left[part])
    finish(one, before, value)
  }
}

/** Pays what is owed of one part, at most `left`; gives what is left after it. */
function payPart(one: Instalment, part: Part, left: number): number {
  const amount = Math.min(left, one.owed[part] - one.paid[part])
  one.paid[part] += amount
  return left - amount
}

function finish(one: Instalment, paidBefore: number, value: number): void {
  const paid = total(one.paid)
  if (paid === paidBefore) return
  one.touches++
  if (paid === total(one.owed)) one.settled = value
}

function principalPaid(instalments: readonly Instalment[]): number {
  return instalments.reduce((sum, one) => sum + one.paid.principal, 0)
}

export function total(amounts: Amounts): number {
  return amounts.fee + amounts.interest + amounts.principal
}

/** Minor units still owed of an instalment. */
export function unpaid(one: Instalment): number {
  return total(one.owed) - total(one.paid)
}

/** Neither closed nor written off, by what was received (not by the date of the closing). */
export function isOpen(loan: Loan): boolean {
  return loan.ended === null
}

/** Minor units of principal still owed. */
export function outstandingPrincipal(loan: Loan): number {
  return loan.instalments.reduce((sum, one) => sum + one.owed.principal - one.paid.principal, 0)
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
