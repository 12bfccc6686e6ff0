import type { Event, EventOf } from './events/contract.ts'
import { borrowerHash, hash48 } from './hash.ts'
import { applyLedgerEvent, expireHeld, type LedgerEventType, type Refusal, type Restated } from './ledger/apply.ts'
import { LoanBook } from './ledger/book.ts'
import type { Loan } from './ledger/loan.ts'
import type { RestatedDay } from './ledger/restate.ts'
import { Borrower, type BorrowerStores, type HeldEvent } from './state/borrower.ts'
import { BorrowerColumns, COLUMN } from './state/borrower-columns.ts'
import { INDEX_KINDS } from './state/indices.ts'
import { Names } from './state/names.ts'
import { Reports } from './state/reports.ts'
import { Tenant } from './state/tenant.ts'
import { QUERY_RETENTION_DAYS, QueryRows } from './streams/bureau.ts'
import { AccountNumbers, TransactionRows } from './streams/transaction-rows.ts'
import { TRAIT, transactionTraits } from './streams/transactions.ts'
import { dayOfDate, MS_PER_DAY } from './time.ts'

/** What applying one event came to: the borrower to evaluate, nobody (an index of no borrower), or a refusal. */
export type Applied =
  | { readonly kind: 'applied'; readonly borrower: Borrower }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export type HeldRefused = { readonly borrower: Borrower; readonly held: HeldEvent; readonly refusal: Refusal }

/** Closed days of a loan that the last event changed. The loan is the borrower's whose event it was. */
export type RestatedLoan = { readonly loan: Loan; readonly days: readonly RestatedDay[] }

export type BorrowerEvent = Exclude<Event, EventOf<'day.closed' | 'definitions.published' | 'tenant.configured'>>

/** Borrowers of one tenant in one partition, by slice of the day's sweep. */
export type TenantBorrowers = {
  readonly tenant: Tenant
  readonly byToken: Map<string, Borrower>
  readonly slices: { readonly borrowers: Borrower[]; closings: number; closed_day: number }[]
}

const NEVER_CLOSED = Number.NEGATIVE_INFINITY

/** Told a borrower's index. */
export type BeforeChange = (index: number) => void

export const NOBODY_ASKS: BeforeChange = () => {}

/**
 * The state of all borrowers of one partition, a pure function of its log. Events are applied in log order; whoever
 * calls evaluates the borrower that `apply` names.
 */
export class FeaturePartition {
  readonly partitions: number
  readonly sliceCount: number
  readonly tenants = new Map<string, TenantBorrowers>()
  readonly borrowers: Borrower[] = []
  readonly names = new Names()
  readonly columns = new BorrowerColumns()
  readonly transactions = new TransactionRows()
  readonly accounts = new AccountNumbers()
  readonly queries = new QueryRows()
  readonly book = new LoanBook(this.names)
  readonly #stores: BorrowerStores = this
  /** Called before anything of a borrower changes, so that whoever copies the state can copy it as it was. */
  beforeChange: BeforeChange = NOBODY_ASKS
  /** Events given up by the last call: held ones whose loan came too late or took them badly. */
  readonly heldRefused: HeldRefused[] = []
  /** What the last event changed of closed days, where days are restated. */
  readonly restated: RestatedLoan[] = []
  readonly #restated: Restated | null

  /** `restates`: whoever writes rows about loans asks for closed days that an event changes. */
  constructor(partitions: number, sliceCount: number, restates = false) {
    this.partitions = partitions
    this.sliceCount = sliceCount
    this.#restated = restates ? (loan, days) => this.restated.push({ loan, days }) : null
  }

  configure(event: EventOf<'tenant.configured'>): void {
    this.tenantOf(event.tenant).tenant.configure(event.data)
  }

  /** Applies an event at its place, or refuses it without a trace in the state. */
  apply(event: BorrowerEvent, offset: number): Applied {
    this.#forgetLast()
    const group = this.tenantOf(event.tenant)
    if (event.subject === '') {
      if (event.type === 'signal.reported' && INDEX_KINDS.has(event.data.kind)) group.tenant.indices.add(event)
      return { kind: 'nobody' }
    }
    const currency = 'currency' in event.data ? event.data.currency : undefined
    if (currency !== undefined && currency !== group.tenant.configuration.currency) {
      const detail = `${currency}, but the tenant's currency is ${group.tenant.configuration.currency}`
      return { kind: 'refused', refusal: { reason: 'currency_mismatch', detail } }
    }
    const borrower = this.borrowerOf(group, event.subject)
    this.beforeChange(borrower.index)
    const time = Math.max(borrower.time, event.time)
    const refusal = this.#applyTo(borrower, event, offset, time)
    if (refusal !== undefined) return { kind: 'refused', refusal }
    this.advance(borrower, time)
    return { kind: 'applied', borrower }
  }

  /** Moves a borrower's as-of time on, and its ledger with it. */
  advance(borrower: Borrower, time: number): void {
    this.beforeChange(borrower.index)
    borrower.advance(time)
  }

