import type { Assessment } from '../classification/assessment.ts'
import type { EventData } from '../events/contract.ts'
import { TOKEN_LENGTH_MAX } from '../events/fields.ts'
import { hash64 } from '../hash.ts'
import type { Names } from '../state/names.ts'
import { UNSETTLED } from './instalments.ts'
import { type LoanDay, type LoanStatus, newLoanDay } from './loan-day.ts'
import { KIND, Operation } from './operation.ts'
import { ALLOCATED, DISBURSED, FEE, INTEREST, PENALTY, PRINCIPAL, REVERSED, TAKEN_OVER } from './parts.ts'
import { Rescheduling } from './rescheduling.ts'
import { SCHEDULE_STRIDE, type Schedule } from './schedule.ts'

export { UNSETTLED } from './instalments.ts'

export type { LoanStatus } from './loan-day.ts'

/** What a loan is from its first event on. */
export type LoanTerms = Pick<
  EventData<'loan.disbursed'>,
  'loan' | 'product' | 'channel' | 'region' | 'purpose' | 'industry' | 'currency' | 'principal_minor' | 'annual_rate'
> &
  Pick<EventData<'loan.disbursed'>, 'credit_limit_minor' | 'disbursed_at' | 'repayment_method'> & {
    readonly schedule: Schedule
    readonly disbursed_day: number
    readonly is_by_part: boolean
  }

/** Where a loan stood that was taken over while it ran, at the end of business date `day`. */
export type Takeover = {
  readonly day: number
  readonly penalty_minor: number
  /** Largest DPD before, undefined where nobody knows. */
  readonly worst_dpd: number | undefined
}

const SCHEDULE_FIRST = 64 * SCHEDULE_STRIDE
const halves = new Uint32Array(2)

/**
 * One loan as it is worked on: its terms, its schedule, and what the payments received so far paid of it as of a business
 * date. What was done to it is kept in log order, so that a reversal or a value date that comes to pass can be allocated
 * anew. At rest a loan is packed (`pack.ts`); one object of this class serves many loans in turn.
 */
export class Loan extends Rescheduling {
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
  repayment_method = 0
  principal_minor = 0
  /** NaN where none was given. */
  annual_rate = Number.NaN
  credit_limit_minor = Number.NaN
  /** UTC milliseconds. */
  disbursed_at = 0
  disbursed_day = 0
  /** The business date from whose end on the ledger knows it: that of its disbursement, or of its takeover. */
  start_day = 0
  is_taken_over = false
  is_self_directed = false
  /** What the categories need besides; null for the many of which there is nothing. */
  assessment: Assessment | null = null
  /** Unpaid penalty when it was taken over. */
  taken_over_penalty_minor = 0

  /** The schedule as disbursed or taken over: the first `original_length` numbers. */
  original: Schedule = new Float64Array(SCHEDULE_FIRST)
  original_length = 0
  readonly operations: Operation[] = []
  operation_count = 0
  status: LoanStatus = 'open'
  /** Business date of closing or write-off. */
  status_day = UNSETTLED
  /** How many operations there were then. */
  status_operations = 0
  /** Unpaid principal when it was written off. */
  written_off_balance_minor = 0
  reversals: number[] = []
  /** Largest DPD at the end of any closed day so far; of a loan taken over also the one that came with it. */
  worst_dpd = 0
  /** Whether that is its whole life's. */
  is_worst_dpd_known = true
  /** The loan's last row of `loan_days`, which gets another row only when something changed; null before the first. */
  reported: LoanDay | null = null
  /** Date of its first row. */
  first_reported_day = 0
  /** Where a packed `reported` is unpacked to. */
  readonly reportedRoom = newLoanDay()

  /** Smallest value date that is not counted yet because it lies ahead. */
  future_day = UNSETTLED
  /** Largest value date of all, and of what counts as of the day. */
  last_value_day = 0
  moved_day = 0
  /** Latest effective date of a restructuring. */
  #lastRestructuringDay = 0

  constructor(names: Names) {
    super()
    this.names = names
  }

