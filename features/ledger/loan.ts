import type { Assessment } from '../classification/assessment.ts'
import type { EventData, RepaymentSplit } from '../events/contract.ts'
import { TOKEN_LENGTH_MAX } from '../events/fields.ts'
import { hash64 } from '../hash.ts'
import type { Names } from '../state/names.ts'
import { Operation } from './operation.ts'
import { type InstalmentNumbers, SCHEDULE_STRIDE, type Schedule, scheduleOf, take } from './schedule.ts'

/** Marks an instalment that is not fully paid. */
export const UNSETTLED = 0x7fffffff

export type LoanStatus = 'open' | 'closed' | 'written_off'

/** What a row of `loan_days` says of the end of a day. */
export type LoanDay = {
  readonly status: LoanStatus
  readonly dpd: number
  readonly outstanding_principal_minor: number
  readonly overdue_minor: number
  readonly paid_minor: number
  /** Place in `CATEGORIES`, −1 for none, and what decided. */
  readonly category: number
  readonly category_clause: string
}

const INSTALMENTS_FIRST = 64
const halves = new Uint32Array(2)

/**
 * One loan as it is worked on: its terms, its schedule, and what the payments received so far paid of it as of a business
 * date. Payments and restructurings are kept in log order, so that a reversal or a value date that comes to pass can be
 * allocated anew. At rest a loan is packed (`pack.ts`); one object of this class serves many loans in turn.
 */
export class Loan {
  readonly names: Names
  /** The loan's token, as bytes and as hash. */
  readonly token_words = new Uint32Array(TOKEN_LENGTH_MAX / 4)
  token_length = 0
  token_high = 0
  token_low = 0
  /** Numbers among the names. */
  product = 0
  channel = 0
  region = 0
  purpose = 0
  industry = 0
  currency = 0
  principal_minor = 0
  /** NaN where none was given. */
  annual_rate = Number.NaN
  credit_limit_minor = Number.NaN
  /** UTC milliseconds. */
  disbursed_at = 0
  disbursed_day = 0

  /** The schedule as disbursed: the first `original_length` numbers. */
  original: Schedule = new Float64Array(INSTALMENTS_FIRST * SCHEDULE_STRIDE)
  original_length = 0
  readonly operations: Operation[] = []
  operation_count = 0
  status: LoanStatus = 'open'
  /** Business date of closing or write-off. */
  status_day = UNSETTLED
  /** Unpaid principal when it was written off. */
  written_off_balance_minor = 0
  reversals: number[] = []
  is_self_directed = false
  /** What the categories need besides; null for the many of which there is nothing. */
  assessment: Assessment | null = null
  /** Largest DPD at the end of any closed day so far. */
  worst_dpd = 0
  /** The loan's last row of `loan_days`, which gets another row only when something changed; null before the first. */
  reported: LoanDay | null = null
  /** Where a packed `reported` is unpacked to. */
  readonly reportedRoom = {
    status: 'open' as LoanStatus,
    dpd: 0,
    outstanding_principal_minor: 0,
    overdue_minor: 0,
    paid_minor: 0,
    category: -1,
    category_clause: '',
  }

  /** Instalments, oldest first: `instalment_count` entries of each; a restructuring drops the unsettled ones and adds its own. */
  instalment_count = 0
  due_day = new Int32Array(INSTALMENTS_FIRST)
  scheduled = new Float64Array(INSTALMENTS_FIRST)
  principal_unpaid = new Float64Array(INSTALMENTS_FIRST)
  interest_unpaid = new Float64Array(INSTALMENTS_FIRST)
  fee_unpaid = new Float64Array(INSTALMENTS_FIRST)
  settled_day = new Int32Array(INSTALMENTS_FIRST)
  /** Payments that paid at least one minor unit of the instalment. */
  touches = new Uint32Array(INSTALMENTS_FIRST)
  /** Index of the first unsettled instalment. */
  first_open = 0
  paid_minor = 0
  overpaid_minor = 0
  /** Smallest value date of a payment that is not counted yet because it lies ahead. */
  future_day = UNSETTLED

  constructor(names: Names) {
    this.names = names
  }

  /** Becomes a loan that is just disbursed. */
  disburse(data: EventData<'loan.disbursed'>, disbursedDay: number): void {
    const { names } = this
    hash64(data.loan, halves, 0)
    this.token_high = halves[0] as number
    this.token_low = halves[1] as number
    this.token_length = Buffer.from(this.token_words.buffer).write(data.loan, 'latin1')
    this.product = names.numberOf(data.product ?? '')
    this.channel = names.numberOf(data.channel ?? '')
    this.region = names.numberOf(data.region ?? '')
    this.purpose = names.numberOf(data.purpose ?? '')
    this.industry = names.numberOf(data.industry ?? '')
    this.currency = names.numberOf(data.currency)
    this.principal_minor = data.principal_minor
    this.annual_rate = data.annual_rate ?? Number.NaN
    this.credit_limit_minor = data.credit_limit_minor ?? Number.NaN
    this.disbursed_at = data.disbursed_at
    this.disbursed_day = disbursedDay
    this.original = scheduleOf(data.schedule)
    this.original_length = this.original.length
    this.operation_count = 0
    this.status = 'open'
    this.status_day = UNSETTLED
    this.written_off_balance_minor = 0
    this.reversals = []
    this.is_self_directed = data.payment_mode === 'self_directed'
    this.assessment = null
    this.worst_dpd = 0
    this.reported = null
    this.reallocate(disbursedDay)
  }

