import { hash48 } from '../hash.ts'
import { RunStore } from '../state/runs.ts'
import { type Calendar, MS_PER_DAY, MS_PER_HOUR } from '../time.ts'
import type { RowBlocks } from '../window/blocks.ts'
import type { RowFollower, Segment } from '../window/segment.ts'
import { LastRows } from './last-rows.ts'
import { PACKED_ROWS_MAX, PackedRows } from './packed-rows.ts'
import { TRAIT, TRANSACTION_F64, TRANSACTION_RETENTION_DAYS, TRANSACTION_U32 } from './transactions.ts'

/**
 * Transactions of all borrowers of a partition. At rest they are packed; `open` unpacks one borrower's rows into plain
 * columns, sorted by time, ties in log order, on which everything else works. What is changed there is written through at
 * once.
 */

const CAPACITY_FIRST = 1024
/** A borrower with more rows than this keeps its columns unpacked. */
export const LONG_ROWS = PACKED_ROWS_MAX
/** Unpacked columns begin anew at the front when so many rows before the first are unused. */
const UNUSED_ROWS_MAX = 4096
/** Expired rows go so many at a time, as all others are packed anew; wide ones are only moved. */
const EXPIRED_ROWS_MIN = 8
const EXPIRED_WIDE_ROWS_MIN = 16

/** Money out to a merchant and back within this time … */
const ROUND_TRIP_MS = 48 * MS_PER_HOUR
/** … and within this share of the amount. */
const ROUND_TRIP_PERCENT_MIN = 95
const ROUND_TRIP_PERCENT_MAX = 105

/** Accounts of a borrower that are told apart; all others count as one more. */
export const ACCOUNTS_MAX = 127
const ACCOUNTS_CHUNK_SHIFT = 11
const TWO_POW_32 = 2 ** 32

/** Plain columns of one borrower's rows. `chunk.f64` and `chunk.u32` are in the order of TRANSACTION_F64 and _U32. */
export class TransactionColumns implements Segment {
  chunk: { f64: Float64Array[]; u32: Uint32Array[] }
  /** Business dates. */
  days: Int32Array
  /** Folds of blocks of rows, for a borrower who has thousands; made by whoever runs the window pass over them. */
  blocks: RowBlocks | null = null
  /** What the facts keep for such a borrower; made by whoever computes them. */
  facts: RowFollower | null = null
  /** Which rows are the latest of their party, by the bit that they have, for such a borrower. */
  readonly lastRows = new Map<number, LastRows>()
  start = 0
  length = 0
  capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
    this.chunk = {
      f64: Array.from({ length: 4 }, () => new Float64Array(capacity)),
      u32: Array.from({ length: 2 }, () => new Uint32Array(capacity)),
    }
    this.days = new Int32Array(capacity)
  }

  get times(): Float64Array {
    return this.chunk.f64[TRANSACTION_F64.TIME] as Float64Array
  }
  get amounts(): Float64Array {
    return this.chunk.f64[TRANSACTION_F64.AMOUNT] as Float64Array
  }
  get balances(): Float64Array {
    return this.chunk.f64[TRANSACTION_F64.BALANCE] as Float64Array
  }
  get parties(): Float64Array {
    return this.chunk.f64[TRANSACTION_F64.PARTY] as Float64Array
  }
  get traits(): Uint32Array {
    return this.chunk.u32[TRANSACTION_U32.TRAITS] as Uint32Array
  }
  get accounts(): Uint32Array {
    return this.chunk.u32[TRANSACTION_U32.ACCOUNT] as Uint32Array
  }

  /** Room for one more row behind the others, moving them to the front or into larger columns where there is none. */
  reserve(): void {
    const end = this.start + this.length
    if (end < this.capacity && this.start <= UNUSED_ROWS_MAX) return
    const { start } = this
    const grows = this.length * 4 >= this.capacity * 3
    const capacity = grows ? this.capacity * 2 : this.capacity
    const move = <Values extends Float64Array | Uint32Array | Int32Array>(values: Values, larger: Values): Values => {
      larger.set(values.subarray(start, end))
      return larger
    }
    if (grows) {
      this.chunk = {
        f64: this.chunk.f64.map((values) => move(values, new Float64Array(capacity))),
        u32: this.chunk.u32.map((values) => move(values, new Uint32Array(capacity))),
      }
      this.days = move(this.days, new Int32Array(capacity))
    } else {
      for (const values of this.chunk.f64) values.copyWithin(0, start, end)
      for (const values of this.chunk.u32) values.copyWithin(0, start, end)
      this.days.copyWithin(0, start, end)
    }
    this.start = 0
    this.capacity = capacity
  }
}

/** One transaction as it is inserted. */
export type NewTransaction = {
  readonly time: number
  readonly amount_minor: number
  readonly balance_minor: number
  readonly party: number
  readonly traits: number
  readonly account: number
}