  /** Becomes a loan that is just disbursed, or taken over. */
  begin(terms: LoanTerms, takeover: Takeover | null): void {
    const { names } = this
    hash64(terms.loan, halves, 0)
    this.token_high = halves[0] as number
    this.token_low = halves[1] as number
    this.token_length = Buffer.from(this.token_words.buffer).write(terms.loan, 'latin1')
    this.product = names.numberOf(terms.product ?? '')
    this.channel = names.numberOf(terms.channel ?? '')
    this.region = names.numberOf(terms.region ?? '')
    this.purpose = names.numberOf(terms.purpose ?? '')
    this.industry = names.numberOf(terms.industry ?? '')
    this.currency = names.numberOf(terms.currency)
    this.repayment_method = names.numberOf(terms.repayment_method ?? '')
    this.principal_minor = terms.principal_minor
    this.annual_rate = terms.annual_rate ?? Number.NaN
    this.credit_limit_minor = terms.credit_limit_minor ?? Number.NaN
    this.disbursed_at = terms.disbursed_at
    this.disbursed_day = terms.disbursed_day
    this.is_by_part = terms.is_by_part
    this.original = terms.schedule
    this.original_length = terms.schedule.length
    this.operation_count = 0
    this.status = 'open'
    this.status_day = UNSETTLED
    this.status_operations = 0
    this.written_off_balance_minor = 0
    this.reversals = []
    this.is_taken_over = takeover !== null
    this.start_day = takeover?.day ?? terms.disbursed_day
    this.taken_over_penalty_minor = takeover?.penalty_minor ?? 0
    this.worst_dpd = takeover?.worst_dpd ?? 0
    this.is_worst_dpd_known = takeover === null || takeover.worst_dpd !== undefined
    this.reported = null
    this.first_reported_day = 0
    this.reallocate(this.start_day)
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
    return this.#countOperations((one) => one.kind === KIND.RESTRUCTURING)
  }

  get extension_count(): number {
    return this.#countOperations((one) => one.is_extension)
  }

  /** The restructuring of the latest effective date, of equal ones the later in the log. */
  get lastRestructuring(): Operation | undefined {
    let last: Operation | undefined
    for (let k = 0; k < this.operation_count; k++) {
      const one = this.#operation(k)
      if (one.kind === KIND.RESTRUCTURING && one.value_day >= (last?.value_day ?? 0)) last = one
    }
    return last
  }

  /** Room for one more operation, at the end of the log order; `add` allocates it once it is filled. */
  nextOperation(kind: number = KIND.PAYMENT): Operation {
    if (this.operation_count === this.operations.length) this.operations.push(new Operation())
    const operation = this.#operation(this.operation_count++)
    operation.reset(kind)
    return operation
  }

  /** Allocates the operation just added, as of business date `day`. */
  add(operation: Operation, day: number): void {
    if (operation.kind === KIND.RESTRUCTURING || operation.kind === KIND.PAUSE) {
      const kept = new Uint8Array(this.next_number)
      for (let i = 0; i < this.instalment_count; i++) {
        if (this.settled_day[i] !== UNSETTLED) kept[this.number[i] as number] = 1
      }
      operation.kept = kept
    }
    this.#apply(operation, this.operation_count - 1, day, false)
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

  /**
   * Allocates everything anew, in log order, as of business date `day`. As the books have it, a restructuring counts from its
   * effective date on and what comes after a write-off is recovered; features have both as their published versions had them.
   */
  reallocate(day: number, asBooks = false): void {
    this.clearAccounts()
    this.future_day = UNSETTLED
    this.last_value_day = this.start_day
    this.moved_day = this.start_day
    this.#lastRestructuringDay = 0
    this.beginSchedule(this.original, this.original_length)
    this.#begin()
    for (let k = 0; k < this.operation_count; k++) this.#apply(this.#operation(k), k, day, asBooks)
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

  /** Whether the books as of `day` may be others than the allocation as of `day`. */
  hasBooksOfItsOwn(day: number): boolean {
    return this.status !== 'open' || this.#lastRestructuringDay > day
  }

  #operation(k: number): Operation {
    return this.operations[k] as Operation
  }

  #countOperations(isCounted: (one: Operation) => boolean): number {
    let count = 0
    for (let k = 0; k < this.operation_count; k++) if (isCounted(this.#operation(k))) count++
    return count
  }

  /** Puts what a loan begins with on its accounts. */
  #begin(): void {
    const { totals } = this
    if (!this.is_taken_over) {
      totals[PRINCIPAL + DISBURSED] = this.principal_minor
      return
    }
    for (let i = 0; i < this.instalment_count; i++) {
      this.count(PRINCIPAL + TAKEN_OVER, this.principal_unpaid[i] as number)
      if ((this.due_day[i] as number) > this.start_day) continue
      this.count(INTEREST + TAKEN_OVER, this.interest_unpaid[i] as number)
      this.count(FEE + TAKEN_OVER, this.fee_unpaid[i] as number)
    }
    if (this.taken_over_penalty_minor === 0) return
    totals[PENALTY + TAKEN_OVER] = this.taken_over_penalty_minor
    const oldest = this.instalment_count > 0 ? (this.due_day[0] as number) : this.start_day
    this.owePenalty(this.taken_over_penalty_minor, Math.min(oldest, this.start_day))
  }

  #apply(operation: Operation, k: number, day: number, asBooks: boolean): void {
    const { kind, value_day } = operation
    if (kind === KIND.PAYMENT) return this.#applyPayment(operation, k, day, asBooks)
    if (value_day > this.last_value_day) this.last_value_day = value_day
    if (kind === KIND.RESTRUCTURING) this.#lastRestructuringDay = Math.max(this.#lastRestructuringDay, value_day)
    if (asBooks && value_day > Math.min(day, this.status_day)) this.#leaveOut(operation, day)
    else if (kind === KIND.RESTRUCTURING) {
      if (value_day <= day) this.#moved(value_day)
      else this.future_day = Math.min(this.future_day, value_day)
      this.restructure(operation, operation.schedule as Schedule, value_day <= day)
    } else if (value_day > day) this.#leaveOut(operation, day)
    else this.#change(operation)
  }

