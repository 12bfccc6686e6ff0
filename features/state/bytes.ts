/** Compact binary writing and reading, little endian, for state that is kept on disk. */

export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 1 << 16) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** What was written; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }

  f64(value: number): void {
    this.#reserve(8)
    this.#length = this.#bytes.writeDoubleLE(value, this.#length)
  }

  /** Sets a number written before, for a length that is known only now. */
  setU32(at: number, value: number): void {
    this.#bytes.writeUInt32LE(value, at)
  }

  string(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.u32(bytes)
    this.#reserve(bytes)
    this.#length += this.#bytes.write(text, this.#length)
  }

  numbers(values: readonly number[]): void {
    this.u32(values.length)
    for (const value of values) this.f64(value)
  }

  /** Raw bytes of a typed array, whose length the reader knows. */
  raw(values: Float64Array | Uint32Array): void {
    this.#reserve(values.byteLength)
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), this.#length)
    this.#length += values.byteLength
  }

  bytes(values: Uint8Array): void {
    this.u32(values.length)
    this.#reserve(values.length)
    this.#bytes.set(values, this.#length)
    this.#length += values.length
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

export class ByteReader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  u8(): number {
    return this.#bytes[this.at++] as number
  }

  u32(): number {
    const value = this.#bytes.readUInt32LE(this.at)
    this.at += 4
    return value
  }

  f64(): number {
    const value = this.#bytes.readDoubleLE(this.at)
    this.at += 8
    return value
  }

  string(): string {
    const bytes = this.u32()
    const text = this.#bytes.toString('utf8', this.at, this.at + bytes)
    this.at += bytes
    return text
  }

  numbers(): number[] {
    return Array.from({ length: this.u32() }, () => this.f64())
  }

  raw(target: Float64Array | Uint32Array): void {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
    bytes.set(this.#bytes.subarray(this.at, this.at + bytes.length))
    this.at += bytes.length
  }

  bytes(): Uint8Array {
    const length = this.u32()
    const values = Uint8Array.from(this.#bytes.subarray(this.at, this.at + length))
    this.at += length
    return values
  }
}
