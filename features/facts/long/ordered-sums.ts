import type { TimedValues } from './timed-values.ts'

const BLOCK_SHIFT = 6
const BLOCK_TERMS = 1 << BLOCK_SHIFT
const BLOCKS_FIRST = 256
/** Up to here doubles hold all whole numbers. */
const WHOLE_MAX = 2 ** 53
const MANTISSA = 2 ** 52

/** What is kept of a block, one behind the other. */
const KEPT = { NUMBER: 0, REACH: 1, EXACT: 2, LOW: 3, FROM_EVEN: 4, FROM_ODD: 5 } as const
const WIDTH = 6

/**
 * Adds up how much each value stood for how long: whole numbers, added in their order, bit for bit as one addition after the other rounds, but a block of them at a
 * time. Below 2^53 nothing is rounded. Above, between one power of two and the next, a sum is a whole multiple m of a unit,
 * and what an addition makes of it depends on m only by its being even or odd, which decides ties: so a block adds one of
 * two amounts, as long as no sum on the way leaves those powers. Both are kept for the powers met last.
 */
export class OrderedSums {
  #kept = new Float64Array(BLOCKS_FIRST * WIDTH).fill(Number.NaN)
  #blocks = BLOCKS_FIRST

  /** The terms from number `from` on are others than before. */
  changed(from: number): void {
    const kept = this.#kept
    for (let at = 0; at < kept.length; at += WIDTH)
      if ((kept[at + KEPT.NUMBER] as number) >= from >>> BLOCK_SHIFT) kept[at + KEPT.NUMBER] = Number.NaN
  }

  /** Adds the terms from place `from` on to `sum`: term i is the value of place i − 1 times how long it stood until i. */
  add(sum: number, steps: TimedValues, from: number): number {
    const { end, moved } = steps
    while ((end - from) >>> BLOCK_SHIFT > this.#blocks) this.#grow()
    let i = from
    while (i < end) {
      const rest = (i + moved) & (BLOCK_TERMS - 1)
      if (rest === 0 && i + BLOCK_TERMS <= end) {
        const next = this.#addBlock(sum, steps, i, (i + moved) >>> BLOCK_SHIFT)
        if (!Number.isNaN(next)) {
          sum = next
          i += BLOCK_TERMS
          continue
        }
      }
      const stop = Math.min(end, i + BLOCK_TERMS - rest)
      sum = addTerms(sum, steps, i, stop)
      i = stop
    }
    return sum
  }

  /** The sum with a whole block, NaN where its terms must be added one by one. */
  #addBlock(sum: number, steps: TimedValues, from: number, block: number): number {
    const kept = this.#kept
    const at = (block & (this.#blocks - 1)) * WIDTH
    if (kept[at + KEPT.NUMBER] !== block) this.#begin(steps, from, block, at)
    const reach = kept[at + KEPT.REACH] as number
    if (Math.abs(sum) + reach < WHOLE_MAX) return sum + (kept[at + KEPT.EXACT] as number)
    if (sum < WHOLE_MAX || reach >= WHOLE_MAX) return Number.NaN
    if (!(sum >= (kept[at + KEPT.LOW] as number) && sum < (kept[at + KEPT.LOW] as number) * 2))
      this.#prepare(sum, steps, from, at)
    const low = kept[at + KEPT.LOW] as number
    const unit = low / MANTISSA
    // Each addition may round by half a unit, and what was prepared began a unit further.
    const farthest = reach + BLOCK_TERMS * unit
    if (sum - farthest < low || sum + farthest >= low * 2) return Number.NaN
    const half = sum / unit / 2
    return sum + (kept[at + (half === Math.floor(half) ? KEPT.FROM_EVEN : KEPT.FROM_ODD)] as number)
  }

  #begin({ times, values }: TimedValues, from: number, block: number, at: number): void {
    let reach = 0
    let exact = 0
    for (let i = from; i < from + BLOCK_TERMS; i++) {
      const term = (values[i - 1] as number) * ((times[i] as number) - (times[i - 1] as number))
      reach += Math.abs(term)
      exact += term
    }
    this.#kept[at + KEPT.NUMBER] = block
    this.#kept[at + KEPT.REACH] = reach
    this.#kept[at + KEPT.EXACT] = exact
    this.#kept[at + KEPT.LOW] = Number.NaN
  }

  /** Finds what the block adds to sums between the powers of two around `sum`, by adding it to one in their middle. */
  #prepare(sum: number, steps: TimedValues, from: number, at: number): void {
    let low = WHOLE_MAX
    while (low * 2 <= sum) low *= 2
    const unit = low / MANTISSA
    const even = low * 1.5
    const odd = even + unit
    this.#kept[at + KEPT.LOW] = low
    this.#kept[at + KEPT.FROM_EVEN] = addTerms(even, steps, from, from + BLOCK_TERMS) - even
    this.#kept[at + KEPT.FROM_ODD] = addTerms(odd, steps, from, from + BLOCK_TERMS) - odd
  }

  #grow(): void {
    this.#blocks *= 2
    this.#kept = new Float64Array(this.#blocks * WIDTH).fill(Number.NaN)
  }
}

function addTerms(sum: number, { times, values }: TimedValues, from: number, end: number): number {
  let begin = times[from - 1] as number
  let value = values[from - 1] as number
  for (let i = from; i < end; i++) {
    const at = times[i] as number
    sum += value * (at - begin)
    begin = at
    value = values[i] as number
  }
  return sum
}