  /** What lies ahead does not count yet, and on the books nothing counts that a loan's end came before. */
  #leaveOut(operation: Operation, day: number): void {
    if (operation.value_day > day) this.future_day = Math.min(this.future_day, operation.value_day)
    // What is numbered later keeps its number.
    this.next_number += operation.instalments
  }

  #change(operation: Operation): void {
    const { kind, value_day } = operation
    this.#moved(value_day)
    if (kind === KIND.PENALTY) this.charge(operation.amount_minor, value_day)
    else if (kind === KIND.FEE) this.insert(operation.schedule as Schedule)
    else if (kind === KIND.WAIVER) this.waive(operation.split as NonNullable<Operation['split']>, value_day)
    else if (kind === KIND.PAUSE) this.pause(operation)
    else if (kind === KIND.DRAWING) this.draw(operation)
    else this.bill(operation.schedule as Schedule, value_day)
  }

  #moved(day: number): void {
    if (day > this.moved_day) this.moved_day = day
  }

  #applyPayment(operation: Operation, k: number, day: number, asBooks: boolean): void {
    const isRecovery =
      asBooks && this.status === 'written_off' && (operation.value_day > this.status_day || k >= this.status_operations)
    const value_day = isRecovery ? Math.max(operation.value_day, this.status_day) : operation.value_day
    if (value_day > this.last_value_day) this.last_value_day = value_day
    if (operation.reversed) {
      if (value_day <= day) this.#applyReversed(operation, isRecovery, value_day)
      return
    }
    if (value_day > day) {
      operation.principal_paid_minor = 0
      operation.interest_paid_minor = 0
      operation.fee_paid_minor = 0
      operation.penalty_paid_minor = 0
      this.future_day = Math.min(this.future_day, value_day)
      return
    }
    this.#moved(value_day)
    if (isRecovery) {
      this.recovered_minor += operation.amount_minor
      return
    }
    this.paid_minor += operation.amount_minor
    if (operation.split === null) this.pay(operation.amount_minor, value_day)
    else this.paySplit(operation.split, value_day)
    const { took } = this
    operation.principal_paid_minor = took[0] as number
    operation.interest_paid_minor = took[1] as number
    operation.fee_paid_minor = took[2] as number
    operation.penalty_paid_minor = took[3] as number
  }

  /** A payment that was taken back came and went on its value date. */
  #applyReversed(operation: Operation, isRecovery: boolean, valueDay: number): void {
    this.#moved(valueDay)
    if (isRecovery) return
    for (const flow of [ALLOCATED, REVERSED]) {
      this.count(PRINCIPAL + flow, operation.principal_paid_minor)
      this.count(INTEREST + flow, operation.interest_paid_minor)
      this.count(FEE + flow, operation.fee_paid_minor)
      this.count(PENALTY + flow, operation.penalty_paid_minor)
    }
  }
}
