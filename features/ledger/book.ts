import type { Names } from '../state/names.ts'
import { RunStore } from '../state/runs.ts'
import { WordBuffer } from '../state/words.ts'
import { Loan } from './loan.ts'
import { packLoan, unpackLoan } from './pack.ts'

const CHUNK_SHIFT = 11
const NOBODY = -1
const NO_LOANS: readonly Loan[] = []

/**
 * The loans of all borrowers of a partition. At rest a borrower's are packed in one run of words; one borrower's at a time are open,
 * as objects. Whoever changes them says so (`changed`), and they are packed when another borrower's are opened.
 */
export class LoanBook {
  readonly runs = new RunStore(CHUNK_SHIFT)
  readonly names: Names
  readonly #pool: Loan[] = []
  readonly #buffer = new WordBuffer()
  #opened = NOBODY
  #loans: Loan[] = []
  #isChanged = false

  constructor(names: Names) {
    this.names = names
  }

  /** A borrower's loans in log order of their disbursement, as of business date `day`, valid until others are opened. */
  open(borrower: number, day: number): readonly Loan[] {
    if (this.#opened === borrower) return this.#loans
    if (this.runs.length(borrower) === 0 && !this.#isChanged) return NO_LOANS
    this.save()
    this.#opened = borrower
    this.#loans = []
    const words = this.runs.length(borrower)
    if (words === 0) return this.#loans
    const buffer = this.#buffer
    buffer.at = 0
    buffer.reserve(words)
    this.runs.read(borrower, buffer.words)
    for (let left = buffer.get(); left > 0; left--) {
      const loan = this.#next()
      unpackLoan(loan, buffer)
      loan.reallocate(day)
    }
    return this.#loans
  }

  /** A further loan of the borrower whose loans are open, or of one who has none yet. */
  add(borrower: number): Loan {
    if (this.#opened !== borrower) {
      this.save()
      this.#opened = borrower
      this.#loans = []
    }
    this.#isChanged = true
    return this.#next()
  }

  /** Whether a borrower's loans are those that are open. */
  isOpen(borrower: number): boolean {
    return this.#opened === borrower
  }

  /** What is open was changed. */
  changed(): void {
    this.#isChanged = true
  }

  /** Packs what is open, if it was changed. */
  save(): void {
    if (!this.#isChanged) return
    this.#isChanged = false
    const buffer = this.#buffer
    buffer.at = 0
    buffer.reserve(1)
    buffer.put(this.#loans.length)
    for (const loan of this.#loans) packLoan(loan, buffer)
    this.runs.write(this.#opened, buffer.words, 0, buffer.at)
  }

  /** Forgets what is open, for whoever has written to the runs. */
  forget(): void {
    this.#isChanged = false
    this.#opened = NOBODY
    this.#loans = []
  }

  #next(): Loan {
    const number = this.#loans.length
    const loan = this.#pool[number] ?? new Loan(this.names)
    this.#pool[number] = loan
    this.#loans.push(loan)
    return loan
  }
}