const NOBODY = -1

export class TransactionRows {
  readonly #packed = new PackedRows()
  readonly #shared = new TransactionColumns(CAPACITY_FIRST)
  readonly #long = new Map<number, TransactionColumns>()
  #opened = NOBODY
  #columns: TransactionColumns = this.#shared

  get runs(): RunStore {
    return this.#packed.runs
  }

  /** Rows of a borrower. */
  count(borrower: number): number {
    return this.#packed.count(borrower)
  }

  /** A borrower's rows as plain columns, valid until another borrower's are opened. */
  open(borrower: number, calendar: Calendar): TransactionColumns {
    if (this.#opened === borrower) return this.#columns
    this.#opened = borrower
    const rows = this.#packed.open(borrower)
    const long = this.#long.size === 0 ? undefined : this.#long.get(borrower)
    if (long === undefined) this.#unpack(borrower, rows, calendar)
    else this.#columns = long
    return this.#columns
  }

  /** Forgets what is unpacked, for whoever has written to the runs. */
  forget(): void {
    this.#opened = NOBODY
    this.#long.clear()
  }

  /**
   * Adds a row behind those of the same time and sets the bits that depend on others. Rows that were `asOf` long ago are in
   * no window any more and may go.
   */
  insert(borrower: number, row: NewTransaction, asOf: number, calendar: Calendar): void {
    this.open(borrower, calendar)
    const isDropped = this.#dropExpired(borrower, asOf - TRANSACTION_RETENTION_DAYS * MS_PER_DAY)
    const columns = this.#columns
    columns.reserve()
    const { times, days, amounts, balances, parties, traits, accounts, start } = columns
    const end = start + columns.length
    let at = end
    while (at > start && (times[at - 1] as number) > row.time) at--
    if (at < end) {
      for (const values of columns.chunk.f64) values.copyWithin(at + 1, at, end)
      for (const values of columns.chunk.u32) values.copyWithin(at + 1, at, end)
      days.copyWithin(at + 1, at, end)
      columns.blocks?.inserted(at - start)
    }
    columns.length++
    times[at] = row.time
    days[at] = calendar.dayOf(row.time)
    amounts[at] = row.amount_minor
    balances[at] = row.balance_minor
    parties[at] = row.party
    accounts[at] = row.account
    traits[at] = row.traits
    if (at < end) columns.facts?.inserted(at - start)
    if (isDropped || !this.#packed.insert(borrower, columns, at, calendar)) {
      this.#packed.replace(borrower, columns, calendar)
    }
    this.#relate(borrower, at)
    if (columns === this.#shared && columns.length > LONG_ROWS) this.#keepLong(borrower, calendar)
  }

  /** Lets expired rows go where there are enough of them. Whether the rows that are left must be packed anew. */
  #dropExpired(borrower: number, expired: number): boolean {
    const columns = this.#columns
    const { times, start, length } = columns
    const { isWide } = this.#packed
    const least = isWide ? EXPIRED_WIDE_ROWS_MIN : EXPIRED_ROWS_MIN
    if (length < least || (times[start + least - 1] as number) > expired) return false
    let rows = least
    while (rows < length && (times[start + rows] as number) <= expired) rows++
    columns.start += rows
    columns.length -= rows
    columns.blocks?.droppedRows(rows)
    columns.facts?.droppedRows(rows)
    // Rows that had to be wide may be so no more; those of a long borrower, who may grow again, wait.
    if (!isWide || columns.length < LONG_ROWS / 2) return true
    this.#packed.dropWide(borrower, rows)
    return false
  }

  /** Sets what depends on other rows: round trips, the third payment of a day, the latest row of a party. */
  #relate(borrower: number, at: number): void {
    const traits = this.#columns.traits[at] as number
    if ((traits & TRAIT.LINKED_IN) !== 0 && this.#isRoundTrip(at)) this.#mark(borrower, at, TRAIT.ROUND_TRIP)
    if ((traits & TRAIT.CARD) !== 0) this.#markLaterReturns(borrower, at)
    if ((traits & TRAIT.OUT) === 0 || (traits & TRAIT.PARTY) === 0) return
    if (this.#isThirdOfDay(at)) this.#mark(borrower, at, TRAIT.THIRD_OF_DAY)
    this.#moveLast(borrower, at, TRAIT.OUT, TRAIT.LAST_OUT)
    if ((traits & TRAIT.CARD) !== 0) this.#moveLast(borrower, at, TRAIT.CARD, TRAIT.LAST_CARD)
  }

  /** Whether a card payment of about the amount lies in the two days before. */
  #isRoundTrip(at: number): boolean {
    const { times, traits, amounts, start } = this.#columns
    const returned = times[at] as number
    const amount = amounts[at] as number
    for (let i = at - 1; i >= start && (times[i] as number) >= returned - ROUND_TRIP_MS; i--) {
      const isCard = ((traits[i] as number) & TRAIT.CARD) !== 0
      if (isCard && (times[i] as number) < returned && isAbout(amount, amounts[i] as number)) return true
    }
    return false
  }

  /** A card payment that came late may be what a receipt behind it returned. */
  #markLaterReturns(borrower: number, at: number): void {
    const { times, traits, amounts, start, length } = this.#columns
    const paid = times[at] as number
    for (let i = at + 1; i < start + length && (times[i] as number) <= paid + ROUND_TRIP_MS; i++) {
      const isLinked = ((traits[i] as number) & TRAIT.LINKED_IN) !== 0
      if (isLinked && (times[i] as number) > paid && isAbout(amounts[i] as number, amounts[at] as number)) {
        this.#mark(borrower, i, TRAIT.ROUND_TRIP)
      }
    }
  }

