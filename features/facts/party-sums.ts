import { sortFew } from './few-numbers.ts'

const SLOTS_FIRST = 256
/** Up to so many sums are sorted one by one. */
const FEW = 48

/** Amounts summed by party: a table that is emptied in constant time, a slot counting only if it carries the current stamp. */
export class PartySums {
  #keys = new Float64Array(SLOTS_FIRST)
  #stamps = new Uint32Array(SLOTS_FIRST)
  #positions = new Uint32Array(SLOTS_FIRST)
  #mask = SLOTS_FIRST - 1
  #stamp = 0
  /** Sums in the order in which the parties came; the first `length` count. */
  sums = new Float64Array(SLOTS_FIRST)
  length = 0
  total = 0

  /** Empties the table and makes room for up to `count` parties at half load. */
  reset(count: number): void {
    if (count * 2 > this.#keys.length) {
      let size = this.#keys.length
      while (size < count * 2) size *= 2
      this.#keys = new Float64Array(size)
      this.#stamps = new Uint32Array(size)
      this.#positions = new Uint32Array(size)
      this.sums = new Float64Array(size)
      this.#mask = size - 1
      this.#stamp = 0
    }
    this.#stamp++
    if (this.#stamp === 0xffffffff) {
      this.#stamps.fill(0)
      this.#stamp = 1
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
    this.total += amount
    let slot = (party >>> 0) & this.#mask
    while (this.#stamps[slot] === this.#stamp) {
      if (this.#keys[slot] === party) {
        const position = this.#positions[slot] as number
        this.sums[position] = (this.sums[position] as number) + amount
        return position
      }
      slot = (slot + 1) & this.#mask
    }
    this.#stamps[slot] = this.#stamp
    this.#keys[slot] = party
    this.#positions[slot] = this.length
    this.sums[this.length] = amount
    return this.length++
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

  /** Share of the largest, NaN where there is nothing. */
  topShare(): number {
    let largest = 0
    for (let k = 0; k < this.length; k++) if ((this.sums[k] as number) > largest) largest = this.sums[k] as number
    return this.length === 0 ? Number.NaN : largest / this.total
  }
}
