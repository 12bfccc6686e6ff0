/** Goes through rows that are ordered by their place and arrive in pieces, alongside something else with places. */
export class PlaceCursor<Row extends { readonly offset: number }> {
  readonly #pieces: AsyncGenerator<Row[], void, undefined>
  #rows: readonly Row[] = []
  #at = 0
  #isAtEnd = false

  constructor(pieces: AsyncGenerator<Row[], void, undefined>) {
    this.#pieces = pieces
  }

  /** Hands over, and goes past, every row whose place is `offset` or before it. */
  async takeThrough(offset: number, take: (row: Row) => void): Promise<void> {
    for (;;) {
      for (; this.#at < this.#rows.length; this.#at++) {
        const row = this.#rows[this.#at] as Row
        if (row.offset > offset) return
        take(row)
      }
      if (this.#isAtEnd) return
      const next = await this.#pieces.next()
      this.#isAtEnd = next.done === true
      this.#rows = next.done === true ? [] : next.value
      this.#at = 0
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return()
  }
}
