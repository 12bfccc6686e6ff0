const WORDS_FIRST = 4096

/** 32-bit words that are written and read one after the other. Bytes lie in them as the machine has them: little endian. */
export class WordBuffer {
  words: Uint32Array
  at = 0
  readonly #double = new Float64Array(1)
  readonly #halves = new Uint32Array(this.#double.buffer)
  #bytes: Buffer | undefined

  constructor(words: Uint32Array = new Uint32Array(WORDS_FIRST)) {
    this.words = words
  }

  /** Room for so many more words. */
  reserve(count: number): void {
    if (this.at + count <= this.words.length) return
    const larger = new Uint32Array((this.at + count) * 2)
    larger.set(this.words)
    this.words = larger
    this.#bytes = undefined
  }

  put(word: number): void {
    this.words[this.at++] = word
  }

  get(): number {
    return this.words[this.at++] as number
  }

  putDouble(value: number): void {
    this.#double[0] = value
    this.words[this.at++] = this.#halves[0] as number
    this.words[this.at++] = this.#halves[1] as number
  }

  getDouble(): number {
    this.#halves[0] = this.words[this.at++] as number
    this.#halves[1] = this.words[this.at++] as number
    return this.#double[0] as number
  }

  /** Text, its length first. Latin 1 takes the shorter way: it must be told when it is read, too. */
  putText(text: string, encoding: 'latin1' | 'utf8'): void {
    const length = encoding === 'latin1' ? text.length : Buffer.byteLength(text)
    this.reserve(1 + wordsOf(length))
    this.put(length)
    if (length === 0) return
    // The last word's bytes behind the text are not left to chance.
    this.words[this.at + wordsOf(length) - 1] = 0
    this.#asBytes().write(text, this.at * 4, length, encoding)
    this.at += wordsOf(length)
  }

  getText(encoding: 'latin1' | 'utf8'): string {
    const length = this.get()
    const from = this.at * 4
    this.at += wordsOf(length)
    return length === 0 ? '' : this.#asBytes().toString(encoding, from, from + length)
  }

  /** Bytes, their number first. */
  putBytes(values: Uint8Array): void {
    this.reserve(1 + wordsOf(values.length))
    this.put(values.length)
    if (values.length === 0) return
    this.words[this.at + wordsOf(values.length) - 1] = 0
    this.#asBytes().set(values, this.at * 4)
    this.at += wordsOf(values.length)
  }

  getBytes(): Uint8Array {
    const length = this.get()
    // A short array that is filled one by one lies on V8's heap; one made of a buffer's part would take a buffer of its own.
    const values = new Uint8Array(length)
    for (let k = 0; k < length; k++) values[k] = (this.words[this.at + (k >>> 2)] as number) >>> ((k & 3) * 8)
    this.at += wordsOf(length)
    return values
  }

  /** What was written so far; valid until the next write. */
  written(): Buffer {
    return this.#asBytes().subarray(0, this.at * 4)
  }

  #asBytes(): Buffer {
    const { buffer, byteOffset, byteLength } = this.words
    this.#bytes ??= Buffer.from(buffer, byteOffset, byteLength)
    return this.#bytes
  }
}

/** Words that so many bytes take. */
function wordsOf(bytes: number): number {
  return (bytes + 3) >>> 2
}
