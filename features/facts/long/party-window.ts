import { TimedValues } from './timed-values.ts'

const ROOM_FIRST = 256

/**
 * Amounts of a window summed by party: what comes is added, what leaves is taken off, and the sums stand sorted. All are
 * whole numbers, so that this is exact as long as their total is; from where it is not, `isExact` is false until `clear`.
 */
export class PartyWindow {
  readonly #rows = new TimedValues()
  /** What lies at or before this time is outside. */
  #after = Number.NEGATIVE_INFINITY
  readonly #slotOf = new Map<number, number>()
  readonly #freeSlots: number[] = []
  #parties = new Float64Array(ROOM_FIRST)
  #counts = new Int32Array(ROOM_FIRST)
  #sums = new Float64Array(ROOM_FIRST)
  /** The sums of all parties, ascending; the first `#length` count. */
  #sorted = new Float64Array(ROOM_FIRST)
  #length = 0
  #total = 0
  isExact = true
  /** The concentration, where nothing has changed since it was asked for. */
  #concentration = Number.NaN
  #isChanged = false

  clear(): void {
    this.#rows.clear()
    this.#after = Number.NEGATIVE_INFINITY
    this.#slotOf.clear()
    this.#freeSlots.length = 0
    this.#length = 0
    this.#total = 0
    this.isExact = true
    this.#isChanged = true
  }

  add(time: number, party: number, amount: number): void {
    if (time <= this.#after || !this.isExact) return
    this.#total += amount
    if (this.#total > Number.MAX_SAFE_INTEGER) {
      this.isExact = false
      return
    }
    this.#isChanged = true
    let slot = this.#slotOf.get(party)
    if (slot === undefined) slot = this.#begin(party)
    this.#rows.add(time, amount, slot)
    this.#counts[slot] = (this.#counts[slot] as number) + 1
    this.#change(slot, amount)
  }

  /** Moves the window's begin on: what lies at or before `time` leaves it. */
  moveTo(time: number): void {
    this.#after = time
    if (!this.isExact) return
    const rows = this.#rows
    for (; rows.hasUpTo(time); rows.first++) {
      const slot = rows.keys[rows.first] as number
      const amount = rows.values[rows.first] as number
      this.#isChanged = true
      this.#total -= amount
      this.#change(slot, -amount)
      const count = (this.#counts[slot] as number) - 1
      this.#counts[slot] = count
      if (count === 0) this.#end(slot)
    }
  }

  /** As `PartySums.concentration`. */
  concentration(): number {
    if (!this.#isChanged) return this.#concentration
    this.#isChanged = false
    const sorted = this.#sorted
    const total = this.#total
    let index = 0
    for (let k = this.#length - 1; k >= 0; k--) {
      const share = (sorted[k] as number) / total
      index += share * share
    }
    this.#concentration = this.#length === 0 ? Number.NaN : index
    return this.#concentration
  }

  /** As `PartySums.topShare`. */
  topShare(): number {
    return this.#length === 0 ? Number.NaN : (this.#sorted[this.#length - 1] as number) / this.#total
  }

  #begin(party: number): number {
    const slot = this.#freeSlots.pop() ?? this.#slotOf.size
    if (slot === this.#sums.length) this.#grow()
    this.#slotOf.set(party, slot)
    this.#parties[slot] = party
    this.#counts[slot] = 0
    this.#sums[slot] = 0
    this.#sorted.copyWithin(1, 0, this.#length++)
    this.#sorted[0] = 0
    return slot
  }

  /** A party without rows has the sum 0, which stands first. */
  #end(slot: number): void {
    this.#slotOf.delete(this.#parties[slot] as number)
    this.#freeSlots.push(slot)
    this.#sorted.copyWithin(0, 1, this.#length--)
  }

  /** Changes a party's sum and moves it to its place among the sorted. */
  #change(slot: number, by: number): void {
    const sorted = this.#sorted
    const before = this.#sums[slot] as number
    const sum = before + by
    this.#sums[slot] = sum
    let at = firstAtLeast(sorted, this.#length, before)
    if (sum > before) {
      const to = firstAtLeast(sorted, this.#length, sum) - 1
      if (to > at) sorted.copyWithin(at, at + 1, to + 1)
      at = Math.max(at, to)
    } else {
      const to = firstAtLeast(sorted, this.#length, sum)
      if (to < at) sorted.copyWithin(to + 1, to, at)
      at = Math.min(at, to)
    }
    sorted[at] = sum
  }

  #grow(): void {
    const grow = <Values extends Float64Array | Int32Array>(values: Values, larger: Values): Values => {
      larger.set(values)
      return larger
    }
    const room = this.#sums.length * 2
    this.#parties = grow(this.#parties, new Float64Array(room))
    this.#counts = grow(this.#counts, new Int32Array(room))
    this.#sums = grow(this.#sums, new Float64Array(room))
    this.#sorted = grow(this.#sorted, new Float64Array(room))
  }
}

/** Place of the first of the ascending `sorted[0 … length)` that is not below `value`. */
function firstAtLeast(sorted: Float64Array, length: number, value: number): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] as number) >= value) high = middle
    else low = middle + 1
  }
  return low
}
