import type { EventData, Instalment, RepaymentSplit } from '../events/contract.ts'
import { dayOfDate } from '../time.ts'

/** Marks an instalment that is not fully paid. */
export const UNSETTLED = 0x7fffffff

/** Instalments, four numbers each: due day, principal, interest and fee in minor units. */
export type Schedule = Float64Array
const STRIDE = 4

/** An instalment of nothing is left out: it can be neither paid nor missed. */
export function scheduleOf(instalments: readonly Instalment[]): Schedule {
  const owed = instalments.filter((one) => one.principal_minor + one.interest_minor + one.fee_minor > 0)
  const schedule = new Float64Array(owed.length * STRIDE)
  owed.forEach((one, i) => {
    const numbers = [dayOfDate(one.due_date), one.principal_minor, one.interest_minor, one.fee_minor]
    schedule.set(numbers, i * STRIDE)
  })
  return schedule
}

/** A payment as the ledger keeps it; amounts in minor units, `value_day` the business date of `paid_at`. */
export type Payment = {
  readonly kind: 'payment'
  readonly id: string
  /** Event time, UTC milliseconds. */
  readonly time: number
  readonly value_day: number
  readonly amount_minor: number
  readonly split: RepaymentSplit | null
  readonly account: string | null
  reversed: boolean
}

export type Restructuring = {
  readonly kind: 'restructuring'
  readonly effective_day: number
  readonly schedule: Schedule
  /** Per instalment before it whether it stays: those settled as of its place. Fixed there, whatever is reversed later. */
  kept: Uint8Array | null
}

export type LoanStatus = 'open' | 'closed' | 'written_off'

/** What a row of `loan_days` says of the end of a day. */
export type LoanDay = {
  readonly status: LoanStatus
  readonly dpd: number
  readonly outstanding_principal_minor: number
  readonly overdue_minor: number
  readonly paid_minor: number
}

/** What a loan is; none of it changes. */
export type LoanTerms = {
  readonly loan: string
  readonly product: string
  readonly channel: string
  readonly region: string
  readonly purpose: string
  readonly currency: string
  readonly principal_minor: number
  readonly annual_rate: number | null
  readonly credit_limit_minor: number | null
  /** UTC milliseconds. */
  readonly disbursed_at: number
  readonly disbursed_day: number
}

/**
 * One loan: its schedule, and what the payments received so far paid of it as of a business date. The payments and
 * restructurings are kept in log order, so that a reversal or a value date that comes to pass can be allocated anew.
 */
export class Loan {
  readonly terms: LoanTerms
  readonly original: Schedule
  readonly operations: (Payment | Restructuring)[] = []
  status: LoanStatus = 'open'
  /** Business date of closing or write-off. */
  status_day = UNSETTLED
  /** Unpaid principal when it was written off. */
  written_off_balance_minor = 0
  reversals: number[] = []
  restructured_count = 0
  /** Largest DPD at the end of any closed day so far. */
  worst_dpd = 0
  /** The loan's last row of `loan_days`, which gets another row only when something changed; null before the first. */
  reported: LoanDay | null = null

  /** Instalments, oldest first; a restructuring drops the unsettled ones and adds its own. */
  due_day: number[] = []
  scheduled: number[] = []
  principal_unpaid: number[] = []
  interest_unpaid: number[] = []
  fee_unpaid: number[] = []
  settled_day: number[] = []
  /** Payments that paid at least one minor unit of the instalment. */
  touches: number[] = []
  /** Index of the first unsettled instalment. */
  first_open = 0
  paid_minor = 0
  overpaid_minor = 0
  /** Smallest value date of a payment that is not counted yet because it lies ahead. */
  future_day = UNSETTLED

  constructor(terms: LoanTerms, schedule: Schedule) {
    this.terms = terms
    this.original = schedule
    this.#append(schedule)
  }

  /** Adds a payment or restructuring at the end of the log order and allocates it, as of business date `day`. */
  add(operation: Payment | Restructuring, day: number): void {
    this.operations.push(operation)
    if (operation.kind === 'restructuring') {
      this.restructured_count++
      operation.kept = Uint8Array.from(this.settled_day, (settled) => (settled === UNSETTLED ? 0 : 1))
    }
    this.#apply(operation, day)
  }

  /** Takes a payment back, from now on. */
  reverse(payment: Payment, time: number, day: number): void {
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
    this.due_day = []
    this.scheduled = []
    this.principal_unpaid = []
    this.interest_unpaid = []
    this.fee_unpaid = []
    this.settled_day = []
    this.touches = []
    this.first_open = 0
    this.paid_minor = 0
    this.overpaid_minor = 0
    this.future_day = UNSETTLED
    this.#append(this.original)
    for (const operation of this.operations) this.#apply(operation, day)
  }

  /** What it was at the end of business date `day`: a closing with a later value date does not count yet. */
  statusAsOf(day: number): LoanStatus {
    return this.status_day > day ? 'open' : this.status
  }

  /** Whether something with a value date after `day` is part of the allocation: a payment, or what a restructuring carried on. */
  hasPaymentAfter(day: number): boolean {
    for (const operation of this.operations) {
      const date = operation.kind === 'payment' ? operation.value_day : operation.effective_day
      if (date > day && date < this.future_day) return true
    }
    return false
  }

  /** Unpaid principal, minor units. */
  outstandingPrincipal(): number {
    let sum = 0
    for (let i = this.first_open; i < this.due_day.length; i++) sum += this.principal_unpaid[i] as number
    return sum
  }

