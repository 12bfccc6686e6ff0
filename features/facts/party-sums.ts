import { sortFew } from './few-numbers.ts'

const SLOTS_FIRST = 256
/** Up to so many sums are sorted one by one. */
const FEW = 48
/** Largest base before the table is cleared, so that no slot's number leaves 32 bits. */
const BASE_MAX = 2 ** 30

/**
 * Amounts summed by party, in a table that is emptied in constant time: a slot holds `#base` and the party's position, and
 * what is below the present base is left over from before. Whether a party is new follows no pattern, so that the common way
 * through `add` has no branch on it: the place of a next party is always made ready, and taken or not.
 */
export class PartySums {
  #slots = new Int32Array(SLOTS_FIRST)
  #mask = SLOTS_FIRST - 1
  #base = 1
  /** Parties by position. */
  #parties = new Float64Array(SLOTS_FIRST)
  /** Sums in the order in which the parties came; the first `length` count. */
  sums = new Float64Array(SLOTS_FIRST)
  length = 0
  total = 0

  /** Empties the table and makes room for up to `count` parties at half load. */
  reset(count: number): void {
    this.#base += this.length
    if (count * 2 > this.#slots.length) {
      let size = this.#slots.length
      while (size < count * 2) size *= 2
      this.#slots = new Int32Array(size)
      this.#parties = new Float64Array(size)
      this.sums = new Float64Array(size)
      this.#mask = size - 1
      this.#base = 1
    } else if (this.#base > BASE_MAX) {
      this.#slots.fill(0)
      this.#base = 1
    }
    this.length = 0
    this.total = 0
  }

  /** Whether the sums are too large for doubles to hold exactly. */
  get isInexact(): boolean {
    return this.total > Number.MAX_SAFE_INTEGER
  }

  /** Sets everything to the doubles nearest to the exact sums of these amounts by party. */
  sumExactly(parties: readonly number[], amounts: readonly number[]): void {
    const exact = new Map<number, bigint>()
    amounts.forEach((amount, k) => {
      const party = parties[k] as number
      exact.set(party, (exact.get(party) ?? 0n) + BigInt(amount))
    })
    this.length = 0
    let total = 0n
    for (const sum of exact.values()) {
      total += sum
      this.sums[this.length++] = Number(sum)
    }
    this.total = Number(total)
  }

  /** Adds an amount and returns the party's position. */
  add(party: number, amount: number): number {
    const slots = this.#slots
    const parties = this.#parties
    const { sums, length } = this
    const slot = (party >>> 0) & this.#mask
    parties[length] = party
    sums[length] = 0
    const known = (slots[slot] as number) - this.#base
    // All bits where the slot is empty, else none.
    const isNew = known >> 31
    const position = (known & ~isNew) | (length & isNew)
    if (parties[position] !== party) return this.#addBehind(slot, party, amount)
    slots[slot] = this.#base + position
    sums[position] = (sums[position] as number) + amount
    this.total += amount
    this.length = length - isNew
    return position
  }

  /** The same for a party whose slot another one has. */
  #addBehind(taken: number, party: number, amount: number): number {
    let slot = taken
    let known: number
    do {
      slot = (slot + 1) & this.#mask
      known = (this.#slots[slot] as number) - this.#base
    } while (known >= 0 && this.#parties[known] !== party)
    const position = known < 0 ? this.length++ : known
    this.#slots[slot] = this.#base + position
    this.sums[position] = (this.sums[position] as number) + amount
    this.total += amount
    return position
  }

  /** Herfindahl-Hirschman index: the sum of squared shares, added in descending order. NaN where there is nothing. */
  concentration(): number {
    if (this.length === 0) return Number.NaN
    if (this.length <= FEW) sortFew(this.sums, this.length)
    else this.sums.subarray(0, this.length).sort()
    let index = 0
    for (let k = this.length - 1; k >= 0; k--) {
      const share = (this.sums[k] as number) / this.total
      index += share * share
    }
    return index
  }

  /** Share of the largest, NaN where there is nothing. Asked after `concentration`, which sorts the sums. */
  topShare(): number {
    return this.length === 0 ? Number.NaN : (this.sums[this.length - 1] as number) / this.total
  }
}
