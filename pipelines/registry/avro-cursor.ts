import { isUtf8 } from 'node:buffer'
import { integerOf, Misfit } from './exact.ts'

/** Deeper than any event, shallower than the stack. */
const DEPTH_MAX = 32
const LONG_BYTES_MAX = 10
/** Seven groups of seven bits are exact in a double. */
const EXACT_BYTES_MAX = 7

/**
 * Reads Avro's binary encoding from its beginning. Whatever the bytes say, it does no more work than there are bytes: a
 * count of four billion items in a record of ten bytes is refused, where avsc's own reader makes that many.
 */
export class AvroCursor {
  readonly #bytes: Buffer
  #at = 0
  #depth = 0
  #items = 0

  constructor(payload: Uint8Array) {
    this.#bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  }

  byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new Misfit('not_by_schema', 'the record ends too early')
    this.#at++
    return byte
  }

  /** An int or a long that a double can hold. */
  integer(): number {
    const begin = this.#at
    let value = 0
    let unit = 1
    for (let k = 0; k < EXACT_BYTES_MAX; k++) {
      const byte = this.byte()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      unit *= 128
    }
    this.#at = begin
    return integerOf(this.long())
  }

  long(): bigint {
    let value = 0n
    for (let k = 0; k < LONG_BYTES_MAX; k++) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << BigInt(7 * k)
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n))
    }
    throw new Misfit('not_by_schema', 'an integer has more than ten bytes')
  }

  float(): number {
    return this.take(4).readFloatLE()
  }

  double(): number {
    return this.take(8).readDoubleLE()
  }

  take(length: number): Buffer {
    const end = this.#at + length
    if (length < 0 || end > this.#bytes.length) throw new Misfit('not_by_schema', 'the record ends too early')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  text(): string {
    const bytes = this.take(this.integer())
    if (!isUtf8(bytes)) throw new Misfit('not_utf8', 'the bytes are not UTF-8')
    return bytes.toString('utf8')
  }

  /** Calls `item` for each item of an array or a map, which come in blocks. */
  blocks(item: () => void): void {
    for (;;) {
      let count = this.integer()
      if (count === 0) return
      // A negative count is followed by the block's length in bytes.
      if (count < 0) {
        count = -count
        this.integer()
      }
      this.#items += count
      if (this.#items > this.#bytes.length) throw new Misfit('not_by_schema', 'more items than bytes')
      for (let k = 0; k < count; k++) item()
    }
  }

  nested<Value>(read: () => Value): Value {
    if (++this.#depth > DEPTH_MAX) throw new Misfit('not_by_schema', `nested deeper than ${DEPTH_MAX}`)
    const value = read()
    this.#depth--
    return value
  }

  end(): void {
    const rest = this.#bytes.length - this.#at
    if (rest > 0) throw new Misfit('not_by_schema', `${rest} bytes are left over`)
  }
}
