import { packAssessment, unpackAssessment } from '../classification/assessment.ts'
import { CATEGORIES, type Category } from '../classification/tables.ts'
import type { RepaymentSplit } from '../events/contract.ts'
import type { Names } from '../state/names.ts'
import type { WordBuffer } from '../state/words.ts'
import { type Loan, type LoanStatus, UNSETTLED } from './loan.ts'
import { LOAN_DAY_AMOUNTS, type LoanDay } from './loan-day.ts'
import { KIND, type Operation } from './operation.ts'
import { SCHEDULE_STRIDE, type Schedule } from './schedule.ts'

/**
 * A loan as 32-bit words, for its time at rest. What follows from the rest is left out: allocation is computed again from
 * the operations. Amounts take one word where all of a kind fit, two (a double) where one does not.
 */

const STATUSES: readonly LoanStatus[] = ['open', 'closed', 'written_off']
const TWO_POW_32 = 4_294_967_296
const NO_SCHEDULE: Schedule = new Float64Array(0)
const NONE_KEPT = new Uint8Array(0)

/** Flags of a loan's and an operation's first word. */
const HAS_REPORTED = 1 << 2
const HAS_RATE = 1 << 3
const HAS_LIMIT = 1 << 4
const IS_BY_PART = 1 << 5
const IS_TAKEN_OVER = 1 << 6
const HAS_WORST_DPD = 1 << 7
const IS_SELF_DIRECTED = 1 << 8
const HAS_ASSESSMENT = 1 << 9
const CARRIES_DPD = 1 << 0
const IS_REVERSED = 1 << 1
const HAS_SPLIT = 1 << 2
const HAS_ACCOUNT = 1 << 3
const HAS_PAYER = 1 << 4
const HAS_CHANNEL = 1 << 5
const IS_EXTENSION = 1 << 6
const IS_WIDE = 1 << 7
const KIND_SHIFT = 8
/** Of a reported day's first word, below the bits that say which amounts are not zero. */
const DAY_AMOUNTS_SHIFT = 2

export function packLoan(loan: Loan, to: WordBuffer): void {
  to.reserve(128 + loan.reversals.length * 2)
  const { reported } = loan
  to.put(
    STATUSES.indexOf(loan.status) |
      (reported === null ? 0 : HAS_REPORTED) |
      (Number.isNaN(loan.annual_rate) ? 0 : HAS_RATE) |
      (Number.isNaN(loan.credit_limit_minor) ? 0 : HAS_LIMIT) |
      (loan.is_by_part ? IS_BY_PART : 0) |
      (loan.is_taken_over ? IS_TAKEN_OVER : 0) |
      (loan.is_worst_dpd_known ? HAS_WORST_DPD : 0) |
      (loan.is_self_directed ? IS_SELF_DIRECTED : 0) |
      (loan.assessment === null ? 0 : HAS_ASSESSMENT) |
      (loan.token_length << 16),
  )
  to.put(loan.token_high)
  to.put(loan.token_low)
  for (let k = 0; k * 4 < loan.token_length; k++) to.put(loan.token_words[k] as number)
  for (const name of [loan.product, loan.channel, loan.region, loan.purpose, loan.industry, loan.currency]) to.put(name)
  to.put(loan.repayment_method)
  to.putDouble(loan.principal_minor)
  if (!Number.isNaN(loan.annual_rate)) to.putDouble(loan.annual_rate)
  if (!Number.isNaN(loan.credit_limit_minor)) to.putDouble(loan.credit_limit_minor)
  to.putDouble(loan.disbursed_at)
  to.put(loan.disbursed_day)
  if (loan.is_taken_over) {
    to.put(loan.start_day)
    to.putDouble(loan.taken_over_penalty_minor)
  }
  if (loan.status !== 'open') {
    to.put(loan.status_day)
    to.put(loan.status_operations)
    to.putDouble(loan.written_off_balance_minor)
  }
  to.put(loan.worst_dpd)
  if (reported !== null) {
    to.put(loan.first_reported_day)
    packReported(reported, loan.names, to)
  }
  if (loan.assessment !== null) packAssessment(loan.assessment, to)
  to.reserve(1 + loan.reversals.length * 2)
  to.put(loan.reversals.length)
  for (const time of loan.reversals) to.putDouble(time)
  packSchedule(loan.original, loan.original_length, to)
  to.reserve(1)
  to.put(loan.operation_count)
  for (let k = 0; k < loan.operation_count; k++) packOperation(loan.operations[k] as Operation, to)
}

