import type { FeaturePartition } from '../partition.ts'
import type { HeldEvent } from './borrower.ts'
import type { PageStore } from './pages.ts'
import { Reports } from './reports.ts'
import type { WordBuffer } from './words.ts'

/**
 * A borrower's state as words: its numbers, then the pages of its rows and loans as they lie in memory. What follows from the rest
 * is left out: the allocation of loans, and the as-of time of a quiet day's sweep.
 */

/** Words of a borrower's numbers: six doubles and two counts. */
const COLUMN_WORDS = 14

/** Writes borrower `index` of a partition, whose loan book must be saved. */
export function writeBorrower(index: number, partition: FeaturePartition, to: WordBuffer): void {
  to.reserve(wordsOfBorrower(index, partition))
  const { columns } = partition
  // One by one: a loop over their names takes several times as long.
  to.putDouble(columns.time[index] as number)
  to.putDouble(columns.transactions_since[index] as number)
  to.putDouble(columns.last_balance_minor[index] as number)
  to.putDouble(columns.last_balance_time[index] as number)
  to.putDouble(columns.last_salary_time[index] as number)
  to.putDouble(columns.report_end[index] as number)
  to.put(columns.loans[index] as number)
  to.put(columns.open_loans[index] as number)
  writePages(partition.transactions.pages, index, to)
  writePages(partition.accounts.pages, index, to)
  writePages(partition.queries.pages, index, to)
  writePages(partition.book.pages, index, to)
  const borrower = partition.borrowers[index]
  const reports = borrower?.reports ?? null
  const held = borrower?.held ?? null
  to.putText(reports === null && held === null ? '' : JSON.stringify({ reports, held }), 'utf8')
}

/** Restores borrower `index` of a partition that has just made it. */
export function readBorrower(index: number, partition: FeaturePartition, from: WordBuffer): void {
  const { columns } = partition
  columns.time[index] = from.getDouble()
  columns.transactions_since[index] = from.getDouble()
  columns.last_balance_minor[index] = from.getDouble()
  columns.last_balance_time[index] = from.getDouble()
  columns.last_salary_time[index] = from.getDouble()
  columns.report_end[index] = from.getDouble()
  columns.loans[index] = from.get()
  columns.open_loans[index] = from.get()
  readPages(partition.transactions.pages, index, from)
  readPages(partition.accounts.pages, index, from)
  readPages(partition.queries.pages, index, from)
  readPages(partition.book.pages, index, from)
  const rest = from.getText('utf8')
  const borrower = partition.borrowers[index]
  if (rest === '' || borrower === undefined) return
  const { reports, held } = JSON.parse(rest) as { reports: Reports | null; held: HeldEvent[] | null }
  borrower.reports = reports === null ? null : Object.assign(new Reports(), reports)
  borrower.held = held
}

/** Pages that a partition's stores hold, for `reservePages` before another one is filled with the same borrowers. */
export function countPages(partition: FeaturePartition): number[] {
  return storesOf(partition).map(({ pages }) => pages)
}

export function reservePages(partition: FeaturePartition, borrowers: number, counts: readonly number[]): void {
  storesOf(partition).forEach((store, k) => {
    store.reserve(borrowers, counts[k] ?? 0)
  })
}

/** The memory that a partition's pages lie in, in the order in which borrowers that are read one after the other fill it. */
export function pageMemory(partition: FeaturePartition): SharedArrayBuffer[] {
  const memory = storesOf(partition).flatMap((store) => {
    const chunks = store.memory
    return chunks.map((chunk, k) => ({ chunk, share: k / chunks.length }))
  })
  return memory.sort((a, b) => a.share - b.share).map(({ chunk }) => chunk)
}

function storesOf({ transactions, accounts, queries, book }: FeaturePartition): readonly PageStore[] {
  return [transactions.pages, accounts.pages, queries.pages, book.pages]
}

/** Words that a borrower takes, its reports and held events apart. */
export function wordsOfBorrower(index: number, partition: FeaturePartition): number {
  const { transactions, accounts, queries, book } = partition
  const rows = wordsOfRows(transactions.pages, index) + wordsOfRows(accounts.pages, index)
  return COLUMN_WORDS + rows + wordsOfRows(queries.pages, index) + wordsOfRows(book.pages, index)
}

function wordsOfRows(pages: PageStore, index: number): number {
  return 1 + pages.wordsOfPages(index)
}

function writePages(pages: PageStore, index: number, to: WordBuffer): void {
  const rows = pages.count(index)
  to.put(rows)
  if (rows > 0) to.at += pages.copyPages(index, to.words, to.at)
}

function readPages(pages: PageStore, index: number, from: WordBuffer): void {
  const rows = from.get()
  if (rows > 0) from.at += pages.pastePages(index, rows, from.words, from.at)
}
