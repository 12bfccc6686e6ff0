import { Loan, type LoanStatus, type Payment, type Restructuring } from '../ledger/loan.ts'
import type { FeaturePartition } from '../partition.ts'
import type { Borrower, HeldEvent } from './borrower.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Segment, SegmentStore } from './segments.ts'

/**
 * A borrower's state as bytes. What follows from the rest is left out: allocation is computed again from the operations,
 * and the as-of time of a quiet day's sweep from the day that its slice closed.
 */

const STATUSES: readonly LoanStatus[] = ['open', 'closed', 'written_off']
const NUMBER_FIELDS = [
  'time',
  'transactions_since',
  'last_balance_minor',
  'last_balance_time',
  'last_salary_time',
  'report_end',
] as const

export function writeBorrower(borrower: Borrower, writer: ByteWriter): void {
  for (const field of NUMBER_FIELDS) writer.f64(borrower[field])
  writeSegment(borrower.transactions, writer)
  writeSegment(borrower.queries, writer)
  writer.numbers(borrower.litigation_times)
  writer.numbers(borrower.enforcement_times)
  writer.numbers(borrower.guarantor_default_times)
  writer.u32(borrower.loans.length)
  for (const loan of borrower.loans) writeLoan(loan, writer)
  writer.string(borrower.held === null ? '' : JSON.stringify(borrower.held))
}

/** Restores a borrower that the partition has just made. */
export function readBorrower(borrower: Borrower, partition: FeaturePartition, reader: ByteReader): void {
  for (const field of NUMBER_FIELDS) borrower[field] = reader.f64()
  readSegment(borrower.transactions, partition.transactions, reader)
  readSegment(borrower.queries, partition.queries, reader)
  for (const kind of ['litigation', 'enforcement', 'guarantor_default']) {
    for (const time of reader.numbers()) borrower.addSignal(kind, time)
  }
  const loans = reader.u32()
  for (let i = 0; i < loans; i++) borrower.addLoan(readLoan(reader))
  const held = reader.string()
  if (held !== '') borrower.held = JSON.parse(held) as HeldEvent[]
}

function writeSegment(segment: Segment, writer: ByteWriter): void {
  writer.u32(segment.length)
  writer.u8(segment.chunk === null ? 0 : 1)
  if (segment.chunk === null) return
  const end = segment.start + segment.length
  for (const column of segment.chunk.f64) writer.raw(column.subarray(segment.start, end))
  for (const column of segment.chunk.u32) writer.raw(column.subarray(segment.start, end))
}

function readSegment(segment: Segment, store: SegmentStore, reader: ByteReader): void {
  const length = reader.u32()
  if (reader.u8() === 0) return
  store.allocate(segment, length)
  const { f64, u32 } = segment.chunk as NonNullable<Segment['chunk']>
  for (const column of f64) reader.raw(column.subarray(segment.start, segment.start + length))
  for (const column of u32) reader.raw(column.subarray(segment.start, segment.start + length))
}

function writeLoan(loan: Loan, writer: ByteWriter): void {
  const { terms } = loan
  for (const text of [terms.loan, terms.product, terms.channel, terms.region, terms.purpose, terms.currency]) {
    writer.string(text)
  }
  writer.f64(terms.principal_minor)
  writer.f64(terms.annual_rate ?? Number.NaN)
  writer.f64(terms.credit_limit_minor ?? Number.NaN)
  writer.f64(terms.disbursed_at)
  writer.f64(terms.disbursed_day)
  writeSchedule(loan.original, writer)
  writer.u32(loan.operations.length)
  for (const operation of loan.operations) writeOperation(operation, writer)
  writer.u8(STATUSES.indexOf(loan.status))
  writer.f64(loan.status_day)
  writer.f64(loan.written_off_balance_minor)
  writer.numbers(loan.reversals)
  writer.f64(loan.worst_dpd)
  writer.string(loan.reported === null ? '' : JSON.stringify(loan.reported))
}

function readLoan(reader: ByteReader): Loan {
  const texts = Array.from({ length: 6 }, () => reader.string()) as [string, string, string, string, string, string]
  const [name, product, channel, region, purpose, currency] = texts
  const terms = {
    loan: name,
    product,
    channel,
    region,
    purpose,
    currency,
    principal_minor: reader.f64(),
    annual_rate: orNull(reader.f64()),
    credit_limit_minor: orNull(reader.f64()),
    disbursed_at: reader.f64(),
    disbursed_day: reader.f64(),
  }
  const loan = new Loan(terms, readSchedule(reader))
  const operations = reader.u32()
  for (let i = 0; i < operations; i++) {
    const operation = readOperation(reader)
    loan.operations.push(operation)
    if (operation.kind === 'restructuring') loan.restructured_count++
  }
  loan.status = STATUSES[reader.u8()] as LoanStatus
  loan.status_day = reader.f64()
  loan.written_off_balance_minor = reader.f64()
  loan.reversals = reader.numbers()
  loan.worst_dpd = reader.f64()
  const reported = reader.string()
  loan.reported = reported === '' ? null : (JSON.parse(reported) as Loan['reported'])
  return loan
}

function writeOperation(operation: Payment | Restructuring, writer: ByteWriter): void {
  if (operation.kind === 'restructuring') {
    writer.u8(2)
    writer.f64(operation.effective_day)
    writeSchedule(operation.schedule, writer)
    writer.bytes(operation.kept ?? new Uint8Array(0))
    return
  }
  writer.u8(operation.reversed ? 1 : 0)
  writer.string(operation.id)
  writer.f64(operation.time)
  writer.f64(operation.value_day)
  writer.f64(operation.amount_minor)
  const { split } = operation
  writer.numbers(
    split === null ? [] : [split.fee_minor, split.interest_minor, split.penalty_minor, split.principal_minor],
  )
  writer.string(operation.account ?? '')
}

function readOperation(reader: ByteReader): Payment | Restructuring {
  const kind = reader.u8()
  if (kind === 2) {
    return { kind: 'restructuring', effective_day: reader.f64(), schedule: readSchedule(reader), kept: reader.bytes() }
  }
  const id = reader.string()
  const time = reader.f64()
  const value_day = reader.f64()
  const amount_minor = reader.f64()
  const parts = reader.numbers() as [number, number, number, number] | []
  const account = reader.string()
  const split =
    parts.length === 0
      ? null
      : { fee_minor: parts[0], interest_minor: parts[1], penalty_minor: parts[2], principal_minor: parts[3] }
  return {
    kind: 'payment',
    id,
    time,
    value_day,
    amount_minor,
    split,
    account: account === '' ? null : account,
    reversed: kind === 1,
  }
}

function writeSchedule(schedule: Float64Array, writer: ByteWriter): void {
  writer.u32(schedule.length)
  writer.raw(schedule)
}

function readSchedule(reader: ByteReader): Float64Array {
  const schedule = new Float64Array(reader.u32())
  reader.raw(schedule)
  return schedule
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
