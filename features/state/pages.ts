/**
 * Rows of many owners in fixed pages of 32-bit words: a row is `stride` words, a page holds some rows and the number of
 * the page before it. An owner's rows fill its pages from the first on, so that only its last page has room. Nothing is
 * ever moved to grow, freed pages serve the next owner, and no object is kept per owner.
 */

/** Pages of one chunk, the unit in which memory is taken: a megabyte at the most. A power of two, so that a shift finds it. */
const CHUNK_SHIFT = 12
const PAGES_PER_CHUNK = 1 << CHUNK_SHIFT
const OWNERS_FIRST = 1024
/** Page numbers begin at 1: 0 is no page. */
const NO_PAGE = 0

export class PageStore {
  readonly stride: number
  readonly rowsPerPage: number
  readonly #pageWords: number
  readonly #chunks: Uint32Array[] = []
  #pagesUsed = 0
  readonly #free: number[] = []
  /** By owner: number of its last page, and of its rows. */
  #lastPage = new Uint32Array(OWNERS_FIRST)
  #rows = new Uint32Array(OWNERS_FIRST)

  constructor(stride: number, rowsPerPage: number) {
    this.stride = stride
    this.rowsPerPage = rowsPerPage
    this.#pageWords = stride * rowsPerPage + 1
  }

  /** Rows of an owner. */
  count(owner: number): number {
    return owner < this.#rows.length ? (this.#rows[owner] as number) : 0
  }

  /** Copies an owner's rows, oldest first, to `target` from word `at` on, which must have room; returns their number. */
  read(owner: number, target: Uint32Array, at = 0): number {
    const rows = this.count(owner)
    if (rows === 0) return 0
    const full = this.stride * this.rowsPerPage
    let page = this.#lastPage[owner] as number
    let end = rows * this.stride
    let begin = Math.floor((rows - 1) / this.rowsPerPage) * full
    while (page !== NO_PAGE) {
      const words = this.wordsOf(page)
      const from = this.firstWord(page) - begin
      for (let k = begin; k < end; k++) target[at + k] = words[from + k] as number
      end = begin
      begin -= full
      page = words[from + begin + full * 2] as number
    }
    return rows
  }

  /** Adds a row, whose words are those of `row` from `at` on, behind an owner's others. */
  append(owner: number, row: Uint32Array, at: number): void {
    if (owner >= this.#rows.length) this.#growOwners(owner)
    const rows = this.#rows[owner] as number
    const slot = rows % this.rowsPerPage
    if (slot === 0) this.#lastPage[owner] = this.#take(this.#lastPage[owner] as number)
    const page = this.#lastPage[owner] as number
    const words = this.wordsOf(page)
    const to = this.firstWord(page) + slot * this.stride
    for (let k = 0; k < this.stride; k++) words[to + k] = row[at + k] as number
    this.#rows[owner] = rows + 1
  }

  /** Replaces an owner's rows from row `from` on by those of `source`, where row r begins at word `at` + r · stride. */
  rewrite(owner: number, from: number, source: Uint32Array, rows: number, at = 0): void {
    if (owner >= this.#rows.length) this.#growOwners(owner)
    const keep = Math.floor(from / this.rowsPerPage)
    let pages = Math.ceil((this.#rows[owner] as number) / this.rowsPerPage)
    const wanted = Math.ceil(rows / this.rowsPerPage)
    let page = this.#lastPage[owner] as number
    for (; pages > wanted; pages--) page = this.#release(page)
    for (; pages < wanted; pages++) page = this.#take(page)
    this.#lastPage[owner] = page
    this.#rows[owner] = rows
    const full = this.stride * this.rowsPerPage
    for (let number = wanted - 1; number >= keep; number--) {
      const words = this.wordsOf(page)
      const to = this.firstWord(page)
      const begin = number * full
      const end = Math.min(begin + full, rows * this.stride)
      for (let k = begin; k < end; k++) words[to + k - begin] = source[at + k] as number
      page = words[to + full] as number
    }
  }

  /** Sets one word of one row. */
  set(owner: number, row: number, word: number, value: number): void {
    let page = this.#lastPage[owner] as number
    const target = Math.floor(row / this.rowsPerPage)
    let number = Math.floor(((this.#rows[owner] as number) - 1) / this.rowsPerPage)
    for (; number > target; number--) page = this.before(page)
    const at = this.firstWord(page) + (row - target * this.rowsPerPage) * this.stride + word
    this.wordsOf(page)[at] = value
  }

  /** Lets an owner's first page go, which must be full and not its only one. */
  dropFirstPage(owner: number): void {
    let next = this.#lastPage[owner] as number
    for (let page = this.before(next); this.before(page) !== NO_PAGE; page = this.before(next)) next = page
    this.#release(this.before(next))
    this.#setBefore(next, NO_PAGE)
    this.#rows[owner] = (this.#rows[owner] as number) - this.rowsPerPage
  }

  /** Bytes taken, free pages included. */
  get bytes(): number {
    const chunks = this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    return chunks + this.#lastPage.byteLength + this.#rows.byteLength
  }

  #take(before: number): number {
    let page = this.#free.pop()
    if (page === undefined) {
      if (this.#pagesUsed % PAGES_PER_CHUNK === 0) {
        this.#chunks.push(new Uint32Array(PAGES_PER_CHUNK * this.#pageWords))
      }
      page = ++this.#pagesUsed
    }
    this.#setBefore(page, before)
    return page
  }

  /** Frees a page and returns the one before it. */
  #release(page: number): number {
    this.#free.push(page)
    return this.before(page)
  }

  /** Number of an owner's last page, 0 where it has none. */
  lastPage(owner: number): number {
    return owner < this.#rows.length ? (this.#lastPage[owner] as number) : NO_PAGE
  }

  /** The page before a page, 0 where it is the first. */
  before(page: number): number {
    return this.wordsOf(page)[this.firstWord(page) + this.#pageWords - 1] as number
  }

  #setBefore(page: number, before: number): void {
    this.wordsOf(page)[this.firstWord(page) + this.#pageWords - 1] = before
  }

  /** The words that a page lies in, and where it begins there. */
  wordsOf(page: number): Uint32Array {
    return this.#chunks[(page - 1) >>> CHUNK_SHIFT] as Uint32Array
  }

  firstWord(page: number): number {
    return ((page - 1) & (PAGES_PER_CHUNK - 1)) * this.#pageWords
  }

  #growOwners(owner: number): void {
    let length = this.#rows.length
    while (length <= owner) length = Math.ceil(length * 1.5)
    const lastPage = new Uint32Array(length)
    lastPage.set(this.#lastPage)
    this.#lastPage = lastPage
    const rows = new Uint32Array(length)
    rows.set(this.#rows)
    this.#rows = rows
  }
}
