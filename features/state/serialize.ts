import type { FeaturePartition } from '../partition.ts'
import type { Borrower, HeldEvent } from './borrower.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import type { PageStore } from './pages.ts'
import { Reports } from './reports.ts'

/**
 * A borrower's state as bytes: its numbers, then the words of its rows and loans as they lie in the pages. What follows
 * from the rest is left out: the allocation of loans, and the as-of time of a quiet day's sweep.
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

let words = new Uint32Array(65_536)

export function writeBorrower(borrower: Borrower, partition: FeaturePartition, writer: ByteWriter): void {
  const { index } = borrower
  for (const name of NUMBERS) writer.f64(partition.columns[name][index] as number)
  for (const name of COUNTS) writer.u32(partition.columns[name][index] as number)
  for (const pages of storesOf(partition)) writePages(pages, index, writer)
  const { reports, held } = borrower
  writer.string(reports === null && held === null ? '' : JSON.stringify({ reports, held }))
}

/** Restores a borrower that the partition has just made. */
export function readBorrower(borrower: Borrower, partition: FeaturePartition, reader: ByteReader): void {
  const { index } = borrower
  for (const name of NUMBERS) partition.columns[name][index] = reader.f64()
  for (const name of COUNTS) partition.columns[name][index] = reader.u32()
  for (const pages of storesOf(partition)) readPages(pages, index, reader)
  const rest = reader.string()
  if (rest === '') return
  const { reports, held } = JSON.parse(rest) as { reports: Reports | null; held: HeldEvent[] | null }
  borrower.reports = reports === null ? null : Object.assign(new Reports(), reports)
  borrower.held = held
}

function storesOf(partition: FeaturePartition): readonly PageStore[] {
  return [partition.transactions.pages, partition.accounts.pages, partition.queries.pages, partition.book.pages]
}

function writePages(pages: PageStore, index: number, writer: ByteWriter): void {
  const rows = pages.count(index)
  writer.u32(rows)
  if (rows === 0) return
  reserve(rows * pages.stride)
  pages.read(index, words)
  writer.raw(words.subarray(0, rows * pages.stride))
}

function readPages(pages: PageStore, index: number, reader: ByteReader): void {
  const rows = reader.u32()
  if (rows === 0) return
  reserve(rows * pages.stride)
  reader.raw(words.subarray(0, rows * pages.stride))
  pages.rewrite(index, 0, words, rows)
}

function reserve(count: number): void {
  if (count > words.length) words = new Uint32Array(count * 2)
}
