/**
 * Rows of many owners in fixed pages of 32-bit words: a row is `stride` words, a page holds some rows and the number of
 * the page before it. An owner's rows fill its pages from the first on, so that only its last page has room. Nothing is
 * ever moved to grow, freed pages serve the next owner, and no object is kept per owner.
 */

/** Pages of one chunk, the unit in which memory is taken: a megabyte at the most. A power of two, so that a shift finds it. */
const CHUNK_SHIFT = 12
const PAGES_PER_CHUNK = 1 << CHUNK_SHIFT
const OWNERS_FIRST = 1024
/** From so many words on they are copied faster in one call than one by one. */
const WORDS_IN_ONE_CALL = 128
/** Page numbers begin at 1: 0 is no page. */
const NO_PAGE = 0

export class PageStore {
  readonly stride: number
  readonly rowsPerPage: number
  readonly #pageWords: number
  readonly #chunks: Uint32Array<SharedArrayBuffer>[] = []
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

  /** Copies an owner's rows, oldest first, to the beginning of `target`, which must have room; returns their number. */
  read(owner: number, target: Uint32Array): number {
    const rows = this.count(owner)
    if (rows === 0) return 0
    const full = this.stride * this.rowsPerPage
    let page = this.#lastPage[owner] as number
    let end = rows * this.stride
    let begin = Math.floor((rows - 1) / this.rowsPerPage) * full
    while (page !== NO_PAGE) {
      const words = this.wordsOf(page)
      const from = this.firstWord(page) - begin
      for (let k = begin; k < end; k++) target[k] = words[from + k] as number
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

  /** Replaces an owner's rows from row `from` on by those of `source`, where row r begins at word r · stride. */
  rewrite(owner: number, from: number, source: Uint32Array, rows: number): void {
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
      for (let k = begin; k < end; k++) words[to + k - begin] = source[k] as number
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

  /** Words of an owner's pages, whole ones. */
  wordsOfPages(owner: number): number {
    return this.#pagesFor(this.count(owner)) * this.#pageWords
  }

  /**
   * Copies an owner's pages as they lie, oldest first, to `target` from word `at` on, with zeros where they hold no row;
   * returns the words that these are.
   */
  copyPages(owner: number, target: Uint32Array, at: number): number {
    const total = this.wordsOfPages(owner)
    const pageWords = this.#pageWords
    let used = this.count(owner) * this.stride - (total / pageWords - 1) * (pageWords - 1)
    let to = at + total
    for (let page = this.lastPage(owner); page !== NO_PAGE; page = this.before(page)) {
      to -= pageWords
      const words = this.wordsOf(page)
      const from = this.firstWord(page)
      for (let k = 0; k < used; k++) target[to + k] = words[from + k] as number
      for (let k = used; k < pageWords; k++) target[to + k] = 0
      used = pageWords - 1
    }
    return total
  }

  /** Gives an owner that has none the pages that were copied of one with so many rows; returns the words that these are. */
  pastePages(owner: number, rows: number, source: Uint32Array, at: number): number {
    if (owner >= this.#rows.length) this.#growOwners(owner)
    const total = this.#pagesFor(rows) * this.#pageWords
    let before = NO_PAGE
    for (let from = at; from < at + total; ) {
      const first = this.#take(NO_PAGE)
      let last = first
      let end = from + this.#pageWords
      // New pages of a chunk lie one behind the other, so that they are copied in one call.
      while (end < at + total && last === this.#pagesUsed && last % PAGES_PER_CHUNK !== 0) {
        this.#pagesUsed = ++last
        end += this.#pageWords
      }
      copyWords(source, from, this.wordsOf(first), this.firstWord(first), end - from)
      this.#setBefore(first, before)
      for (let page = first + 1; page <= last; page++) this.#setBefore(page, page - 1)
      before = last
      from = end
    }
    this.#lastPage[owner] = before
    this.#rows[owner] = rows
    return total
  }

  #pagesFor(rows: number): number {
    return Math.ceil(rows / this.rowsPerPage)
  }

  /** Pages that hold rows. */
  get pages(): number {
    return this.#pagesUsed - this.#free.length
  }

  /** Takes memory for so many owners and pages in all. */
  reserve(owners: number, pages: number): void {
    if (owners > this.#rows.length) this.#growOwners(owners - 1)
    while (this.#chunks.length * PAGES_PER_CHUNK < pages) this.#addChunk()
  }

  /** What the pages lie in. */
  get memory(): readonly SharedArrayBuffer[] {
    return this.#chunks.map(({ buffer }) => buffer)
  }

  /** Shared memory: each 64 MB of the other kind let V8 collect all garbage, and no other thread can prepare them. */
  #addChunk(): void {
    const bytes = PAGES_PER_CHUNK * this.#pageWords * Uint32Array.BYTES_PER_ELEMENT
    this.#chunks.push(new Uint32Array(new SharedArrayBuffer(bytes)))
  }

  #take(before: number): number {
    let page = this.#free.pop()
    if (page === undefined) {
      if (this.#pagesUsed === this.#chunks.length * PAGES_PER_CHUNK) this.#addChunk()
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

function copyWords(from: Uint32Array, fromAt: number, to: Uint32Array, toAt: number, count: number): void {
  if (count >= WORDS_IN_ONE_CALL) to.set(from.subarray(fromAt, fromAt + count), toAt)
  else for (let k = 0; k < count; k++) to[toAt + k] = from[fromAt + k] as number
}
