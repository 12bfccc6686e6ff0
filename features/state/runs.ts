/**
 * Words of many owners, each owner's one behind the other in one run. A run lies in a block of the smallest size that
 * holds it and moves to a block of another size when it has grown or shrunk. Blocks of one size fill chunks of memory from
 * the first on: the last block of a size moves into the place of one that goes, so that no hole stays behind, whatever the
 * owners do, and a chunk that is empty serves another size. A run too long for half a chunk has an array of its own. No
 * object is kept per owner.
 */

const OWNERS_FIRST = 1024
/** Sizes of blocks lie so many words apart, or this share of a size where that is more. */
const SIZE_STEP_MIN = 4
const SIZE_STEP_SHIFT = 5
/** A block begins with its owner. */
const HEAD_WORDS = 1
/** From so many words on they are copied faster in one call than one by one. */
const WORDS_IN_ONE_CALL = 128
/** An array of its own is larger than its run by this share, and at most this many times as large. */
const ALONE_ROOM_SHARE = 8
const ALONE_TIMES_MAX = 2
/** Places are words counted over all chunks, of which the first is never used: 0 is no place. */
const NO_PLACE = 0
const ALONE = 0xffff_ffff

/** Blocks of one size. */
type Size = { readonly words: number; readonly perChunk: number; readonly chunks: number[]; blocks: number }

export class RunStore {
  /** Where the run lies that was located last, until any run changes its length. */
  words: Uint32Array = NO_WORDS
  at = 0
  readonly #chunkShift: number
  readonly #chunkWords: number
  readonly #chunks: Uint32Array<SharedArrayBuffer>[] = [NO_SHARED_WORDS]
  /** By chunk: the number of its blocks' size. */
  readonly #sizeOfChunk: number[] = [0]
  /** Numbers of chunks that hold no block. */
  readonly #spare: number[] = []
  readonly #sizes: Size[]
  /** By words that a block must hold: the number of the smallest size that does. */
  readonly #sizeFor: Uint8Array
  readonly #alone = new Map<number, Uint32Array>()
  /** By owner: the place of its block, and the words of its run. */
  #owners = new Uint32Array(OWNERS_FIRST * 2)

