import { RunStore } from '../state/runs.ts'
import type { Calendar } from '../time.ts'
import { PartyNumbers } from './party-numbers.ts'

/**
 * Transactions at rest: one run of words a borrower. It begins with a head, then come the rows, then the parties that they
 * name by number: a borrower pays the same ones again and again.
 *
 * Head: format, number of parties, the first day that a row can have (moved up by one, as 1970 began a day earlier in some zones).
 * A narrow row is four words: the milliseconds since the business date began and the low 5 bits of the party's number; traits
 * and 2 further bits of the party; the low 25 bits of the amount and the low 7 of the day, counted from the head's; the low
 * 26 bits of the balance (moved up by half of what they hold), 2 further bits of the day, 4 of the account. A medium row
 * has a fifth word with more bits of each: 11 of the amount, 11 of the balance, 3 of the party, 3 of the account, 4 of the day.
 * A wide row is seven words and holds whatever there may be, the party too: day and high 11 bits of the milliseconds;
 * traits; the low 32 bits of amount, balance and party each; the low 16 of the milliseconds and the high 16 of the party; then
 * 12 high bits of the amount, 13 of the balance (moved up by 2^44), 7 of the account. All rows of a borrower have one format,
 * the smallest that holds them.
 */

const NARROW = 0
const MEDIUM = 1
const WIDE = 2
const STRIDES: readonly number[] = [4, 5, 7]
const TRAITS_WORD = 1
const HEAD_WORDS = 1
/** As many live rows as most borrowers have fit a chunk some fifteen times. */
const CHUNK_SHIFT = 13

const DAY_BIAS = 1
const HEAD_DAY_SHIFT = 12
/** The last day whose start a calendar keeps, and the last that the contract lets in. */
const LAST_DAY = 65_535
/** Days before the first row's that a late one may have without everything being packed anew. */
const DAYS_BEFORE = 64
const MS_BITS = 27
const MS_MASK = 2 ** MS_BITS - 1
const TRAITS_BITS = 30
const TRAITS_MASK = 2 ** TRAITS_BITS - 1
const PARTY_MAX: readonly number[] = [2 ** 7 - 1, 2 ** 10 - 1]
const ACCOUNT_MAX: readonly number[] = [2 ** 4 - 1, 2 ** 7 - 1]
const DAYS_MAX: readonly number[] = [2 ** 9 - 1, 2 ** 13 - 1]
const AMOUNT_END: readonly number[] = [2 ** 25, 2 ** 36]
const BALANCE_HALF: readonly number[] = [2 ** 25, 2 ** 36]
const AMOUNT_BITS = 25
const BALANCE_BITS = 26
const TWO_POW_16 = 65_536
const TWO_POW_25 = 2 ** 25
const TWO_POW_26 = 2 ** 26
const TWO_POW_32 = 2 ** 32
const TWO_POW_36 = 2 ** 36
const WIDE_BALANCE_HALF = 2 ** 44

/** A borrower with more rows than this has wide ones, so that none of what follows grows with the number of parties. */
export const PACKED_ROWS_MAX = 1024

/** Plain columns of one borrower's rows. */
export type RowColumns = {
  readonly times: Float64Array
  readonly days: Int32Array
  readonly amounts: Float64Array
  readonly balances: Float64Array
  readonly parties: Float64Array
  readonly traits: Uint32Array
  readonly accounts: Uint32Array
  readonly start: number
  readonly length: number
}

export class PackedRows {
  readonly runs = new RunStore(CHUNK_SHIFT)
  /** Of the borrower that is open. */
  #format = NARROW
  #firstDay = 0
  /** Parties by number, from 1 on: 0 is none. */
  readonly #parties = new Float64Array(PACKED_ROWS_MAX + 1)
  #partyCount = 0
  readonly #partyNumbers = new PartyNumbers(PACKED_ROWS_MAX)

  /** Rows of a borrower. */
  count(borrower: number): number {
    const length = this.runs.locate(borrower)
    return length === 0 ? 0 : countRows(length, this.runs.words[this.runs.at] as number)
  }

  get isWide(): boolean {
    return this.#format === WIDE
  }

