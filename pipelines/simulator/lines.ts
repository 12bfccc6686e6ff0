/** Milliseconds of a day need 27 bits, so 26 bits are left of a double's 53 for a line's number. */
const LINES_MAX = 2 ** 26
const BYTES_FIRST = 1 << 16

/**
 * The lines of one day: written in any order, handed out in time order (lines of the same millisecond in the order in
 * which they were added). All text is ASCII.
 */
export class LineSheet {
  private bytes: Buffer = Buffer.allocUnsafe(BYTES_FIRST)
  private used = 0
  private starts = new Float64Array(1024)
  private keys = new Float64Array(1024)
  /** Lines added since the last `take`. */
  count = 0

  /** Adds a line (its newline included) at a time within the day in milliseconds. */
  add(timeOfDay: number, line: string): void {
    if (this.used + line.length > this.bytes.length) this.growBytes(line.length)
    if (this.count + 1 >= this.starts.length) this.growLines()
    this.keys[this.count] = timeOfDay * LINES_MAX + this.count
    this.starts[this.count] = this.used
    this.used += this.bytes.write(line, this.used, 'latin1')
    this.count += 1
    this.starts[this.count] = this.used
  }

  /** All lines in time order, and forgets them. */
  take(): Buffer {
    const order = this.keys.subarray(0, this.count).sort()
    const out = Buffer.allocUnsafe(this.used)
    let to = 0
    for (let i = 0; i < this.count; i++) {
      const line = order[i]! % LINES_MAX
      const start = this.starts[line]!
      const end = this.starts[line + 1]!
      this.bytes.copy(out, to, start, end)
      to += end - start
    }
    this.used = 0
    this.count = 0
    return out
  }

  private growBytes(more: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + more))
    this.bytes.copy(grown, 0, 0, this.used)
    this.bytes = grown
  }

  private growLines(): void {
    if (this.count + 1 >= LINES_MAX) throw new RangeError(`more than ${LINES_MAX} events in one day`)
    const starts = new Float64Array(this.starts.length * 2)
    const keys = new Float64Array(this.keys.length * 2)
    starts.set(this.starts)
    keys.set(this.keys)
    this.starts = starts
    this.keys = keys
  }
}