  isOf(token: string): boolean {
    hash64(token, halves, 0)
    return this.token_high === halves[0] && this.token_low === halves[1]
  }

  /** The loan's token. */
  get token(): string {
    return Buffer.from(this.token_words.buffer, 0, this.token_length).toString('latin1')
  }

  get restructured_count(): number {
    let count = 0
    for (let k = 0; k < this.operation_count; k++) if (!this.#operation(k).isPayment) count++
    return count
  }

  get extension_count(): number {
    let count = 0
    for (let k = 0; k < this.operation_count; k++) if (this.#operation(k).is_extension) count++
    return count
  }

  /** Room for one more operation, at the end of the log order; `add` allocates it once it is filled. */
  nextOperation(): Operation {
    if (this.operation_count === this.operations.length) this.operations.push(new Operation())
    const operation = this.#operation(this.operation_count++)
    operation.schedule = null
    operation.kept = null
    operation.is_extension = false
    operation.split = null
    operation.reversed = false
    return operation
  }

  /** Allocates the operation just added, as of business date `day`. */
  add(operation: Operation, day: number): void {
    if (!operation.isPayment) {
      operation.kept = Uint8Array.from({ length: this.instalment_count }, (_, i) =>
        this.settled_day[i] === UNSETTLED ? 0 : 1,
      )
    }
    this.#apply(operation, day)
  }

  /** The payment whose event had this id, if the loan has it. */
  findPayment(id: string): Operation | undefined {
    hash64(id, halves, 0)
    for (let k = 0; k < this.operation_count; k++) {
      const one = this.#operation(k)
      if (one.isPayment && one.id_high === halves[0] && one.id_low === halves[1]) return one
    }
    return undefined
  }

  /** Takes a payment back, from now on. */
  reverse(payment: Operation, time: number, day: number): void {
    payment.reversed = true
    this.reversals.push(time)
    this.reallocate(day)
  }

  /** Brings the allocation to business date `day`, if payments with a value date ahead have come due. */
  advance(day: number): void {
    if (day >= this.future_day) this.reallocate(day)
  }

  /** Allocates everything anew, in log order, as of business date `day`. */
  reallocate(day: number): void {
    this.instalment_count = 0
    this.first_open = 0
    this.paid_minor = 0
    this.overpaid_minor = 0
    this.future_day = UNSETTLED
    this.#append(this.original, this.original_length)
    for (let k = 0; k < this.operation_count; k++) this.#apply(this.#operation(k), day)
  }

  /** What it was at the end of business date `day`: a closing with a later value date does not count yet. */
  statusAsOf(day: number): LoanStatus {
    return this.status_day > day ? 'open' : this.status
  }

  /** Whether something with a value date after `day` is part of the allocation: a payment, or what a restructuring carried on. */
  hasPaymentAfter(day: number): boolean {
    for (let k = 0; k < this.operation_count; k++) {
      const date = this.#operation(k).value_day
      if (date > day && date < this.future_day) return true
    }
    return false
  }

  /** Unpaid principal, minor units. */
  outstandingPrincipal(): number {
    let sum = 0
    for (let i = this.first_open; i < this.instalment_count; i++) sum += this.principal_unpaid[i] as number
    return sum
  }

  /** What is due before `day` and unpaid, all parts, minor units. */
  overdue(day: number): number {
    let sum = 0
    for (let i = this.first_open; i < this.instalment_count && (this.due_day[i] as number) < day; i++)
      sum += this.unpaid(i)
    return sum
  }

  /** Unpaid total of one instalment, minor units. */
  unpaid(i: number): number {
    return (this.principal_unpaid[i] as number) + (this.interest_unpaid[i] as number) + (this.fee_unpaid[i] as number)
  }

  /** Days since the due date of the oldest unpaid instalment due before `day`, 0 when there is none. */
  rawDaysPastDue(day: number): number {
    const i = this.first_open
    if (i >= this.instalment_count) return 0
    const due = this.due_day[i] as number
    return due < day ? day - due : 0
  }

  #operation(k: number): Operation {
    return this.operations[k] as Operation
  }

  #append(schedule: Schedule, length: number): void {
    this.#reserve(this.instalment_count + length / SCHEDULE_STRIDE)
    for (let at = 0; at < length; at += SCHEDULE_STRIDE) {
      const i = this.instalment_count++
      const principal = schedule[at + 1] as number
      const interest = schedule[at + 2] as number
      const fee = schedule[at + 3] as number
      this.due_day[i] = schedule[at] as number
      this.scheduled[i] = principal + interest + fee
      this.principal_unpaid[i] = principal
      this.interest_unpaid[i] = interest
      this.fee_unpaid[i] = fee
      this.settled_day[i] = UNSETTLED
      this.touches[i] = 0
    }
    this.#skipSettled()
  }

