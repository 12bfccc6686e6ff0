/** Dates that are kept, a power of two: more than the lookback of any fact over dates. */
const DATES = 256
const NO_DATE = -(2 ** 31)

/** Money in less money out, and both together, by date. */
export class DailyFlows {
  readonly #dates = new Int32Array(DATES).fill(NO_DATE)
  readonly #net = new Float64Array(DATES)
  readonly #moved = new Float64Array(DATES)

  clear(): void {
    this.#dates.fill(NO_DATE)
  }

  add(day: number, amount: number, isIn: boolean): void {
    const slot = day & (DATES - 1)
    if ((this.#dates[slot] as number) > day) return
    if (this.#dates[slot] !== day) {
      this.#dates[slot] = day
      this.#net[slot] = 0
      this.#moved[slot] = 0
    }
    this.#net[slot] = (this.#net[slot] as number) + (isIn ? amount : -amount)
    this.#moved[slot] = (this.#moved[slot] as number) + amount
  }

  /**
   * Writes to `daily` the net flow of each date from `oldest` on; returns what was moved in all. Where doubles do not hold
   * that, they may not hold the flows either.
   */
  read(oldest: number, daily: Float64Array): number {
    let moved = 0
    for (let k = 0; k < daily.length; k++) {
      const slot = (oldest + k) & (DATES - 1)
      const isKept = this.#dates[slot] === oldest + k
      daily[k] = isKept ? (this.#net[slot] as number) : 0
      if (isKept) moved += this.#moved[slot] as number
    }
    return moved
  }
}
