const BORROWERS_FIRST = 1024

/** Numbers of every borrower of a partition, one column each: what an object per borrower would box one by one. */
export class BorrowerColumns {
  /** As-of time of the latest evaluation: the largest event time seen, ticks included; −Infinity before any. */
  time = new Float64Array(BORROWERS_FIRST)
  /** Smallest time of a transaction received; Infinity before any. */
  transactions_since = new Float64Array(BORROWERS_FIRST)
  last_balance_minor = new Float64Array(BORROWERS_FIRST)
  last_balance_time = new Float64Array(BORROWERS_FIRST)
  last_salary_time = new Float64Array(BORROWERS_FIRST)
  /** End of the latest report date of a bureau query; −Infinity before any. */
  report_end = new Float64Array(BORROWERS_FIRST)
  /** Loans known, and those of them that are neither closed nor written off. */
  loans = new Uint16Array(BORROWERS_FIRST)
  open_loans = new Uint16Array(BORROWERS_FIRST)
  #capacity = BORROWERS_FIRST

  /** Gives borrower `index` its first values. */
  begin(index: number): void {
    if (index >= this.#capacity) this.#grow()
    this.time[index] = Number.NEGATIVE_INFINITY
    this.transactions_since[index] = Number.POSITIVE_INFINITY
    this.last_balance_minor[index] = Number.NaN
    this.last_balance_time[index] = Number.NEGATIVE_INFINITY
    this.last_salary_time[index] = Number.NEGATIVE_INFINITY
    this.report_end[index] = Number.NEGATIVE_INFINITY
  }

  #grow(): void {
    this.#capacity = Math.ceil(this.#capacity * 1.5)
    const larger = (values: Float64Array) => {
      const copy = new Float64Array(this.#capacity)
      copy.set(values)
      return copy
    }
    const largerCounts = (values: Uint16Array) => {
      const copy = new Uint16Array(this.#capacity)
      copy.set(values)
      return copy
    }
    this.time = larger(this.time)
    this.transactions_since = larger(this.transactions_since)
    this.last_balance_minor = larger(this.last_balance_minor)
    this.last_balance_time = larger(this.last_balance_time)
    this.last_salary_time = larger(this.last_salary_time)
    this.report_end = larger(this.report_end)
    this.loans = largerCounts(this.loans)
    this.open_loans = largerCounts(this.open_loans)
  }
}
