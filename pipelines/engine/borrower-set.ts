const WORDS_FIRST = 32
const BITS = 32

/** Some borrowers of a partition, by their index: a bit each, as there are millions. */
export class BorrowerSet {
  #words: Uint32Array

  /** The first `count` borrowers. */
  constructor(count = 0) {
    this.#words = new Uint32Array(Math.max(WORDS_FIRST, Math.ceil(count / BITS)))
    this.#words.fill(0xffff_ffff, 0, count >>> 5)
    if (count % BITS !== 0) this.#words[count >>> 5] = 2 ** (count % BITS) - 1
  }

  has(index: number): boolean {
    return (((this.#words[index >>> 5] ?? 0) >>> (index & 31)) & 1) !== 0
  }

  add(index: number): void {
    const at = index >>> 5
    if (at >= this.#words.length) {
      const larger = new Uint32Array(Math.max(at + 1, Math.ceil(this.#words.length * 1.5)))
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words[at] = (this.#words[at] as number) | (1 << (index & 31))
  }

  delete(index: number): void {
    const at = index >>> 5
    if (at < this.#words.length) this.#words[at] = (this.#words[at] as number) & ~(1 << (index & 31))
  }

  /** The first of them that is `from` or above, −1 where there is none. */
  next(from: number): number {
    let at = from >>> 5
    let word = (this.#words[at] ?? 0) & (-1 << (from & 31))
    while (word === 0) {
      if (++at >= this.#words.length) return -1
      word = this.#words[at] as number
    }
    return at * BITS + 31 - Math.clz32(word & -word)
  }
}
