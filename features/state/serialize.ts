import type { FeaturePartition } from '../partition.ts'
import type { HeldEvent } from './borrower.ts'
import type { PageStore } from './pages.ts'
import { Reports } from './reports.ts'
import type { WordBuffer } from './words.ts'

/**
 * A borrower's state as words: its numbers, then the rows and loans as they lie in the pages. What follows from the rest
 * is left out: the allocation of loans, and the as-of time of a quiet day's sweep.
 */

const NUMBERS = [
  'time',
  'transactions_since',
  'last_balance_minor',
  'last_balance_time',
  'last_salary_time',
  'report_end',
] as const
const COUNTS = ['loans', 'open_loans'] as const

/** Writes borrower `index` of a partition, whose loan book must be saved. */
export function writeBorrower(index: number, partition: FeaturePartition, to: WordBuffer): void {
  to.reserve(wordsOfBorrower(index, partition))
  const { columns } = partition
  for (const name of NUMBERS) to.putDouble(columns[name][index] as number)
  for (const name of COUNTS) to.put(columns[name][index] as number)
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
  for (const name of NUMBERS) columns[name][index] = from.getDouble()
  for (const name of COUNTS) columns[name][index] = from.get()
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

/** Words that a borrower takes, its reports and held events apart. */
export function wordsOfBorrower(index: number, partition: FeaturePartition): number {
  let words = NUMBERS.length * 2 + COUNTS.length
  for (const { pages } of [partition.transactions, partition.accounts, partition.queries, partition.book])
    words += 1 + pages.count(index) * pages.stride
  return words
}

function writePages(pages: PageStore, index: number, to: WordBuffer): void {
  const rows = pages.count(index)
  to.put(rows)
  if (rows === 0) return
  pages.read(index, to.words, to.at)
  to.at += rows * pages.stride
}

function readPages(pages: PageStore, index: number, from: WordBuffer): void {
  const rows = from.get()
  if (rows === 0) return
  pages.rewrite(index, 0, from.words, rows, from.at)
  from.at += rows * pages.stride
}
