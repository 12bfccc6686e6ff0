/**
 * The event ids received lately, to tell repeats: tables of 64-bit hashes. What is older than the bound is looked up in
 * `events` instead, so they are bounded by what arrives in that time. They are part of every borrower's share of memory, so
 * they are kept dense: 14 bytes a slot, of which at least four fifths are used once a table has grown.
 */

/** Tables grow one by one, so that none takes long to copy, and no more than one is there twice. */
const TABLE_SHIFT = 28
const TABLES = 2 ** (32 - TABLE_SHIFT)
const KEYS_PER_TABLE = 2 ** TABLE_SHIFT
const SLOTS_FIRST = 32
/** Share of the slots that may be used: as keys lie in order, what is not there is missed soon even so. */
const LOAD_MAX = 0.92
const GROWTH = 1.125
/** A table that has forgotten much keeps so many slots for each id that is left. */
const SLOTS_PER_ID_KEPT = 1.25
const SHRINK_BELOW = 0.6
/** Slots behind the last place that a key may want, for those that find theirs taken. */
const TAIL_MIN = 32
const TAIL_SHIFT = 7

/** A slot: the key, the id's hash beside it, the content's. */
const SLOT_WORDS = 3
/** Days are kept as 16 bits: 0 is an empty slot, so they are moved up; what lies beyond is kept for ever. */
const EMPTY = 0
const DAY_BIAS = 2
const FOR_EVER = 0xffff

/** How an id compares with what was received: new, the same event again, or another event under the same id. */
export type Seen = 'new' | 'repeat' | 'conflict'

export class RecentIds {
  readonly #tables = Array.from({ length: TABLES }, () => new IdTable())
  /** Entries whose event the engine refused, which are few: `high:low` of their ids. */
  readonly #refused = new Set<string>()

  get size(): number {
    return this.#tables.reduce((sum, { size }) => sum + size, 0)
  }

