import { setAll } from './fill.ts'

/**
 * Sums of integers, each the double nearest to the exact one, also beyond 2^53, where a plain sum would depend on the order
 * of what it adds. What an addition of two doubles rounds away is a double too, so it is kept and added up beside the sum.
 */
export class ExactSums {
  readonly #sums: Float64Array
  readonly #rounded: Float64Array

  constructor(length: number) {
    this.#sums = new Float64Array(length)
    this.#rounded = new Float64Array(length)
  }

  clear(): void {
    setAll(this.#sums, 0)
    setAll(this.#rounded, 0)
  }

  add(slot: number, amount: number): void {
    const before = this.#sums[slot] as number
    const sum = before + amount
    const added = sum - before
    this.#rounded[slot] = (this.#rounded[slot] as number) + (before - (sum - added)) + (amount - added)
    this.#sums[slot] = sum
  }

  of(slot: number): number {
    return (this.#sums[slot] as number) + (this.#rounded[slot] as number)
  }
}
