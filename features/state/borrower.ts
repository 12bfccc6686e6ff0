import type { EventOf, EventType } from '../events/contract.ts'
import type { LoanBook } from '../ledger/book.ts'
import type { Loan } from '../ledger/loan.ts'
import type { QueryColumns, QueryRows } from '../streams/bureau.ts'
import type { TransactionColumns, TransactionRows } from '../streams/transaction-rows.ts'
import { type BorrowerColumns, COLUMN } from './borrower-columns.ts'
import type { Reports } from './reports.ts'
import type { Tenant } from './tenant.ts'

/** Types that wait for a loan not known yet. */
export type LoanEventType =
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

export type HeldEvent = {
  readonly offset: number
  readonly event: EventOf<LoanEventType & EventType>
  /** It becomes the dead letter `unknown_loan` when this many of the borrower's days have closed. */
  readonly expires_after_closings: number
}

/** Where a partition keeps what it knows of its borrowers. */
export type BorrowerStores = {
  readonly columns: BorrowerColumns
  readonly transactions: TransactionRows
  readonly queries: QueryRows
  readonly book: LoanBook
}

/**
 * Everything foreshock remembers of one borrower, apart from decisions. Most of it lies in the partition's stores under the
 * borrower's index; the object itself is small, as there are millions.
 */
export class Borrower {
  readonly tenant: Tenant
  readonly token: string
  /** Place in the partition's list of borrowers: the order of first appearance in the log. */
  readonly index: number
  readonly slice: number
  readonly #stores: BorrowerStores
  /** What others reported, and events that wait for a loan; null for the many of whom there is nothing of the kind. */
  reports: Reports | null = null
  held: HeldEvent[] | null = null

  constructor(tenant: Tenant, token: string, index: number, slice: number, stores: BorrowerStores) {
    this.tenant = tenant
    this.token = token
    this.index = index
    this.slice = slice
    this.#stores = stores
    stores.columns.begin(index)
  }

  get columns(): BorrowerColumns {
    return this.#stores.columns
  }

  /** As-of time of the latest evaluation: the largest event time seen, ticks included; −Infinity before any. */
  get time(): number {
    return this.#stores.columns.get(this.index, COLUMN.TIME)
  }

  set time(ms: number) {
    this.#stores.columns.set(this.index, COLUMN.TIME, ms)
  }

  /** Rows by time, valid until another borrower's are asked for. */
  get transactions(): TransactionColumns {
    return this.#stores.transactions.open(this.index, this.tenant.calendar)
  }

  get queries(): QueryColumns {
    return this.#stores.queries.open(this.index)
  }

  /** Whether any bureau query was ever received. */
  get hasQueries(): boolean {
    return this.#stores.queries.runs.length(this.index) > 0
  }

  /** Loans in log order of their disbursement, as of the business date of `time`; valid until another's are asked for. */
  get loans(): readonly Loan[] {
    if (this.loanCount === 0) return NO_LOANS
    const { book } = this.#stores
    // The day is asked for only where loans are opened.
    return book.isOpen(this.index) ? book.open(this.index, 0) : book.open(this.index, this.day)
  }

  /** Business date of `time`; 0 before any. */
  get day(): number {
    const { time } = this
    return Number.isFinite(time) ? this.tenant.calendar.dayOf(time) : 0
  }

  get loanCount(): number {
    return this.#stores.columns.get(this.index, COLUMN.LOANS)
  }

  /** Has a loan that is neither closed nor written off. */
  isExposed(): boolean {
    return this.#stores.columns.get(this.index, COLUMN.OPEN_LOANS) > 0
  }

  findLoan(token: string): Loan | undefined {
    return this.loans.find((loan) => loan.isOf(token))
  }

  /** A further loan, to be disbursed by the caller. */
  addLoan(): Loan {
    void this.loans
    return this.#stores.book.add(this.index)
  }

  /** What is open of the loans was changed. */
  loansChanged(): void {
    const { book, columns } = this.#stores
    book.changed()
    const loans = book.open(this.index, 0)
    columns.set(this.index, COLUMN.LOANS, loans.length)
    let open = 0
    for (const loan of loans) if (loan.status === 'open') open++
    columns.set(this.index, COLUMN.OPEN_LOANS, open)
  }

  /** Moves the as-of time on, and the loans with it where they are open. */
  advance(time: number): void {
    this.time = time
    if (this.loanCount === 0 || !this.#stores.book.isOpen(this.index)) return
    const { day } = this
    for (const loan of this.loans) loan.advance(day)
  }
}

const NO_LOANS: readonly Loan[] = []
