/**
 * The event ids received lately, to tell repeats: an open-addressing table of 64-bit hashes. What is older than the
 * bound is looked up in `events` instead, so the table is bounded by what arrives in that time. It is part of every
 * borrower's share of memory, so it is kept dense: 18 bytes a slot, of which at least two thirds are used once it has grown.
 */

const SLOTS_FIRST = 1024
/** Share of the slots that may be used; linear probing stays short up to here. */
const LOAD_MAX = 0.85
const GROWTH = 1.25
const TWO_POW_32 = 4_294_967_296

/** Days are kept as 16 bits: 0 is an empty slot, so they are moved up; what lies beyond is kept for ever. */
const EMPTY = 0
const DAY_BIAS = 2
const FOR_EVER = 0xffff

/** How an id compares with what was received: new, the same event again, or another event under the same id. */
export type Seen = 'new' | 'repeat' | 'conflict'

export class RecentIds {
  #size = 0
  #hashes = new Uint32Array(SLOTS_FIRST * 4)
  /** Day until which an entry must be kept, as `packedDay` has it. */
  #days = new Uint16Array(SLOTS_FIRST)
  /** Entries whose event the engine refused, which are few: `high:low` of their ids. */
  readonly #refused = new Set<string>()

  get size(): number {
    return this.#size
  }

  /** Bytes taken. */
  get bytes(): number {
    return this.#hashes.byteLength + this.#days.byteLength
  }

  /** Looks up `hashes[at …]`: id high, id low, content high, content low. */
  lookUp(hashes: Uint32Array, at: number): Seen {
    const slot = this.#find(hashes[at] as number, hashes[at + 1] as number)
    if (this.#days[slot] === EMPTY) return 'new'
    const sameContent = this.#hashes[slot * 4 + 2] === hashes[at + 2] && this.#hashes[slot * 4 + 3] === hashes[at + 3]
    return sameContent ? 'repeat' : 'conflict'
  }

  /** Whether the engine refused what it received under this id: then the id may come again, with whatever content. */
  isRefused(hashes: Uint32Array, at: number): boolean {
    return this.#refused.size > 0 && this.#refused.has(keyOf(hashes, at))
  }

  /** Takes note that the engine refused the event of an id that is here. */
  refuse(hashes: Uint32Array, at: number): void {
    if (this.#days[this.#find(hashes[at] as number, hashes[at + 1] as number)] === EMPTY) return
    this.#refused.add(keyOf(hashes, at))
  }

  /** Takes that back. */
  unrefuse(hashes: Uint32Array, at: number): void {
    this.#refused.delete(keyOf(hashes, at))
  }

  /** Whether an id that is here is kept until business day `day` at least. */
  isKeptUntil(hashes: Uint32Array, at: number, day: number): boolean {
    const slot = this.#find(hashes[at] as number, hashes[at + 1] as number)
    return (this.#days[slot] as number) >= packedDay(day)
  }

  /** Adds what was not there, or was refused, kept until business day `day` is forgotten. */
  add(hashes: Uint32Array, at: number, day: number): void {
    if (this.#size + 1 > this.#days.length * LOAD_MAX) this.#rebuild(Math.ceil(this.#days.length * GROWTH), EMPTY)
    const slot = this.#find(hashes[at] as number, hashes[at + 1] as number)
    if (this.#days[slot] === EMPTY) this.#size++
    else if (!this.isRefused(hashes, at)) return
    else this.#refused.delete(keyOf(hashes, at))
    for (let k = 0; k < 4; k++) this.#hashes[slot * 4 + k] = hashes[at + k] as number
    this.#days[slot] = packedDay(day)
  }

  /** Forgets what had to be kept until before `day`. */
  forgetBefore(day: number): void {
    this.#rebuild(this.#days.length, packedDay(day))
    for (const key of this.#refused) {
      const [high, low] = key.split(':').map(Number) as [number, number]
      if (this.#days[this.#find(high, low)] === EMPTY) this.#refused.delete(key)
    }
  }

  #find(high: number, low: number): number {
    const slots = this.#days.length
    let slot = Math.floor(((low ^ high) >>> 0) * (slots / TWO_POW_32))
    while (this.#days[slot] !== EMPTY) {
      if (this.#hashes[slot * 4] === high && this.#hashes[slot * 4 + 1] === low) return slot
      slot = slot + 1 === slots ? 0 : slot + 1
    }
    return slot
  }

  #rebuild(slots: number, keepFrom: number): void {
    const hashes = this.#hashes
    const days = this.#days
    this.#hashes = new Uint32Array(slots * 4)
    this.#days = new Uint16Array(slots)
    this.#size = 0
    for (let i = 0; i < days.length; i++) {
      const day = days[i] as number
      if (day === EMPTY || day < keepFrom) continue
      const slot = this.#find(hashes[i * 4] as number, hashes[i * 4 + 1] as number)
      for (let k = 0; k < 4; k++) this.#hashes[slot * 4 + k] = hashes[i * 4 + k] as number
      this.#days[slot] = day
      this.#size++
    }
  }
}

function keyOf(hashes: Uint32Array, at: number): string {
  return `${hashes[at]}:${hashes[at + 1]}`
}

/** Days before 1970 count as its eve, −Infinity among them; Infinity and the last days there are, as for ever. */
function packedDay(day: number): number {
  return Math.min(FOR_EVER, Math.max(-1, day) + DAY_BIAS)
}
