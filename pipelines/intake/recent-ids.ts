/**
 * The event ids received lately, to tell repeats: an open-addressing table of 64-bit hashes. What is older than the
 * bound is looked up in `events` instead, so the table is bounded by what arrives in that time.
 */

const SLOTS_FIRST = 1024
const EMPTY = Number.NEGATIVE_INFINITY

/** How an id compares with what was received: new, the same event again, or another event under the same id. */
export type Seen = 'new' | 'repeat' | 'conflict'

export class RecentIds {
  #size = 0
  #mask = SLOTS_FIRST - 1
  #hashes = new Uint32Array(SLOTS_FIRST * 4)
  /** Day until which an entry must be kept, −Infinity for an empty slot. */
  #days = new Float64Array(SLOTS_FIRST).fill(EMPTY)

  get size(): number {
    return this.#size
  }

  /** Looks up `hashes[at …]`: id high, id low, content high, content low. */
  lookUp(hashes: Uint32Array, at: number): Seen {
    const slot = this.#find(hashes[at] as number, hashes[at + 1] as number)
    if (this.#days[slot] === EMPTY) return 'new'
    const sameContent = this.#hashes[slot * 4 + 2] === hashes[at + 2] && this.#hashes[slot * 4 + 3] === hashes[at + 3]
    return sameContent ? 'repeat' : 'conflict'
  }

  /** Adds what was not there, kept until business day `day` is forgotten. */
  add(hashes: Uint32Array, at: number, day: number): void {
    if (this.#size * 2 >= this.#days.length) this.#rebuild(this.#days.length * 2, EMPTY)
    const slot = this.#find(hashes[at] as number, hashes[at + 1] as number)
    if (this.#days[slot] !== EMPTY) return
    this.#hashes.set(hashes.subarray(at, at + 4), slot * 4)
    this.#days[slot] = day
    this.#size++
  }

  /** Forgets what had to be kept until before `day`. */
  forgetBefore(day: number): void {
    this.#rebuild(this.#days.length, day)
  }

  #find(high: number, low: number): number {
    let slot = (low ^ high) & this.#mask
    while (this.#days[slot] !== EMPTY) {
      if (this.#hashes[slot * 4] === high && this.#hashes[slot * 4 + 1] === low) return slot
      slot = (slot + 1) & this.#mask
    }
    return slot
  }

  #rebuild(slots: number, keepFrom: number): void {
    const hashes = this.#hashes
    const days = this.#days
    this.#hashes = new Uint32Array(slots * 4)
    this.#days = new Float64Array(slots).fill(EMPTY)
    this.#mask = slots - 1
    this.#size = 0
    for (let i = 0; i < days.length; i++) {
      const day = days[i] as number
      if (day === EMPTY || day < keepFrom) continue
      const slot = this.#find(hashes[i * 4] as number, hashes[i * 4 + 1] as number)
      this.#hashes.set(hashes.subarray(i * 4, i * 4 + 4), slot * 4)
      this.#days[slot] = day
      this.#size++
    }
  }
}
