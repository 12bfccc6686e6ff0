import type { Loan } from '../ledger/loan.ts'
import type { Borrower } from '../state/borrower.ts'
import { COLUMN } from '../state/borrower-columns.ts'
import type { IndexSeries } from '../state/indices.ts'
import type { QueryColumns } from '../streams/bureau.ts'
import { LONG_ROWS, type TransactionColumns } from '../streams/transaction-rows.ts'
import { TRAIT, TRANSACTION_LOOKBACK_DAYS } from '../streams/transactions.ts'
import { type Calendar, MS_PER_DAY } from '../time.ts'
import { bitOf } from './bits.ts'
import { RunningFacts } from './long/running.ts'
import { firstAfter, RowList } from './rows.ts'

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
  /** First row of the last 90 days. */
  from90 = 0
  queries!: QueryColumns
  loans!: readonly Loan[]
  /** Latest date as of whose end a loan was taken over: what was before is not known. NEVER where none was. */
  taken_over_day = NEVER
  /** Rows of the lookback: receipts with a party, salaries, receipts from other lenders; card payments of 90 days. */
  readonly receipts = new RowList()
  salaries = new RowList()
  lenderReceipts = new RowList()
  readonly cardRows = new RowList()
  /** Kept for a borrower with very many rows, in place of receipts and card payments; null for all others. */
  running: RunningFacts | null = null
  readonly #ownSalaries = this.salaries
  readonly #ownLenderReceipts = this.lenderReceipts
  /** From more rows than this on a borrower has running facts. */
  readonly #longRows: number
  /** Set by the exposure facts for those that follow. */
  next_instalment_minor = Number.NaN

  constructor(longRows: number = LONG_ROWS) {
    this.#longRows = longRows
  }

  open(borrower: Borrower): void {
    this.borrower = borrower
    this.calendar = borrower.tenant.calendar
    this.indices = borrower.tenant.indices
    this.time = borrower.time
    this.day = this.calendar.dayOf(this.time)
    const reportEnd = borrower.columns.get(borrower.index, COLUMN.REPORT_END)
    this.bureauTime = reportEnd === Number.NEGATIVE_INFINITY ? this.time : Math.min(reportEnd, this.time)
    this.queries = borrower.queries
    this.loans = borrower.loans
    this.taken_over_day = NEVER
    for (const loan of this.loans) {
      if (loan.is_taken_over && loan.start_day > this.taken_over_day) this.taken_over_day = loan.start_day
    }
    this.rows = borrower.transactions
    if (this.running !== null) this.#closeRunning()
    if (this.rows.length <= this.#longRows || !this.#openRunning()) this.#listRows()
  }

  /** False where sums are too large for running facts. */
  #openRunning(): boolean {
    const { rows, time } = this
    if (!(rows.facts instanceof RunningFacts)) rows.facts = new RunningFacts(rows)
    const running = rows.facts as RunningFacts
    this.end = rows.start + rows.length
    this.first = firstAfter(rows.times, rows.start, this.end, time - TRANSACTION_LOOKBACK_DAYS * MS_PER_DAY)
    running.refresh(time, this.first)
    if (!running.isExact) return false
    this.running = running
    this.salaries = running.salaries
    this.lenderReceipts = running.lenderReceipts
    this.receipts.length = 0
    this.cardRows.length = 0
    return true
  }

  #closeRunning(): void {
    this.running = null
    this.salaries = this.#ownSalaries
    this.lenderReceipts = this.#ownLenderReceipts
  }

  /**
   * One walk through the rows sorts out the few that single facts ask for. What most rows are is asked without a branch,
   * which a processor could not foresee: each row is written, and counts or is overwritten by the next.
   */
  #listRows(): void {
    const { times, traits, start } = this.rows
    const end = start + this.rows.length
    const first = firstAfter(times, start, end, this.time - TRANSACTION_LOOKBACK_DAYS * MS_PER_DAY)
    const from90 = firstAfter(times, first, end, this.time - RECENT_DAYS * MS_PER_DAY)
    this.first = first
    this.from90 = from90
    this.end = end
    const receipts = this.receipts.reset(end - first)
    const salaries = this.salaries.reset(end - first)
    const lenderReceipts = this.lenderReceipts.reset(end - first)
    const cardRows = this.cardRows.reset(end - first)
    let receiptCount = 0
    let salaryCount = 0
    let lenderCount = 0
    let cardCount = 0
    for (let i = first; i < end; i++) {
      const trait = traits[i] as number
      receipts[receiptCount] = i
      receiptCount += bitOf(trait, TRAIT.IN) & bitOf(trait, TRAIT.PARTY)
      if ((trait & (TRAIT.SALARY | TRAIT.OTHER_LENDER_IN)) === 0 || (trait & TRAIT.IN) === 0) continue
      if ((trait & TRAIT.SALARY) !== 0) salaries[salaryCount++] = i
      if ((trait & TRAIT.OTHER_LENDER_IN) !== 0) lenderReceipts[lenderCount++] = i
    }
    for (let i = from90; i < end; i++) {
      cardRows[cardCount] = i
      cardCount += bitOf(traits[i] as number, TRAIT.CARD) & ~bitOf(traits[i] as number, TRAIT.IN)
    }
    this.receipts.length = receiptCount
    this.salaries.length = salaryCount
    this.lenderReceipts.length = lenderCount
    this.cardRows.length = cardCount
  }
}

const RECENT_DAYS = 90
/** Before every day. */
export const NEVER = Number.NEGATIVE_INFINITY

/** Leaves missing what asks for so many days or more, where not all of them are known. */
export function hideUnknown(
  { taken_over_day, day }: FactView,
  out: Float64Array,
  slotsByDays: readonly SlotOfDays[],
): void {
  for (const { slot, days } of slotsByDays) if (taken_over_day > day - days) out[slot] = Number.NaN
}

/** A slot whose value is of the last so many days. */
export type SlotOfDays = { readonly slot: number; readonly days: number }

/** Some facts that are computed together. `compute` writes one value per name to `out`; NaN is missing. */
export type FactGroup<Name extends string = string> = {
  readonly names: readonly Name[]
  compute(view: FactView, out: Float64Array): void
}

/** Slot of each name, in order. */
export function slotsOf<const Names extends readonly string[]>(names: Names): Record<Names[number], number> {
  return Object.fromEntries(names.map((name, i) => [name, i])) as Record<Names[number], number>
}
