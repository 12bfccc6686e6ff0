const SLOTS_FIRST = 256

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
    const sums = this.sums.subarray(0, this.length).sort()
    let index = 0
    for (let k = sums.length - 1; k >= 0; k--) {
      const share = (sums[k] as number) / this.total
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