  /** Opens a borrower's rows for what follows; returns their number. */
  open(borrower: number): number {
    const { runs } = this
    const length = runs.locate(borrower)
    this.#format = NARROW
    this.#partyCount = 0
    // So that the first row is packed with a day of its own.
    this.#firstDay = Number.POSITIVE_INFINITY
    if (length === 0) return 0
    const { words, at } = runs
    const head = words[at] as number
    this.#format = head & 3
    const count = (head >>> 2) & PARTY_COUNT_MASK
    this.#partyCount = count
    this.#firstDay = (head >>> HEAD_DAY_SHIFT) - DAY_BIAS
    const lows = at + length - partyWords(count)
    const highs = lows + count
    const parties = this.#parties
    for (let k = 0; k < count; k++) {
      const high = ((words[highs + (k >>> 1)] as number) >>> ((k & 1) << 4)) & 0xffff
      parties[k + 1] = high * TWO_POW_32 + (words[lows + k] as number)
    }
    return countRows(length, head)
  }

  /** Unpacks all rows of the borrower that is open to the beginning of the columns, which have room for them. */
  unpack(borrower: number, columns: RowColumns, rows: number, calendar: Calendar): void {
    const { runs } = this
    if (runs.locate(borrower) === 0) return
    const first = runs.at + HEAD_WORDS
    if (this.#format === NARROW) {
      unpackNarrow(runs.words, first, columns, rows, this.#firstDay, this.#parties, calendar)
    } else if (this.#format === MEDIUM) {
      unpackMedium(runs.words, first, columns, rows, this.#firstDay, this.#parties, calendar)
    } else unpackWide(runs.words, first, columns, rows, calendar)
  }

  /** Packs row `at` of the columns, which is new there, among the others. False where it does not fit their format. */
  insert(borrower: number, columns: RowColumns, at: number, calendar: Calendar): boolean {
    const rows = columns.length
    const format = this.#format
    let party = 0
    if (format !== WIDE) {
      if (rows > PACKED_ROWS_MAX || !fits(columns, at, this.#firstDay, format)) return false
      party = this.#numberOf(columns.parties[at] as number)
      if (party > (PARTY_MAX[format] as number)) {
        this.#partyCount--
        return false
      }
    }
    const stride = STRIDES[format] as number
    const { runs } = this
    runs.resize(borrower, HEAD_WORDS + rows * stride + partyWords(this.#partyCount))
    const { words } = runs
    const first = runs.at + HEAD_WORDS
    const to = first + (at - columns.start) * stride
    const end = first + rows * stride
    if (to + stride < end) words.copyWithin(to + stride, to, end - stride)
    this.#packRow(words, to, columns, at, party, calendar)
    this.#writeRest(words, runs.at, end)
    return true
  }

  /** Packs all rows of the columns in the smallest format that holds them. */
  replace(borrower: number, columns: RowColumns, calendar: Calendar): void {
    this.#choose(columns)
    const stride = STRIDES[this.#format] as number
    const { runs } = this
    const { start, length } = columns
    runs.resize(borrower, HEAD_WORDS + length * stride + partyWords(this.#partyCount))
    const { words } = runs
    let to = runs.at + HEAD_WORDS
    for (let i = start; i < start + length; i++, to += stride) {
      const party = this.#format === WIDE ? 0 : this.#partyNumbers.numberOf(columns.parties[i] as number)
      this.#packRow(words, to, columns, i, party, calendar)
    }
    this.#writeRest(words, runs.at, to)
  }

  /** Lets a borrower's first rows go, which are wide ones. */
  dropWide(borrower: number, rows: number): void {
    this.runs.drop(borrower, HEAD_WORDS, rows * (STRIDES[WIDE] as number))
  }

  /** Turns bits of a row's traits over. */
  turn(borrower: number, row: number, bits: number): void {
    const { runs } = this
    runs.locate(borrower)
    const at = runs.at + HEAD_WORDS + row * (STRIDES[this.#format] as number) + TRAITS_WORD
    runs.words[at] = (runs.words[at] as number) ^ bits
  }

  /** The number of a party, a new one where it is not known yet. */
  #numberOf(party: number): number {
    if (party === 0) return 0
    const parties = this.#parties
    const count = this.#partyCount
    for (let number = count; number > 0; number--) if (parties[number] === party) return number
    parties[count + 1] = party
    this.#partyCount = count + 1
    return count + 1
  }

  /** Decides on the format of these rows, and numbers their parties. */
  #choose(columns: RowColumns): void {
    const { days, parties, start, length } = columns
    this.#format = WIDE
    this.#partyCount = 0
    this.#firstDay = -DAY_BIAS
    if (length > PACKED_ROWS_MAX) return
    let earliest = Number.POSITIVE_INFINITY
    let latest = Number.NEGATIVE_INFINITY
    for (let i = start; i < start + length; i++) {
      earliest = Math.min(earliest, days[i] as number)
      latest = Math.max(latest, days[i] as number)
    }
    const numbers = this.#partyNumbers
    numbers.clear()
    for (let i = start; i < start + length; i++) numbers.numberOf(parties[i] as number)
    for (let format = NARROW; format < WIDE; format++) {
      const room = Math.max(0, (DAYS_MAX[format] as number) - (latest - earliest))
      const firstDay = Math.max(-DAY_BIAS, earliest - Math.min(DAYS_BEFORE, room))
      if (numbers.count > (PARTY_MAX[format] as number) || firstDay + (DAYS_MAX[format] as number) > LAST_DAY) continue
      let all = true
      for (let i = start; all && i < start + length; i++) all = fits(columns, i, firstDay, format)
      if (!all) continue
      this.#format = format
      this.#firstDay = firstDay
      this.#partyCount = numbers.count
      numbers.list(this.#parties)
      return
    }
  }

  #packRow(words: Uint32Array, to: number, columns: RowColumns, i: number, party: number, calendar: Calendar): void {
    const { times, days } = columns
    const inDay = (times[i] as number) - calendar.startOfDay(days[i] as number)
    if (this.#format === WIDE) packWide(words, to, columns, i, inDay)
    else packShort(words, to, columns, i, inDay, (days[i] as number) - this.#firstDay, party, this.#format)
  }

  /** Writes what stands before and behind the rows, which end at word `end`. */
  #writeRest(words: Uint32Array, at: number, end: number): void {
    const count = this.#partyCount
    words[at] = this.#format | (count << 2) | ((this.#firstDay + DAY_BIAS) << HEAD_DAY_SHIFT)
    const parties = this.#parties
    const highs = end + count
    for (let k = 0; k < count; k++) {
      const party = parties[k + 1] as number
      words[end + k] = party
      const high = Math.floor(party / TWO_POW_32)
      if ((k & 1) === 0) words[highs + (k >>> 1)] = high
      else words[highs + (k >>> 1)] = (words[highs + (k >>> 1)] as number) | (high << 16)
    }
  }
}

const PARTY_COUNT_MASK = 2 ** 10 - 1

/** Words of so many parties: the low 32 bits of each, then the high 16 of each. */
function partyWords(count: number): number {
  return count + ((count + 1) >>> 1)
}

function countRows(length: number, head: number): number {
  const parties = partyWords((head >>> 2) & PARTY_COUNT_MASK)
  return (length - HEAD_WORDS - parties) / (STRIDES[head & 3] as number)
}

/** Whether a row, its party apart, can be packed in a format that is not wide. */
function fits(columns: RowColumns, i: number, firstDay: number, format: number): boolean {
  const { days, amounts, balances, accounts } = columns
  const day = (days[i] as number) - firstDay
  const balance = (balances[i] as number) + (BALANCE_HALF[format] as number)
  return (
    day >= 0 &&
    day <= (DAYS_MAX[format] as number) &&
    (amounts[i] as number) < (AMOUNT_END[format] as number) &&
    balance >= 0 &&
    balance < (BALANCE_HALF[format] as number) * 2 &&
    (accounts[i] as number) <= (ACCOUNT_MAX[format] as number)
  )
}

function packShort(
  words: Uint32Array,
  to: number,
  columns: RowColumns,
  i: number,
  inDay: number,
  day: number,
  party: number,
  format: number,
): void {
  const amount = columns.amounts[i] as number
  const balance = (columns.balances[i] as number) + (BALANCE_HALF[format] as number)
  const account = columns.accounts[i] as number
  const amountHigh = Math.floor(amount / TWO_POW_25)
  const balanceHigh = Math.floor(balance / TWO_POW_26)
  words[to] = inDay | ((party & 31) << MS_BITS)
  words[to + 1] = (columns.traits[i] as number) | (((party >>> 5) & 3) << TRAITS_BITS)
  words[to + 2] = (amount - amountHigh * TWO_POW_25) | ((day & 0x7f) << AMOUNT_BITS)
  words[to + 3] = (balance - balanceHigh * TWO_POW_26) | (((day >>> 7) & 3) << BALANCE_BITS) | ((account & 15) << 28)
  if (format === NARROW) return
  words[to + 4] =
    amountHigh | (balanceHigh << 11) | ((party >>> 7) << 22) | ((account >>> 4) << 25) | ((day >>> 9) << 28)
}

function packWide(words: Uint32Array, to: number, columns: RowColumns, i: number, inDay: number): void {
  const amount = columns.amounts[i] as number
  const balance = (columns.balances[i] as number) + WIDE_BALANCE_HALF
  const party = columns.parties[i] as number
  words[to] = (((columns.days[i] as number) + DAY_BIAS) << 11) | (inDay >>> 16)
  words[to + 1] = columns.traits[i] as number
  words[to + 2] = amount
  words[to + 3] = balance
  words[to + 4] = party
  words[to + 5] = (inDay & 0xffff) + Math.floor(party / TWO_POW_32) * TWO_POW_16
  words[to + 6] =
    Math.floor(amount / TWO_POW_32) | (Math.floor(balance / TWO_POW_32) << 12) | ((columns.accounts[i] as number) << 25)
}

/**
 * Nearly all rows there are come through here. What is taken from a word is an integer of 32 bits to V8 throughout, and
 * nothing is called in the loop: it would have to look up every column anew behind a call.
 */
function unpackNarrow(
  words: Uint32Array,
  first: number,
  columns: RowColumns,
  rows: number,
  firstDay: number,
  known: Float64Array,
  calendar: Calendar,
): void {
  const { times, days, amounts, balances, parties, traits, accounts } = columns
  const { dayStarts } = calendar
  let isMissing = false
  for (let i = 0, k = first; i < rows; i++, k += 4) {
    const a = (words[k] as number) | 0
    const b = (words[k + 1] as number) | 0
    const c = (words[k + 2] as number) | 0
    const d = (words[k + 3] as number) | 0
    const day = (firstDay + ((c >>> 25) | ((d >>> 19) & 0x180))) | 0
    const start = dayStarts[day + 1] as number
    if (start === Number.POSITIVE_INFINITY) isMissing = true
    days[i] = day
    times[i] = start + (a & 0x7ff_ffff)
    amounts[i] = c & 0x1ff_ffff
    balances[i] = ((d & 0x3ff_ffff) - 0x200_0000) | 0
    parties[i] = known[(a >>> 27) | ((b >>> 25) & 0x60)] as number
    traits[i] = b & 0x3fff_ffff
    accounts[i] = d >>> 28
  }
  if (!isMissing) return
  for (let i = 0; i < rows; i++) {
    times[i] = calendar.startOfDay(days[i] as number) + ((words[first + i * 4] as number) & 0x7ff_ffff)
  }
}

function unpackMedium(
  words: Uint32Array,
  first: number,
  columns: RowColumns,
  rows: number,
  firstDay: number,
  known: Float64Array,
  calendar: Calendar,
): void {
  const { times, days, amounts, balances, parties, traits, accounts } = columns
  for (let i = 0, k = first; i < rows; i++, k += 5) {
    const a = words[k] as number
    const b = words[k + 1] as number
    const c = words[k + 2] as number
    const d = words[k + 3] as number
    const e = words[k + 4] as number
    const day = firstDay + ((c >>> AMOUNT_BITS) | (((d >>> BALANCE_BITS) & 3) << 7) | ((e >>> 28) << 9))
    days[i] = day
    times[i] = calendar.startOfDay(day) + (a & MS_MASK)
    amounts[i] = (e & 0x7ff) * TWO_POW_25 + (c & (TWO_POW_25 - 1))
    balances[i] = ((e >>> 11) & 0x7ff) * TWO_POW_26 + (d & (TWO_POW_26 - 1)) - TWO_POW_36
    parties[i] = known[(a >>> MS_BITS) | ((b >>> TRAITS_BITS) << 5) | (((e >>> 22) & 7) << 7)] as number
    traits[i] = b & TRAITS_MASK
    accounts[i] = (d >>> 28) | (((e >>> 25) & 7) << 4)
  }
}

function unpackWide(words: Uint32Array, first: number, columns: RowColumns, rows: number, calendar: Calendar): void {
  const { times, days, amounts, balances, parties, traits, accounts } = columns
  for (let i = 0, k = first; i < rows; i++, k += 7) {
    const a = words[k] as number
    const low = words[k + 5] as number
    const highs = words[k + 6] as number
    const day = (a >>> 11) - DAY_BIAS
    days[i] = day
    times[i] = calendar.startOfDay(day) + (((a & 0x7ff) << 16) | (low & 0xffff))
    amounts[i] = (highs & 0xfff) * TWO_POW_32 + (words[k + 2] as number)
    balances[i] = ((highs >>> 12) & 0x1fff) * TWO_POW_32 + (words[k + 3] as number) - WIDE_BALANCE_HALF
    parties[i] = (low >>> 16) * TWO_POW_32 + (words[k + 4] as number)
    traits[i] = words[k + 1] as number
    accounts[i] = highs >>> 25
  }
}