  #isThirdOfDay(at: number): boolean {
    const { days, traits, parties, start, length } = this.#columns
    const day = days[at]
    const party = parties[at]
    let others = 0
    for (let i = at - 1; i >= start && days[i] === day; i--) {
      if (parties[i] === party && ((traits[i] as number) & TRAIT.OUT) !== 0) others++
    }
    for (let i = at + 1; i < start + length && days[i] === day; i++) {
      if (parties[i] === party && ((traits[i] as number) & TRAIT.OUT) !== 0) others++
    }
    return others === 2
  }

  /** Keeps one bit on the latest row of each party among the rows that have `where`. */
  #moveLast(borrower: number, at: number, where: number, last: number): void {
    if (this.#columns !== this.#shared) {
      this.#moveLastOfMany(borrower, at, last)
      return
    }
    const { traits, parties, start, length } = this.#columns
    const party = parties[at]
    for (let i = at + 1; i < start + length; i++) {
      if (parties[i] === party && ((traits[i] as number) & where) !== 0) return
    }
    this.#mark(borrower, at, last)
    for (let i = at - 1; i >= start; i--) {
      if (((traits[i] as number) & last) === 0 || parties[i] !== party) continue
      this.#mark(borrower, i, last)
      return
    }
  }

  #moveLastOfMany(borrower: number, at: number, last: number): void {
    const columns = this.#columns
    let lastRows = columns.lastRows.get(last)
    if (lastRows === undefined) {
      lastRows = new LastRows(columns, last)
      columns.lastRows.set(last, lastRows)
    }
    const before = lastRows.replace(columns, at)
    if (before === at) return
    this.#mark(borrower, at, last)
    if (before >= 0) this.#mark(borrower, before, last)
  }

  /** Turns a bit of a row over. */
  #mark(borrower: number, at: number, bit: number): void {
    const { traits, start } = this.#columns
    const isOn = ((traits[at] as number) & bit) !== 0
    if (bit === TRAIT.ROUND_TRIP && isOn) return
    const turned = (traits[at] as number) ^ bit
    traits[at] = turned
    this.#columns.blocks?.changed(at - start)
    this.#packed.turn(borrower, at - start, bit)
  }

  #unpack(borrower: number, rows: number, calendar: Calendar): void {
    const columns = rows > LONG_ROWS ? this.#newLong(borrower, rows) : this.#shared
    this.#columns = columns
    columns.start = 0
    columns.length = rows
    this.#packed.unpack(borrower, columns, rows, calendar)
  }

  #newLong(borrower: number, rows: number): TransactionColumns {
    const columns = new TransactionColumns(Math.ceil(rows * 1.5))
    this.#long.set(borrower, columns)
    return columns
  }

  /** Rows that have grown many get columns of their own. */
  #keepLong(borrower: number, calendar: Calendar): void {
    this.#opened = NOBODY
    this.open(borrower, calendar)
  }
}

function isAbout(returned: number, paid: number): boolean {
  const percent = returned * 100
  return percent >= paid * ROUND_TRIP_PERCENT_MIN && percent <= paid * ROUND_TRIP_PERCENT_MAX
}

/** Numbers a borrower's accounts in the order in which they appear in the log; two words of hash each. */
export class AccountNumbers {
  readonly runs = new RunStore(ACCOUNTS_CHUNK_SHIFT)

  numberOf(borrower: number, account: string): number {
    const hash = hash48(account)
    const low = hash % TWO_POW_32
    const high = Math.floor(hash / TWO_POW_32)
    const length = this.runs.locate(borrower)
    const { words, at } = this.runs
    for (let k = 0; k < length; k += 2) if (words[at + k] === low && words[at + k + 1] === high) return k >>> 1
    if (length >= ACCOUNTS_MAX * 2) return ACCOUNTS_MAX
    this.runs.resize(borrower, length + 2)
    this.runs.words[this.runs.at + length] = low
    this.runs.words[this.runs.at + length + 1] = high
    return length >>> 1
  }
}