export function unpackLoan(loan: Loan, from: WordBuffer): void {
  const flags = from.get()
  loan.status = STATUSES[flags & 3] as LoanStatus
  loan.token_length = flags >>> 16
  loan.token_high = from.get()
  loan.token_low = from.get()
  for (let k = 0; k * 4 < loan.token_length; k++) loan.token_words[k] = from.get()
  loan.product = from.get()
  loan.channel = from.get()
  loan.region = from.get()
  loan.purpose = from.get()
  loan.industry = from.get()
  loan.currency = from.get()
  loan.repayment_method = from.get()
  loan.principal_minor = from.getDouble()
  loan.annual_rate = (flags & HAS_RATE) === 0 ? Number.NaN : from.getDouble()
  loan.credit_limit_minor = (flags & HAS_LIMIT) === 0 ? Number.NaN : from.getDouble()
  loan.disbursed_at = from.getDouble()
  loan.disbursed_day = from.get() | 0
  loan.is_by_part = (flags & IS_BY_PART) !== 0
  loan.is_taken_over = (flags & IS_TAKEN_OVER) !== 0
  loan.is_worst_dpd_known = (flags & HAS_WORST_DPD) !== 0
  loan.start_day = loan.is_taken_over ? from.get() | 0 : loan.disbursed_day
  loan.taken_over_penalty_minor = loan.is_taken_over ? from.getDouble() : 0
  const isOpen = loan.status === 'open'
  loan.status_day = isOpen ? UNSETTLED : from.get() | 0
  loan.status_operations = isOpen ? 0 : from.get()
  loan.written_off_balance_minor = isOpen ? 0 : from.getDouble()
  loan.worst_dpd = from.get() | 0
  const isReported = (flags & HAS_REPORTED) !== 0
  loan.first_reported_day = isReported ? from.get() | 0 : 0
  loan.reported = isReported ? unpackReported(loan.reportedRoom, loan.names, from) : null
  loan.is_self_directed = (flags & IS_SELF_DIRECTED) !== 0
  loan.assessment = (flags & HAS_ASSESSMENT) === 0 ? null : unpackAssessment(from)
  const reversals = from.get()
  if (reversals > 0 || loan.reversals.length > 0) {
    loan.reversals = Array.from({ length: reversals }, () => from.getDouble())
  }
  const instalments = from.get()
  const length = (instalments >>> 1) * SCHEDULE_STRIDE
  if (length > loan.original.length) loan.original = new Float64Array(length * 2)
  loan.original_length = length
  unpackSchedule(loan.original, length, (instalments & 1) === 1, from)
  loan.operation_count = 0
  for (let left = from.get(); left > 0; left--) unpackOperation(loan.nextOperation(), from)
}

/** Most amounts of most loans are zero: a word says which are not. */
function packReported(reported: LoanDay, names: Names, to: WordBuffer): void {
  const at = to.at
  to.put(0)
  to.put(reported.dpd)
  to.put(names.numberOf(reported.category_clause))
  to.put(CATEGORIES.indexOf(reported.category as Category))
  let present = 0
  for (let k = 0; k < LOAN_DAY_AMOUNTS.length; k++) {
    const amount = reported[LOAN_DAY_AMOUNTS[k] as (typeof LOAN_DAY_AMOUNTS)[number]]
    if (amount === 0) continue
    present |= 1 << k
    to.putDouble(amount)
  }
  to.words[at] = STATUSES.indexOf(reported.status) | (present << DAY_AMOUNTS_SHIFT)
}

function unpackReported(room: LoanDay, names: Names, from: WordBuffer): LoanDay {
  const flags = from.get()
  room.status = STATUSES[flags & 3] as LoanStatus
  room.dpd = from.get() | 0
  room.category_clause = names.textOf(from.get())
  room.category = CATEGORIES[from.get() | 0] ?? ''
  for (let k = 0; k < LOAN_DAY_AMOUNTS.length; k++) {
    const isPresent = (flags & (1 << (k + DAY_AMOUNTS_SHIFT))) !== 0
    room[LOAN_DAY_AMOUNTS[k] as (typeof LOAN_DAY_AMOUNTS)[number]] = isPresent ? from.getDouble() : 0
  }
  return room
}

/** Instalments; the first word tells their number and whether their amounts are wide. */
function packSchedule(schedule: Schedule, length: number, to: WordBuffer): void {
  to.reserve(1 + length * 2)
  let isWide = false
  for (let at = 0; at < length; at++) if ((schedule[at] as number) >= TWO_POW_32) isWide = true
  to.put((length / SCHEDULE_STRIDE) * 2 + (isWide ? 1 : 0))
  for (let at = 0; at < length; at++) {
    const value = schedule[at] as number
    if (isWide) to.putDouble(value)
    else to.put(value)
  }
}

function unpackSchedule(schedule: Schedule, length: number, isWide: boolean, from: WordBuffer): void {
  for (let at = 0; at < length; at++) schedule[at] = isWide ? from.getDouble() : from.get()
}

function packOperation(operation: Operation, to: WordBuffer): void {
  if (operation.kind === KIND.PAYMENT) packPayment(operation, to)
  else packChange(operation, to)
}

