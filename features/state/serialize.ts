import type { FeaturePartition } from '../partition.ts'
import type { HeldEvent } from './borrower.ts'
import { COLUMN } from './borrower-columns.ts'
import { Reports } from './reports.ts'
import type { RunStore } from './runs.ts'
import type { WordBuffer } from './words.ts'

/**
 * A borrower's state as words: its numbers, then its rows and loans as they lie in memory. What follows from the rest
 * is left out: the allocation of loans, and the as-of time of a quiet day's sweep.
 */

/** Words of a borrower's numbers: six doubles and two counts. */
const COLUMN_WORDS = 14

/** Writes borrower `index` of a partition, whose loan book must be saved. */
export function writeBorrower(index: number, partition: FeaturePartition, to: WordBuffer): void {
  to.reserve(wordsOfBorrower(index, partition))
  const { columns } = partition
  // One by one: a loop over their names takes several times as long.
  to.putDouble(columns.get(index, COLUMN.TIME))
  to.putDouble(columns.get(index, COLUMN.TRANSACTIONS_SINCE))
  to.putDouble(columns.get(index, COLUMN.LAST_BALANCE_MINOR))
  to.putDouble(columns.get(index, COLUMN.LAST_BALANCE_TIME))
  to.putDouble(columns.get(index, COLUMN.LAST_SALARY_TIME))
  to.putDouble(columns.get(index, COLUMN.REPORT_END))
  to.put(columns.get(index, COLUMN.LOANS))
  to.put(columns.get(index, COLUMN.OPEN_LOANS))
  writeRun(partition.transactions.runs, index, to)
  writeRun(partition.accounts.runs, index, to)
  writeRun(partition.queries.runs, index, to)
  writeRun(partition.book.runs, index, to)
  const borrower = partition.borrowers[index]
  const reports = borrower?.reports ?? null
  const held = borrower?.held ?? null
  to.putText(reports === null && held === null ? '' : JSON.stringify({ reports, held }), 'utf8')
}

/** Restores borrower `index` of a partition that has just made it. */
export function readBorrower(index: number, partition: FeaturePartition, from: WordBuffer): void {
  const { columns } = partition
  columns.set(index, COLUMN.TIME, from.getDouble())
  columns.set(index, COLUMN.TRANSACTIONS_SINCE, from.getDouble())
  columns.set(index, COLUMN.LAST_BALANCE_MINOR, from.getDouble())
  columns.set(index, COLUMN.LAST_BALANCE_TIME, from.getDouble())
  columns.set(index, COLUMN.LAST_SALARY_TIME, from.getDouble())
  columns.set(index, COLUMN.REPORT_END, from.getDouble())
  columns.set(index, COLUMN.LOANS, from.get())
  columns.set(index, COLUMN.OPEN_LOANS, from.get())
  readRun(partition.transactions.runs, index, from)
  readRun(partition.accounts.runs, index, from)
  readRun(partition.queries.runs, index, from)
  readRun(partition.book.runs, index, from)
  const rest = from.getText('utf8')
  const borrower = partition.borrowers[index]
  if (rest === '' || borrower === undefined) return
  const { reports, held } = JSON.parse(rest) as { reports: Reports | null; held: HeldEvent[] | null }
  borrower.reports = reports === null ? null : Object.assign(new Reports(), reports)
  borrower.held = held
}

/** Chunks that a partition's stores hold, for `reserveChunks` before another one is filled with the same borrowers. */
export function countChunks(partition: FeaturePartition): number[] {
  return storesOf(partition).map(({ chunks }) => chunks)
}

export function reserveChunks(partition: FeaturePartition, borrowers: number, counts: readonly number[]): void {
  storesOf(partition).forEach((store, k) => {
    store.reserve(borrowers, counts[k] ?? 0)
  })
}

/** The memory that a partition's runs lie in, in the order in which borrowers that are read one after the other fill it. */
export function runMemory(partition: FeaturePartition): SharedArrayBuffer[] {
  const memory = storesOf(partition).flatMap((store) => {
    const chunks = store.memory
    return chunks.map((chunk, k) => ({ chunk, share: k / chunks.length }))
  })
  return memory.sort((a, b) => a.share - b.share).map(({ chunk }) => chunk)
}

function storesOf({ transactions, accounts, queries, book }: FeaturePartition): readonly RunStore[] {
  return [transactions.runs, accounts.runs, queries.runs, book.runs]
}

/** Words that a borrower takes, its reports and held events apart. */
export function wordsOfBorrower(index: number, partition: FeaturePartition): number {
  const { transactions, accounts, queries, book } = partition
  const rows = wordsOfRun(transactions.runs, index) + wordsOfRun(accounts.runs, index)
  return COLUMN_WORDS + rows + wordsOfRun(queries.runs, index) + wordsOfRun(book.runs, index)
}

function wordsOfRun(runs: RunStore, index: number): number {
  return 1 + runs.length(index)
}

function writeRun(runs: RunStore, index: number, to: WordBuffer): void {
  const words = runs.length(index)
  to.put(words)
  if (words > 0) to.at += runs.read(index, to.words, to.at)
}

function readRun(runs: RunStore, index: number, from: WordBuffer): void {
  const words = from.get()
  if (words > 0) runs.write(index, from.words, from.at, words)
  from.at += words
}
