const BORROWERS_FIRST = 1024
const GROWTH = 1.5

/** Columns of numbers that there are of every borrower. */
export const COLUMN = {
  /** As-of time of the latest evaluation: the largest event time seen, ticks included; −Infinity before any. */
  TIME: 0,
  /** Smallest time of a transaction received; Infinity before any. */
  TRANSACTIONS_SINCE: 1,
  LAST_BALANCE_MINOR: 2,
  LAST_BALANCE_TIME: 3,
  LAST_SALARY_TIME: 4,
  /** End of the latest report date of a bureau query; −Infinity before any. */
  REPORT_END: 5,
  /** Loans known, and those of them that are neither closed nor written off. */
  LOANS: 6,
  OPEN_LOANS: 7,
} as const
type Column = (typeof COLUMN)[keyof typeof COLUMN]

/** A borrower's eight numbers are 64 bytes. */
const ROW_SHIFT = 3

/**
 * Numbers of every borrower of a partition, which an object per borrower would box one by one. They lie borrower by borrower:
 * of a million borrowers none is in the cache, and each column would be fetched from memory by itself.
 */
export class BorrowerColumns {
  values = new Float64Array(BORROWERS_FIRST << ROW_SHIFT)

  get(index: number, column: Column): number {
    return this.values[(index << ROW_SHIFT) + column] as number
  }

  set(index: number, column: Column, value: number): void {
    this.values[(index << ROW_SHIFT) + column] = value
  }

  /** Gives borrower `index` its first values. */
  begin(index: number): void {
    if (index << ROW_SHIFT >= this.values.length) this.#grow()
    this.set(index, COLUMN.TIME, Number.NEGATIVE_INFINITY)
    this.set(index, COLUMN.TRANSACTIONS_SINCE, Number.POSITIVE_INFINITY)
    this.set(index, COLUMN.LAST_BALANCE_MINOR, Number.NaN)
    this.set(index, COLUMN.LAST_BALANCE_TIME, Number.NEGATIVE_INFINITY)
    this.set(index, COLUMN.LAST_SALARY_TIME, Number.NEGATIVE_INFINITY)
    this.set(index, COLUMN.REPORT_END, Number.NEGATIVE_INFINITY)
  }

  #grow(): void {
    const larger = new Float64Array(Math.ceil((this.values.length >>> ROW_SHIFT) * GROWTH) << ROW_SHIFT)
    larger.set(this.values)
    this.values = larger
  }
}