function packPayment(operation: Operation, to: WordBuffer): void {
  to.reserve(40)
  const isWide = operation.amount_minor >= TWO_POW_32
  to.put(
    (operation.reversed ? IS_REVERSED : 0) |
      (operation.split === null ? 0 : HAS_SPLIT) |
      (operation.account === 0 ? 0 : HAS_ACCOUNT) |
      (operation.payer === 0 ? 0 : HAS_PAYER) |
      (operation.channel === 0 ? 0 : HAS_CHANNEL) |
      (isWide ? IS_WIDE : 0),
  )
  to.put(operation.value_day)
  to.put(operation.id_high)
  to.put(operation.id_low)
  to.putDouble(operation.time)
  putAmount(operation.amount_minor, isWide, to)
  if (operation.split !== null) packSplit(operation.split, isWide, to)
  if (operation.account !== 0) to.putDouble(operation.account)
  if (operation.payer !== 0) to.putDouble(operation.payer)
  if (operation.channel !== 0) to.put(operation.channel)
  // What a payment pays is computed again, unless it was taken back.
  if (!operation.reversed) return
  putAmount(operation.principal_paid_minor, isWide, to)
  putAmount(operation.interest_paid_minor, isWide, to)
  putAmount(operation.fee_paid_minor, isWide, to)
  putAmount(operation.penalty_paid_minor, isWide, to)
}

/** What else was done to a loan. */
function packChange(operation: Operation, to: WordBuffer): void {
  const { kind, schedule, kept, split } = operation
  to.reserve(32)
  to.put(
    (operation.carries_dpd ? CARRIES_DPD : 0) |
      (split === null ? 0 : HAS_SPLIT) |
      (operation.is_extension ? IS_EXTENSION : 0) |
      (kind << KIND_SHIFT),
  )
  to.put(operation.value_day)
  if (kind === KIND.PAUSE) to.put(operation.until_day)
  to.putDouble(operation.amount_minor)
  if (split !== null) packSplit(split, true, to)
  packSchedule(schedule ?? NO_SCHEDULE, schedule?.length ?? 0, to)
  to.putBytes(kept ?? NONE_KEPT)
}

function unpackOperation(operation: Operation, from: WordBuffer): void {
  const flags = from.get()
  operation.value_day = from.get() | 0
  operation.kind = (flags >>> KIND_SHIFT) & 0xff
  if (operation.kind !== KIND.PAYMENT) return unpackChange(operation, flags, from)
  const isWide = (flags & IS_WIDE) !== 0
  operation.reversed = (flags & IS_REVERSED) !== 0
  operation.id_high = from.get()
  operation.id_low = from.get()
  operation.time = from.getDouble()
  operation.amount_minor = getAmount(isWide, from)
  operation.split = (flags & HAS_SPLIT) === 0 ? null : unpackSplit(isWide, from)
  operation.account = (flags & HAS_ACCOUNT) === 0 ? 0 : from.getDouble()
  operation.payer = (flags & HAS_PAYER) === 0 ? 0 : from.getDouble()
  operation.channel = (flags & HAS_CHANNEL) === 0 ? 0 : from.get()
  if (!operation.reversed) return
  operation.principal_paid_minor = getAmount(isWide, from)
  operation.interest_paid_minor = getAmount(isWide, from)
  operation.fee_paid_minor = getAmount(isWide, from)
  operation.penalty_paid_minor = getAmount(isWide, from)
}

function unpackChange(operation: Operation, flags: number, from: WordBuffer): void {
  operation.carries_dpd = (flags & CARRIES_DPD) !== 0
  operation.is_extension = (flags & IS_EXTENSION) !== 0
  if (operation.kind === KIND.PAUSE) operation.until_day = from.get() | 0
  operation.amount_minor = from.getDouble()
  if ((flags & HAS_SPLIT) !== 0) operation.split = unpackSplit(true, from)
  const instalments = from.get()
  const length = (instalments >>> 1) * SCHEDULE_STRIDE
  if (length > 0) {
    operation.schedule = new Float64Array(length)
    unpackSchedule(operation.schedule, length, (instalments & 1) === 1, from)
  } else if (operation.kind === KIND.RESTRUCTURING) operation.schedule = NO_SCHEDULE
  operation.kept = from.getBytes()
}

function packSplit(split: RepaymentSplit, isWide: boolean, to: WordBuffer): void {
  const { fee_minor, interest_minor, penalty_minor, principal_minor } = split
  for (const part of [fee_minor, interest_minor, penalty_minor, principal_minor]) putAmount(part, isWide, to)
}

function unpackSplit(isWide: boolean, from: WordBuffer): RepaymentSplit {
  return {
    fee_minor: getAmount(isWide, from),
    interest_minor: getAmount(isWide, from),
    penalty_minor: getAmount(isWide, from),
    principal_minor: getAmount(isWide, from),
  }
}

function putAmount(amount: number, isWide: boolean, to: WordBuffer): void {
  if (isWide) to.putDouble(amount)
  else to.put(amount)
}

function getAmount(isWide: boolean, from: WordBuffer): number {
  return isWide ? from.getDouble() : from.get()
}
