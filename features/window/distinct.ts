/** A set of numbers that is emptied in constant time: a slot counts only if it carries the current stamp. */
export class DistinctSet {
  #keys = new Float64Array(64)
  #stamps = new Uint32Array(64)
  #mask = 63
  #stamp = 0

  /** Empties the set and makes room for up to `count` numbers at half load. */
  reset(count: number): void {
    if (count * 2 > this.#keys.length) {
      let size = this.#keys.length
      while (size < count * 2) size *= 2
      this.#keys = new Float64Array(size)
      this.#stamps = new Uint32Array(size)
      this.#mask = size - 1
      this.#stamp = 0
    }
    this.#stamp++
    if (this.#stamp === 0xffffffff) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
  }

  /** 1 if the number was new, else 0. */
  add(key: number): number {
    let slot = (key >>> 0) & this.#mask
    while (this.#stamps[slot] === this.#stamp) {
      if (this.#keys[slot] === key) return 0
      slot = (slot + 1) & this.#mask
    }
    this.#stamps[slot] = this.#stamp
    this.#keys[slot] = key
    return 1
  }
}
