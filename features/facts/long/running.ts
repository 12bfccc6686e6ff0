import type { TransactionColumns } from '../../streams/transaction-rows.ts'
import { TRAIT, TRANSACTION_LOOKBACK_DAYS } from '../../streams/transactions.ts'
import { MS_PER_DAY } from '../../time.ts'
import type { RowFollower } from '../../window/segment.ts'
import { RowList } from '../rows.ts'
import { BalanceSteps } from './balance-steps.ts'
import { DailyFlows } from './daily-flows.ts'
import { PartyWindow } from './party-window.ts'
import { Payers } from './payers.ts'

const PARTY_DAYS = 90

/**
 * What the facts need of a borrower with thousands of rows, kept from one evaluation to the next: new rows are taken in,
 * rows that leave a window are taken off. All of it equals, bit for bit, what a walk through the rows would find.
 */
export class RunningFacts implements RowFollower {
  readonly #rows: TransactionColumns
  /** Numbers of rows since the columns began: of the first that still stands, and of the first not yet taken in. */
  #dropped = 0
  #taken = 0
  /** What a row's number and its place in the columns differ by. */
  #shift = 0
  #time = Number.NEGATIVE_INFINITY
  /** Rows of the lookback. */
  readonly salaries = new RowList()
  readonly lenderReceipts = new RowList()
  readonly payers = new Payers()
  readonly balances = new BalanceSteps()
  readonly flows = new DailyFlows()
  /** Of 90 days. */
  readonly receipts = new PartyWindow()
  readonly cards = new PartyWindow()

  constructor(rows: TransactionColumns) {
    this.#rows = rows
  }

  /** False where sums are too large to be kept: then the rows are to be walked through. */
  get isExact(): boolean {
    return this.receipts.isExact && this.cards.isExact
  }

  droppedRows(rows: number): void {
    this.#dropped += rows
  }

  inserted(row: number): void {
    if (this.#dropped + row >= this.#taken) return
    this.#taken++
    this.#moveLists()
    const at = this.#rows.start + row
    makeWay(this.salaries, at)
    makeWay(this.lenderReceipts, at)
    this.#take(at)
  }

  /** Brings everything up to as-of time `time`, where `first` is the first row of the lookback. */
  refresh(time: number, first: number): void {
    if (time < this.#time || !this.isExact) this.#clear()
    this.#time = time
    this.#moveLists()
    dropBefore(this.salaries, first)
    dropBefore(this.lenderReceipts, first)
    const lookback = time - TRANSACTION_LOOKBACK_DAYS * MS_PER_DAY
    this.payers.moveTo(lookback)
    this.balances.moveTo(lookback)
    this.receipts.moveTo(time - PARTY_DAYS * MS_PER_DAY)
    this.cards.moveTo(time - PARTY_DAYS * MS_PER_DAY)
    const { start, length } = this.#rows
    const from = start + Math.max(0, this.#taken - this.#dropped)
    for (let i = Math.max(from, first); i < start + length; i++) this.#take(i)
    this.#taken = this.#dropped + length
  }

  #clear(): void {
    this.#taken = this.#dropped
    this.salaries.length = 0
    this.lenderReceipts.length = 0
    this.payers.clear()
    this.balances.clear()
    this.flows.clear()
    this.receipts.clear()
    this.cards.clear()
  }

  #take(i: number): void {
    const { times, days, traits, amounts, balances, parties } = this.#rows
    const trait = traits[i] as number
    const time = times[i] as number
    const day = days[i] as number
    const amount = amounts[i] as number
    if ((trait & TRAIT.BALANCE) !== 0) this.balances.add(time, day, balances[i] as number)
    if ((trait & (TRAIT.IN | TRAIT.OUT)) === 0) return
    const isIn = (trait & TRAIT.IN) !== 0
    this.flows.add(day, amount, isIn)
    if (!isIn) {
      if ((trait & TRAIT.CARD) !== 0) this.cards.add(time, parties[i] as number, amount)
      return
    }
    if ((trait & TRAIT.PARTY) !== 0) {
      this.payers.add(time, day, parties[i] as number, amount)
      this.receipts.add(time, parties[i] as number, amount)
    }
    if (time <= this.#time - TRANSACTION_LOOKBACK_DAYS * MS_PER_DAY) return
    if ((trait & TRAIT.SALARY) !== 0) addRow(this.salaries, i)
    if ((trait & TRAIT.OTHER_LENDER_IN) !== 0) addRow(this.lenderReceipts, i)
  }

  /** The columns may have been moved since the lists were written. */
  #moveLists(): void {
    const shift = this.#rows.start - this.#dropped
    const by = shift - this.#shift
    this.#shift = shift
    if (by === 0) return
    for (const { rows, length } of [this.salaries, this.lenderReceipts])
      for (let k = 0; k < length; k++) rows[k] = (rows[k] as number) + by
  }
}

/** A row came to stand at `at`: those from there on stand one further. */
function makeWay({ rows, length }: RowList, at: number): void {
  for (let k = length - 1; k >= 0 && (rows[k] as number) >= at; k--) rows[k] = (rows[k] as number) + 1
}

function addRow(list: RowList, row: number): void {
  if (list.length === list.rows.length) {
    const larger = new Int32Array(list.length * 2)
    larger.set(list.rows)
    list.rows = larger
  }
  const { rows } = list
  let k = list.length++
  for (; k > 0 && (rows[k - 1] as number) > row; k--) rows[k] = rows[k - 1] as number
  rows[k] = row
}

function dropBefore(list: RowList, first: number): void {
  let gone = 0
  while (gone < list.length && (list.rows[gone] as number) < first) gone++
  if (gone === 0) return
  list.rows.copyWithin(0, gone, list.length)
  list.length -= gone
}