  /** What is due before `day` and unpaid, all parts, minor units. */
  overdue(day: number): number {
    let sum = 0
    for (let i = this.first_open; i < this.due_day.length && (this.due_day[i] as number) < day; i++)
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
    if (i >= this.due_day.length) return 0
    const due = this.due_day[i] as number
    return due < day ? day - due : 0
  }

  #append(schedule: Schedule): void {
    for (let at = 0; at < schedule.length; at += STRIDE) {
      const due = schedule[at] as number
      const principal = schedule[at + 1] as number
      const interest = schedule[at + 2] as number
      const fee = schedule[at + 3] as number
      const total = principal + interest + fee
      this.due_day.push(due)
      this.scheduled.push(total)
      this.principal_unpaid.push(principal)
      this.interest_unpaid.push(interest)
      this.fee_unpaid.push(fee)
      this.settled_day.push(UNSETTLED)
      this.touches.push(0)
    }
    this.#skipSettled()
  }

  #apply(operation: Payment | Restructuring, day: number): void {
    if (operation.kind === 'restructuring') return this.#restructure(operation, day)
    if (operation.reversed) return
    if (operation.value_day > day) {
      this.future_day = Math.min(this.future_day, operation.value_day)
      return
    }
    this.paid_minor += operation.amount_minor
    if (operation.split === null) this.#payOldestFirst(operation.amount_minor, operation.value_day)
    else this.#paySplit(operation.split, operation.value_day)
  }

  /** Oldest instalment first, inside it fee, interest, principal. */
  #payOldestFirst(amount: number, day: number): void {
    let left = amount
    for (let i = this.first_open; i < this.due_day.length && left > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      const before = left
      left = take(this.fee_unpaid, i, left)
      left = take(this.interest_unpaid, i, left)
      left = take(this.principal_unpaid, i, left)
      if (left < before) this.#touch(i, day)
    }
    this.overpaid_minor += left
    this.#skipSettled()
  }

  /** Each part pays that part of the instalments, oldest first; penalty pays nothing of the schedule. */
  #paySplit(split: RepaymentSplit, day: number): void {
    let principal = split.principal_minor
    let interest = split.interest_minor
    let fee = split.fee_minor
    for (let i = this.first_open; i < this.due_day.length && principal + interest + fee > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      const before = principal + interest + fee
      fee = take(this.fee_unpaid, i, fee)
      interest = take(this.interest_unpaid, i, interest)
      principal = take(this.principal_unpaid, i, principal)
      if (principal + interest + fee < before) this.#touch(i, day)
    }
    this.overpaid_minor += principal + interest + fee
    this.#skipSettled()
  }

  /**
   * Drops the instalments that do not stay and adds the new ones, by due date. What was paid on the dropped ones pays the
   * new schedule, as of the effective date.
   */
  #restructure(operation: Restructuring, day: number): void {
    const before = this.#instalments()
    const kept = before.filter((_, i) => operation.kept?.[i] === 1)
    let carried = 0
    before.forEach((_, i) => {
      if (operation.kept?.[i] !== 1) carried += (this.scheduled[i] as number) - this.unpaid(i)
    })
    this.#setInstalments([])
    this.#append(operation.schedule)
    if (carried > 0 && operation.effective_day <= day) this.#payOldestFirst(carried, operation.effective_day)
    else if (carried > 0) this.future_day = Math.min(this.future_day, operation.effective_day)
    this.#setInstalments([...kept, ...this.#instalments()].sort((a, b) => a[0] - b[0]))
  }

  #instalments(): [number, number, number, number, number, number, number][] {
    return this.due_day.map((due, i) => [
      due,
      this.scheduled[i] as number,
      this.principal_unpaid[i] as number,
      this.interest_unpaid[i] as number,
      this.fee_unpaid[i] as number,
      this.settled_day[i] as number,
      this.touches[i] as number,
    ])
  }

  #setInstalments(instalments: readonly (readonly [number, number, number, number, number, number, number])[]): void {
    this.due_day = instalments.map((one) => one[0])
    this.scheduled = instalments.map((one) => one[1])
    this.principal_unpaid = instalments.map((one) => one[2])
    this.interest_unpaid = instalments.map((one) => one[3])
    this.fee_unpaid = instalments.map((one) => one[4])
    this.settled_day = instalments.map((one) => one[5])
    this.touches = instalments.map((one) => one[6])
    this.first_open = 0
    this.#skipSettled()
  }

  #touch(i: number, day: number): void {
    this.touches[i] = (this.touches[i] as number) + 1
    if (this.unpaid(i) === 0) this.settled_day[i] = day
  }

  #skipSettled(): void {
    while (this.first_open < this.due_day.length && this.settled_day[this.first_open] !== UNSETTLED) this.first_open++
  }
}

/** The terms of a disbursement, and the business date it happened on. */
export function termsOf(data: EventData<'loan.disbursed'>, disbursedDay: number): LoanTerms {
  return {
    loan: data.loan,
    product: data.product ?? '',
    channel: data.channel ?? '',
    region: data.region ?? '',
    purpose: data.purpose ?? '',
    currency: data.currency,
    principal_minor: data.principal_minor,
    annual_rate: data.annual_rate ?? null,
    credit_limit_minor: data.credit_limit_minor ?? null,
    disbursed_at: data.disbursed_at,
    disbursed_day: disbursedDay,
  }
}

/** Pays one part of one instalment and returns what is left of the money. */
function take(unpaid: number[], i: number, money: number): number {
  const paid = Math.min(money, unpaid[i] as number)
  unpaid[i] = (unpaid[i] as number) - paid
  return money - paid
}