  #reserve(instalments: number): void {
    if (instalments <= this.due_day.length) return
    const room = instalments * 2
    const larger = (values: Float64Array) => {
      const copy = new Float64Array(room)
      copy.set(values)
      return copy
    }
    const dueDay = new Int32Array(room)
    dueDay.set(this.due_day)
    const settledDay = new Int32Array(room)
    settledDay.set(this.settled_day)
    const touches = new Uint32Array(room)
    touches.set(this.touches)
    this.due_day = dueDay
    this.settled_day = settledDay
    this.touches = touches
    this.scheduled = larger(this.scheduled)
    this.principal_unpaid = larger(this.principal_unpaid)
    this.interest_unpaid = larger(this.interest_unpaid)
    this.fee_unpaid = larger(this.fee_unpaid)
  }

  #apply(operation: Operation, day: number): void {
    operation.principal_paid_minor = 0
    if (operation.schedule !== null) return this.#restructure(operation, operation.schedule, day)
    if (operation.reversed) return
    if (operation.value_day > day) {
      this.future_day = Math.min(this.future_day, operation.value_day)
      return
    }
    this.paid_minor += operation.amount_minor
    operation.principal_paid_minor =
      operation.split === null
        ? this.#payOldestFirst(operation.amount_minor, operation.value_day)
        : this.#paySplit(operation.split, operation.value_day)
  }

  /** Oldest instalment first, inside it fee, interest, principal. Returns what was paid of principal. */
  #payOldestFirst(amount: number, day: number): number {
    let left = amount
    let paidPrincipal = 0
    for (let i = this.first_open; i < this.instalment_count && left > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      const before = left
      left = take(this.fee_unpaid, i, left)
      left = take(this.interest_unpaid, i, left)
      const toPrincipal = left
      left = take(this.principal_unpaid, i, left)
      paidPrincipal += toPrincipal - left
      if (left < before) this.#touch(i, day)
    }
    this.overpaid_minor += left
    this.#skipSettled()
    return paidPrincipal
  }

  /** Each part pays that part of the instalments, oldest first; penalty pays nothing of the schedule. */
  #paySplit(split: RepaymentSplit, day: number): number {
    let principal = split.principal_minor
    let interest = split.interest_minor
    let fee = split.fee_minor
    for (let i = this.first_open; i < this.instalment_count && principal + interest + fee > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      const before = principal + interest + fee
      fee = take(this.fee_unpaid, i, fee)
      interest = take(this.interest_unpaid, i, interest)
      principal = take(this.principal_unpaid, i, principal)
      if (principal + interest + fee < before) this.#touch(i, day)
    }
    this.overpaid_minor += principal + interest + fee
    this.#skipSettled()
    return split.principal_minor - principal
  }

  /**
   * Drops the instalments that do not stay and adds the new ones, by due date. What was paid on the dropped ones pays the
   * new schedule, as of the effective date.
   */
  #restructure(operation: Operation, schedule: Schedule, day: number): void {
    const before = this.#instalments()
    const kept = before.filter((_, i) => operation.kept?.[i] === 1)
    let carried = 0
    before.forEach((_, i) => {
      if (operation.kept?.[i] !== 1) carried += (this.scheduled[i] as number) - this.unpaid(i)
    })
    this.#setInstalments([])
    this.#append(schedule, schedule.length)
    if (carried > 0 && operation.value_day <= day) this.#payOldestFirst(carried, operation.value_day)
    else if (carried > 0) this.future_day = Math.min(this.future_day, operation.value_day)
    this.#setInstalments([...kept, ...this.#instalments()].sort((a, b) => a[0] - b[0]))
  }

  #instalments(): InstalmentNumbers[] {
    return Array.from(
      { length: this.instalment_count },
      (_, i): InstalmentNumbers => [
        this.due_day[i] as number,
        this.scheduled[i] as number,
        this.principal_unpaid[i] as number,
        this.interest_unpaid[i] as number,
        this.fee_unpaid[i] as number,
        this.settled_day[i] as number,
        this.touches[i] as number,
      ],
    )
  }

  #setInstalments(instalments: readonly InstalmentNumbers[]): void {
    this.#reserve(instalments.length)
    instalments.forEach((one, i) => {
      this.due_day[i] = one[0]
      this.scheduled[i] = one[1]
      this.principal_unpaid[i] = one[2]
      this.interest_unpaid[i] = one[3]
      this.fee_unpaid[i] = one[4]
      this.settled_day[i] = one[5]
      this.touches[i] = one[6]
    })
    this.instalment_count = instalments.length
    this.first_open = 0
    this.#skipSettled()
  }

  #touch(i: number, day: number): void {
    this.touches[i] = (this.touches[i] as number) + 1
    if (this.unpaid(i) === 0) this.settled_day[i] = day
  }

  #skipSettled(): void {
    while (this.first_open < this.instalment_count && this.settled_day[this.first_open] !== UNSETTLED) this.first_open++
  }
}