  /** Closes a day for one slice and gives up what was held too long. False if it was closed before. */
  close(event: EventOf<'day.closed'>): boolean {
    this.#forgetLast()
    const slice = this.tenantOf(event.tenant).slices[event.data.slice]
    const day = dayOfDate(event.data.date)
    if (slice === undefined || day <= slice.closed_day) return false
    slice.closed_day = day
    slice.closings++
    for (const borrower of slice.borrowers) {
      if (borrower.held === null) continue
      this.beforeChange(borrower.index)
      expireHeld(borrower, slice.closings, (held, refusal) => this.heldRefused.push({ borrower, held, refusal }))
    }
    return true
  }

  tenantOf(name: string): TenantBorrowers {
    let group = this.tenants.get(name)
    if (group === undefined) {
      const slices = Array.from({ length: this.sliceCount }, () => ({
        borrowers: [] as Borrower[],
        closings: 0,
        closed_day: NEVER_CLOSED,
      }))
      group = { tenant: new Tenant(name), byToken: new Map(), slices }
      this.tenants.set(name, group)
    }
    return group
  }

  borrowerOf(group: TenantBorrowers, token: string): Borrower {
    let borrower = group.byToken.get(token)
    if (borrower === undefined) {
      const slice = Math.floor(borrowerHash(group.tenant.name, token) / this.partitions) % this.sliceCount
      borrower = new Borrower(group.tenant, token, this.borrowers.length, slice, this.#stores)
      group.byToken.set(token, borrower)
      group.slices[slice]?.borrowers.push(borrower)
      this.borrowers.push(borrower)
    }
    return borrower
  }

  /** To set a length is a call out of compiled code, also where nothing changes, which is nearly always. */
  #forgetLast(): void {
    if (this.heldRefused.length > 0) this.heldRefused.length = 0
    if (this.restated.length > 0) this.restated.length = 0
  }

  #applyTo(borrower: Borrower, event: BorrowerEvent, offset: number, time: number): Refusal | undefined {
    switch (event.type) {
      case 'transaction.posted':
        this.#applyTransaction(borrower, event, time)
        return undefined
      case 'bureau.queried':
        this.#applyQuery(borrower, event)
        return undefined
      case 'signal.reported':
        borrower.reports ??= new Reports()
        borrower.reports.addSignal(event, time)
        return undefined
      case 'contact.recorded':
        borrower.reports ??= new Reports()
        borrower.reports.addContact(event, time)
        return undefined
      case 'inspection.recorded':
        // What was checked is for the lists of checks, which are views.
        return undefined
      default:
        return this.#applyLedger(borrower, event, offset, time)
    }
  }

  #applyLedger(borrower: Borrower, event: EventOf<LedgerEventType>, offset: number, time: number): Refusal | undefined {
    const { calendar } = borrower.tenant
    const slice = this.tenantOf(event.tenant).slices[borrower.slice]
    return applyLedgerEvent(borrower, event, {
      offset,
      closings: slice?.closings ?? 0,
      closedDay: slice?.closed_day ?? NEVER_CLOSED,
      day: calendar.dayOf(time),
      refuseHeld: (held, refusal) => this.heldRefused.push({ borrower, held, refusal }),
      restated: this.#restated,
    })
  }

  #applyTransaction(borrower: Borrower, event: EventOf<'transaction.posted'>, time: number): void {
    const { data } = event
    const { tenant, index } = borrower
    const { columns } = this
    const traits = transactionTraits(data, event.time, tenant.calendar, tenant.configuration.institution)
    const party = data.merchant ?? data.counterparty
    const row = {
      time: event.time,
      amount_minor: data.amount_minor,
      balance_minor: data.balance_after_minor ?? 0,
      party: party === undefined ? 0 : hash48(party),
      traits,
      account: this.accounts.numberOf(index, data.account),
    }
    this.transactions.insert(index, row, time, tenant.calendar)
    if (event.time < columns.get(index, COLUMN.TRANSACTIONS_SINCE))
      columns.set(index, COLUMN.TRANSACTIONS_SINCE, event.time)
    if ((traits & TRAIT.BALANCE) !== 0 && event.time >= columns.get(index, COLUMN.LAST_BALANCE_TIME)) {
      columns.set(index, COLUMN.LAST_BALANCE_TIME, event.time)
      columns.set(index, COLUMN.LAST_BALANCE_MINOR, data.balance_after_minor as number)
    }
    if ((traits & TRAIT.SALARY) !== 0 && event.time > columns.get(index, COLUMN.LAST_SALARY_TIME)) {
      columns.set(index, COLUMN.LAST_SALARY_TIME, event.time)
    }
  }

  #applyQuery(borrower: Borrower, event: EventOf<'bureau.queried'>): void {
    const { tenant, index } = borrower
    const { columns } = this
    const reportEnd = columns.get(index, COLUMN.REPORT_END)
    // Once a report is dated, the bureau's as-of time only rises: what lies a year before it can't come back.
    const expired = Math.min(reportEnd, borrower.time) - QUERY_RETENTION_DAYS * MS_PER_DAY
    this.queries.insert(index, event.data, tenant.calendar, tenant.configuration.institution, expired)
    const { report_date } = event.data
    if (report_date !== undefined) {
      columns.set(index, COLUMN.REPORT_END, Math.max(reportEnd, tenant.calendar.endOfDay(dayOfDate(report_date))))
    }
  }
}