  /** Bytes taken. */
  get bytes(): number {
    return this.#tables.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /**
   * Looks up `hashes[at …]`: id high, id low, content high, content low. Of the content the low half is compared: the id's
   * hash says which event it is, and this alone whether another came under its id.
   */
  lookUp(hashes: Uint32Array, at: number): Seen {
    const high = hashes[at] as number
    const key = keyOf(high, hashes[at + 1] as number)
    return this.#tableOf(key).lookUp(key, high, hashes[at + 3] as number)
  }

  /** Whether the engine refused what it received under this id: then the id may come again, with whatever content. */
  isRefused(hashes: Uint32Array, at: number): boolean {
    return this.#refused.size > 0 && this.#refused.has(nameOf(hashes, at))
  }

  /** Takes note that the engine refused the event of an id that is here. */
  refuse(hashes: Uint32Array, at: number): void {
    if (this.#dayOf(hashes[at] as number, hashes[at + 1] as number) !== EMPTY) this.#refused.add(nameOf(hashes, at))
  }

  /** Takes that back. */
  unrefuse(hashes: Uint32Array, at: number): void {
    this.#refused.delete(nameOf(hashes, at))
  }

  /** Whether an id that is here is kept until business day `day` at least. */
  isKeptUntil(hashes: Uint32Array, at: number, day: number): boolean {
    return this.#dayOf(hashes[at] as number, hashes[at + 1] as number) >= packedDay(day)
  }

  /** Adds what was not there, or was refused, kept until business day `day` is forgotten. */
  add(hashes: Uint32Array, at: number, day: number): void {
    const high = hashes[at] as number
    const key = keyOf(high, hashes[at + 1] as number)
    const isAnew = this.isRefused(hashes, at)
    if (isAnew) this.#refused.delete(nameOf(hashes, at))
    this.#tableOf(key).add(key, high, hashes[at + 3] as number, packedDay(day), isAnew)
  }

  /** Forgets what had to be kept until before `day`. */
  forgetBefore(day: number): void {
    for (const table of this.#tables) table.forgetBefore(packedDay(day))
    for (const name of this.#refused) {
      const [high, low] = name.split(':').map(Number) as [number, number]
      if (this.#dayOf(high, low) === EMPTY) this.#refused.delete(name)
    }
  }

  /** As `packedDay` has it, EMPTY of an id that is not here. */
  #dayOf(high: number, low: number): number {
    const key = keyOf(high, low)
    return this.#tableOf(key).dayOf(key, high)
  }

  #tableOf(key: number): IdTable {
    return this.#tables[key >>> TABLE_SHIFT] as IdTable
  }
}

/** Where an id lies in the tables. */
function keyOf(high: number, low: number): number {
  return (high ^ low) >>> 0
}

function nameOf(hashes: Uint32Array, at: number): string {
  return `${hashes[at]}:${hashes[at + 1]}`
}

/**
 * The ids whose keys begin with the same bits, in the order of their keys: each as near behind the place that its key wants
 * as those before it leave room. So a search ends at the first key that is larger, and a table is made anew in one go
 * through the one before.
 */
class IdTable {
  size = 0
  /** Places that keys may want. */
  #places = SLOTS_FIRST
  #slots = new Uint32Array(slotsFor(SLOTS_FIRST) * SLOT_WORDS)
  /** Day until which an entry must be kept, as `packedDay` has it. */
  #days = new Uint16Array(slotsFor(SLOTS_FIRST))

  get bytes(): number {
    return this.#slots.byteLength + this.#days.byteLength
  }

  lookUp(key: number, high: number, content: number): Seen {
    const slot = this.#find(key, high)
    if (!this.#holds(slot, key, high)) return 'new'
    return this.#slots[slot * SLOT_WORDS + 2] === content ? 'repeat' : 'conflict'
  }

  dayOf(key: number, high: number): number {
    const slot = this.#find(key, high)
    return this.#holds(slot, key, high) ? (this.#days[slot] as number) : EMPTY
  }

  /** Adds what was not there; what was there is left as it is, or replaced. */
  add(key: number, high: number, content: number, day: number, isReplaced: boolean): void {
    const known = this.#find(key, high)
    if (this.#holds(known, key, high)) {
      if (isReplaced) this.#put(known, key, high, content, day)
      return
    }
    if (this.size + 1 > this.#places * LOAD_MAX) this.#grow()
    let slot = this.#find(key, high)
    while (!this.#makeRoom(slot)) {
      this.#grow()
      slot = this.#find(key, high)
    }
    this.#put(slot, key, high, content, day)
    this.size++
  }

  forgetBefore(keepFrom: number): void {
    let kept = 0
    const days = this.#days
    for (let i = 0; i < days.length; i++) if (days[i] !== EMPTY && (days[i] as number) >= keepFrom) kept++
    if (kept === this.size) return
    const isSparse = kept < this.#places * SHRINK_BELOW
    this.#rebuild(isSparse ? Math.max(SLOTS_FIRST, Math.ceil(kept * SLOTS_PER_ID_KEPT)) : this.#places, keepFrom)
  }

  /** The slot where an id is, or else where it belongs; one behind the last where that is full. */
  #find(key: number, high: number): number {
    const slots = this.#slots
    const days = this.#days
    let slot = this.#placeOf(key)
    while (slot < days.length && days[slot] !== EMPTY) {
      const other = slots[slot * SLOT_WORDS] as number
      if (other > key || (other === key && slots[slot * SLOT_WORDS + 1] === high)) break
      slot++
    }
    return slot
  }

  #holds(slot: number, key: number, high: number): boolean {
    if (slot === this.#days.length || this.#days[slot] === EMPTY) return false
    return this.#slots[slot * SLOT_WORDS] === key && this.#slots[slot * SLOT_WORDS + 1] === high
  }

  #placeOf(key: number): number {
    return Math.floor((key % KEYS_PER_TABLE) * (this.#places / KEYS_PER_TABLE))
  }

  /** Moves what is at a slot, and what follows without a gap, on by one. False where there is no gap up to the end. */
  #makeRoom(slot: number): boolean {
    const days = this.#days
    let gap = slot
    while (gap < days.length && days[gap] !== EMPTY) gap++
    if (gap === days.length) return false
    if (gap === slot) return true
    days.copyWithin(slot + 1, slot, gap)
    this.#slots.copyWithin((slot + 1) * SLOT_WORDS, slot * SLOT_WORDS, gap * SLOT_WORDS)
    return true
  }

  #put(slot: number, key: number, high: number, content: number, day: number): void {
    this.#slots[slot * SLOT_WORDS] = key
    this.#slots[slot * SLOT_WORDS + 1] = high
    this.#slots[slot * SLOT_WORDS + 2] = content
    this.#days[slot] = day
  }

  #grow(): void {
    this.#rebuild(Math.ceil(this.#places * GROWTH), EMPTY)
  }

  /** Makes the table anew with so many places, or as many more as it takes. */
  #rebuild(places: number, keepFrom: number): void {
    const slots = this.#slots
    const days = this.#days
    this.#places = places
    this.#slots = new Uint32Array(slotsFor(places) * SLOT_WORDS)
    this.#days = new Uint16Array(slotsFor(places))
    this.size = 0
    let next = 0
    for (let i = 0; i < days.length; i++) {
      const day = days[i] as number
      if (day === EMPTY || day < keepFrom) continue
      const key = slots[i * SLOT_WORDS] as number
      const slot = Math.max(next, this.#placeOf(key))
      if (slot === this.#days.length) {
        this.#slots = slots
        this.#days = days
        this.#rebuild(Math.ceil(places * GROWTH), keepFrom)
        return
      }
      this.#put(slot, key, slots[i * SLOT_WORDS + 1] as number, slots[i * SLOT_WORDS + 2] as number, day)
      this.size++
      next = slot + 1
    }
  }
}

/** Slots of a table with so many places. */
function slotsFor(places: number): number {
  return places + TAIL_MIN + (places >>> TAIL_SHIFT)
}

/** Days before 1970 count as its eve, −Infinity among them; Infinity and the last days there are, as for ever. */
function packedDay(day: number): number {
  return Math.min(FOR_EVER, Math.max(-1, day) + DAY_BIAS)
}