  /** Memory is taken in chunks of 2^chunkShift words. */
  constructor(chunkShift: number) {
    this.#chunkShift = chunkShift
    this.#chunkWords = 1 << chunkShift
    this.#sizes = sizesOf(this.#chunkWords)
    this.#sizeFor = new Uint8Array((this.#sizes.at(-1) as Size).words + 1)
    for (let words = 0, size = 0; words < this.#sizeFor.length; words++) {
      if (words > (this.#sizes[size] as Size).words) size++
      this.#sizeFor[words] = size
    }
  }

  /** Words of an owner's run. */
  length(owner: number): number {
    return owner * 2 < this.#owners.length ? (this.#owners[owner * 2 + 1] as number) : 0
  }

  /** Points `words` and `at` to an owner's run and returns its length; there is nothing to point to where that is 0. */
  locate(owner: number): number {
    const length = this.length(owner)
    if (length > 0) this.#pointTo(owner, this.#owners[owner * 2] as number)
    return length
  }

  /** Gives an owner's run another length and points to it. Its first words stay; what is new is not cleared. */
  resize(owner: number, length: number): void {
    if (owner * 2 >= this.#owners.length) this.#growOwners(owner)
    const place = this.#owners[owner * 2] as number
    const from = this.#owners[owner * 2 + 1] as number
    if (this.#holds(owner, place, length)) {
      this.#owners[owner * 2 + 1] = length
      this.#pointTo(owner, place)
      return
    }
    const before = this.#wordsAt(owner, place)
    const beforeAt = this.#firstWord(place)
    const moved = this.#place(owner, length)
    this.#pointTo(owner, moved)
    copyWords(before, beforeAt, this.words, this.at, Math.min(from, length))
    // Only now may another block take the place.
    if (place !== NO_PLACE && place !== ALONE) this.#vacate(place)
    if (place === ALONE && moved !== ALONE) this.#alone.delete(owner)
    this.#owners[owner * 2] = moved
    this.#owners[owner * 2 + 1] = length
  }

  /** Copies an owner's run to `target` from word `at` on, which must have room; returns its words. */
  read(owner: number, target: Uint32Array, at = 0): number {
    const length = this.locate(owner)
    if (length > 0) copyWords(this.words, this.at, target, at, length)
    return length
  }

  /** Makes `length` words of `source` from `at` on an owner's run. */
  write(owner: number, source: Uint32Array, at: number, length: number): void {
    this.resize(owner, length)
    copyWords(source, at, this.words, this.at, length)
  }

  /** Takes `count` words out of an owner's run, from its word `from` on. */
  drop(owner: number, from: number, count: number): void {
    const length = this.locate(owner)
    const to = this.at + from
    this.words.copyWithin(to, to + count, this.at + length)
    this.resize(owner, length - count)
  }

  /** Bytes taken, spare chunks included. */
  get bytes(): number {
    let words = (this.#chunks.length - 1) * this.#chunkWords + this.#owners.length
    for (const alone of this.#alone.values()) words += alone.length
    return words * Uint32Array.BYTES_PER_ELEMENT
  }

  /** Chunks that hold blocks. */
  get chunks(): number {
    return this.#chunks.length - 1 - this.#spare.length
  }

  /** Takes memory for so many owners and chunks in all. */
  reserve(owners: number, chunks: number): void {
    if (owners * 2 > this.#owners.length) this.#growOwners(owners - 1)
    const added: number[] = []
    while (this.#chunks.length - 1 < chunks) added.push(this.#addChunk())
    // The first one is used first.
    this.#spare.push(...added.reverse())
  }

  /** What the blocks of chunks lie in. */
  get memory(): readonly SharedArrayBuffer[] {
    return this.#chunks.slice(1).map(({ buffer }) => buffer)
  }

  /** Whether a place is right for a run of that length: a block may be one size larger than it must. */
  #holds(owner: number, place: number, length: number): boolean {
    const words = length + HEAD_WORDS
    if (length === 0) return place === NO_PLACE
    if (place === NO_PLACE) return false
    if (place === ALONE) {
      const room = (this.#alone.get(owner) as Uint32Array).length
      return words >= this.#sizeFor.length && words <= room && words * ALONE_TIMES_MAX >= room
    }
    if (words >= this.#sizeFor.length) return false
    const more = (this.#sizeOfChunk[place >>> this.#chunkShift] as number) - (this.#sizeFor[words] as number)
    return more === 0 || more === 1
  }

  /** A place for a run of that length. */
  #place(owner: number, length: number): number {
    if (length === 0) return NO_PLACE
    const words = length + HEAD_WORDS
    if (words >= this.#sizeFor.length) {
      this.#alone.set(owner, new Uint32Array(words + Math.ceil(words / ALONE_ROOM_SHARE)))
      return ALONE
    }
    const number = this.#sizeFor[words] as number
    const size = this.#sizes[number] as Size
    const slot = size.blocks % size.perChunk
    if (slot === 0) {
      const chunk = this.#spare.pop() ?? this.#addChunk()
      this.#sizeOfChunk[chunk] = number
      size.chunks.push(chunk)
    }
    size.blocks++
    const place = ((size.chunks.at(-1) as number) * this.#chunkWords + slot * size.words) >>> 0
    this.#wordsAt(owner, place)[place & (this.#chunkWords - 1)] = owner
    return place
  }

  /** Lets a block go: the last one of its size takes its place. */
  #vacate(place: number): void {
    const size = this.#sizes[this.#sizeOfChunk[place >>> this.#chunkShift] as number] as Size
    const chunk = size.chunks.at(-1) as number
    size.blocks--
    const slot = size.blocks % size.perChunk
    const last = (chunk * this.#chunkWords + slot * size.words) >>> 0
    if (last !== place) {
      const from = this.#chunks[chunk] as Uint32Array
      const at = slot * size.words
      const owner = from[at] as number
      const length = this.#owners[owner * 2 + 1] as number
      const to = this.#chunks[place >>> this.#chunkShift] as Uint32Array
      copyWords(from, at, to, place & (this.#chunkWords - 1), length + HEAD_WORDS)
      this.#owners[owner * 2] = place
    }
    if (slot === 0) this.#spare.push(size.chunks.pop() as number)
  }

  #pointTo(owner: number, place: number): void {
    this.words = this.#wordsAt(owner, place)
    this.at = this.#firstWord(place)
  }

  #wordsAt(owner: number, place: number): Uint32Array {
    if (place === ALONE) return this.#alone.get(owner) as Uint32Array
    return this.#chunks[place >>> this.#chunkShift] as Uint32Array
  }

  /** Where a run begins that has that place. */
  #firstWord(place: number): number {
    return place === ALONE ? HEAD_WORDS : (place & (this.#chunkWords - 1)) + HEAD_WORDS
  }

  /** Shared memory: each 64 MB of the other kind let V8 collect all garbage, and no other thread can prepare them. */
  #addChunk(): number {
    // The last number a place could have is ALONE.
    if (this.#chunks.length >= 2 ** (32 - this.#chunkShift) - 1) throw new Error('a store of runs is full')
    this.#sizeOfChunk.push(0)
    const bytes = this.#chunkWords * Uint32Array.BYTES_PER_ELEMENT
    return this.#chunks.push(new Uint32Array(new SharedArrayBuffer(bytes))) - 1
  }

  #growOwners(owner: number): void {
    let length = this.#owners.length
    while (length <= owner * 2) length = Math.ceil(length * 0.625) * 2
    const owners = new Uint32Array(length)
    owners.set(this.#owners)
    this.#owners = owners
  }
}

const NO_WORDS = new Uint32Array(0)
const NO_SHARED_WORDS = new Uint32Array(new SharedArrayBuffer(0))

/** Sizes of which some make up a chunk with little left over, the largest half of it. */
function sizesOf(chunkWords: number): Size[] {
  const sizes: Size[] = []
  let words = 0
  for (let perChunk = chunkWords; perChunk >= 2; perChunk--) {
    const next = Math.floor(chunkWords / perChunk)
    if (next < words + Math.max(SIZE_STEP_MIN, words >>> SIZE_STEP_SHIFT) && perChunk > 2) continue
    words = next
    sizes.push({ words, perChunk, chunks: [], blocks: 0 })
  }
  return sizes
}

function copyWords(from: Uint32Array, fromAt: number, to: Uint32Array, toAt: number, count: number): void {
  if (count >= WORDS_IN_ONE_CALL) to.set(from.subarray(fromAt, fromAt + count), toAt)
  else for (let k = 0; k < count; k++) to[toAt + k] = from[fromAt + k] as number
}
