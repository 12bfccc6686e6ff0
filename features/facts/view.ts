import type { Loan } from '../ledger/loan.ts'
import type { Borrower } from '../state/borrower.ts'
import type { IndexSeries } from '../state/indices.ts'
import type { QueryColumns } from '../streams/bureau.ts'
import type { TransactionColumns } from '../streams/transaction-rows.ts'
import { TRAIT, TRANSACTION_LOOKBACK_DAYS } from '../streams/transactions.ts'
import { type Calendar, MS_PER_DAY } from '../time.ts'

/** Row numbers of some rows of the open columns, oldest first. Grows, is never given back. */
export class RowList {
  rows = new Int32Array(1024)
  length = 0

  push(row: number): void {
    if (this.length === this.rows.length) {
      const larger = new Int32Array(this.rows.length * 2)
      larger.set(this.rows)
      this.rows = larger
    }
    this.rows[this.length++] = row
  }
}

/**
 * What the facts of one evaluation look at: the borrower's open rows and loans at as-of time `time`. One object serves all
 * evaluations. Rows that no fact may see (180 days old or older) lie before `first`.
 */
export class FactView {
  borrower!: Borrower
  calendar!: Calendar
  indices!: IndexSeries
  /** T, and its business date. */
  time = 0
  day = 0
  /** R: the bureau reports' own as-of time. */
  bureauTime = 0
  rows!: TransactionColumns
  /** Half-open range of the rows within the lookback. */
  first = 0
  end = 0
  queries!: QueryColumns
  loans!: readonly Loan[]
  /** Rows of the lookback: receipts with a party, salaries, receipts from other lenders; card payments of 90 days. */
  readonly receipts = new RowList()
  readonly salaries = new RowList()
  readonly lenderReceipts = new RowList()
  readonly cardRows = new RowList()
  /** Set by the exposure facts for those that follow. */
  next_instalment_minor = Number.NaN

  open(borrower: Borrower): void {
    this.borrower = borrower
    this.calendar = borrower.tenant.calendar
    this.indices = borrower.tenant.indices
    this.time = borrower.time
    this.day = this.calendar.dayOf(this.time)
    const reportEnd = borrower.columns.report_end[borrower.index] as number
    this.bureauTime = reportEnd === Number.NEGATIVE_INFINITY ? this.time : Math.min(reportEnd, this.time)
    this.queries = borrower.queries
    this.loans = borrower.loans
    this.rows = borrower.transactions
    this.#listRows()
  }

  /** One walk back through the rows sorts out the few that single facts ask for. */
  #listRows(): void {
    const { times, traits, start, length } = this.rows
    this.end = start + length
    this.receipts.length = 0
    this.salaries.length = 0
    this.lenderReceipts.length = 0
    this.cardRows.length = 0
    this.first = firstAfter(times, start, this.end, this.time - TRANSACTION_LOOKBACK_DAYS * MS_PER_DAY)
    const cardsAfter = this.time - CARD_DAYS * MS_PER_DAY
    const wanted = TRAIT.IN | TRAIT.CARD
    for (let i = this.first; i < this.end; i++) {
      const trait = traits[i] as number
      if ((trait & wanted) === 0) continue
      if ((trait & TRAIT.CARD) !== 0) {
        if ((times[i] as number) > cardsAfter) this.cardRows.push(i)
        continue
      }
      if ((trait & TRAIT.PARTY) !== 0) this.receipts.push(i)
      if ((trait & TRAIT.SALARY) !== 0) this.salaries.push(i)
      if ((trait & TRAIT.OTHER_LENDER_IN) !== 0) this.lenderReceipts.push(i)
    }
  }
}

const CARD_DAYS = 90

/** Index of the first of the ascending `times[from … end)` that lies after `time`; `end` where none does. */
export function firstAfter(times: Float64Array, from: number, end: number, time: number): number {
  let low = from
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] as number) > time) high = middle
    else low = middle + 1
  }
  return low
}

/** Some facts that are computed together. `compute` writes one value per name to `out`; NaN is missing. */
export type FactGroup<Name extends string = string> = {
  readonly names: readonly Name[]
  compute(view: FactView, out: Float64Array): void
}

/** Slot of each name, in order. */
export function slotsOf<const Names extends readonly string[]>(names: Names): Record<Names[number], number> {
  return Object.fromEntries(names.map((name, i) => [name, i])) as Record<Names[number], number>
}
