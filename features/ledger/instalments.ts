import { SCHEDULE_STRIDE, type Schedule } from './schedule.ts'

/** Marks an instalment that is not fully paid. */
export const UNSETTLED = 0x7fffffff

const INSTALMENTS_FIRST = 64

/** One instalment as it stands, away from the table. */
type Row = {
  readonly number: number
  readonly due: number
  readonly scheduled: number
  readonly interest: number
  readonly fee: number
  readonly principal_unpaid: number
  readonly interest_unpaid: number
  readonly fee_unpaid: number
  readonly settled: number
  readonly touches: number
}

/** A loan's instalments by due date: `instalment_count` entries of each column. */
export class Instalments {
  instalment_count = 0
  due_day = new Int32Array(INSTALMENTS_FIRST)
  scheduled = new Float64Array(INSTALMENTS_FIRST)
  interest_scheduled = new Float64Array(INSTALMENTS_FIRST)
  fee_scheduled = new Float64Array(INSTALMENTS_FIRST)
  principal_unpaid = new Float64Array(INSTALMENTS_FIRST)
  interest_unpaid = new Float64Array(INSTALMENTS_FIRST)
  fee_unpaid = new Float64Array(INSTALMENTS_FIRST)
  settled_day = new Int32Array(INSTALMENTS_FIRST)
  /** Payments that paid at least one minor unit of the instalment. */
  touches = new Uint32Array(INSTALMENTS_FIRST)
  /** Which it is: the log numbers a loan's instalments as it makes them, whatever becomes of them later. */
  number = new Uint32Array(INSTALMENTS_FIRST)
  /** The number of the instalment that the log makes next. */
  next_number = 0
  /** Index of the first unsettled instalment. */
  first_open = 0

  /** Unpaid principal, minor units. */
  outstandingPrincipal(): number {
    let sum = 0
    for (let i = this.first_open; i < this.instalment_count; i++) sum += this.principal_unpaid[i] as number
    return sum
  }

  /** Unpaid total of one instalment, minor units. */
  unpaid(i: number): number {
    return (this.principal_unpaid[i] as number) + (this.interest_unpaid[i] as number) + (this.fee_unpaid[i] as number)
  }

  /** Interest or fee that has been owed so far: on its due date, or when it is paid earlier. */
  accruedOf(scheduled: Float64Array, unpaid: Float64Array, day: number): number {
    let sum = 0
    for (let i = 0; i < this.instalment_count; i++) {
      sum += scheduled[i] as number
      if ((this.due_day[i] as number) > day) sum -= unpaid[i] as number
    }
    return sum
  }

  protected clearInstalments(): void {
    this.instalment_count = 0
    this.next_number = 0
    this.first_open = 0
  }

  protected append(schedule: Schedule, length: number): void {
    this.#reserve(this.instalment_count + length / SCHEDULE_STRIDE)
    for (let at = 0; at < length; at += SCHEDULE_STRIDE) {
      const i = this.instalment_count++
      const principal = schedule[at + 1] as number
      const interest = schedule[at + 2] as number
      const fee = schedule[at + 3] as number
      this.number[i] = this.next_number++
      this.due_day[i] = schedule[at] as number
      this.scheduled[i] = principal + interest + fee
      this.interest_scheduled[i] = interest
      this.fee_scheduled[i] = fee
      this.principal_unpaid[i] = principal
      this.interest_unpaid[i] = interest
      this.fee_unpaid[i] = fee
      this.settled_day[i] = UNSETTLED
      this.touches[i] = 0
    }
    this.skipSettled()
  }

  /** Adds to a schedule that stands; of equal due dates the older instalment comes first. */
  protected insert(schedule: Schedule): void {
    const before = this.rows()
    this.setRows([])
    this.append(schedule, schedule.length)
    this.setRows([...before, ...this.rows()].sort((a, b) => a.due - b.due))
  }

  protected rows(): Row[] {
    return Array.from({ length: this.instalment_count }, (_, i) => ({
      number: this.number[i] as number,
      due: this.due_day[i] as number,
      scheduled: this.scheduled[i] as number,
      interest: this.interest_scheduled[i] as number,
      fee: this.fee_scheduled[i] as number,
      principal_unpaid: this.principal_unpaid[i] as number,
      interest_unpaid: this.interest_unpaid[i] as number,
      fee_unpaid: this.fee_unpaid[i] as number,
      settled: this.settled_day[i] as number,
      touches: this.touches[i] as number,
    }))
  }

  protected setRows(rows: readonly Row[]): void {
    this.#reserve(rows.length)
    rows.forEach((row, i) => {
      this.number[i] = row.number
      this.due_day[i] = row.due
      this.scheduled[i] = row.scheduled
      this.interest_scheduled[i] = row.interest
      this.fee_scheduled[i] = row.fee
      this.principal_unpaid[i] = row.principal_unpaid
      this.interest_unpaid[i] = row.interest_unpaid
      this.fee_unpaid[i] = row.fee_unpaid
      this.settled_day[i] = row.settled
      this.touches[i] = row.touches
    })
    this.instalment_count = rows.length
    this.first_open = 0
    this.skipSettled()
  }

  protected settle(i: number, day: number): void {
    if (this.unpaid(i) === 0) this.settled_day[i] = day
  }

  protected skipSettled(): void {
    while (this.first_open < this.instalment_count && this.settled_day[this.first_open] !== UNSETTLED) this.first_open++
  }

  #reserve(instalments: number): void {
    if (instalments <= this.due_day.length) return
    const room = instalments * 2
    const larger = <Values extends Float64Array | Int32Array | Uint32Array>(values: Values): Values => {
      const copy = new (values.constructor as new (length: number) => Values)(room)
      copy.set(values)
      return copy
    }
    this.number = larger(this.number)
    this.due_day = larger(this.due_day)
    this.settled_day = larger(this.settled_day)
    this.touches = larger(this.touches)
    this.scheduled = larger(this.scheduled)
    this.interest_scheduled = larger(this.interest_scheduled)
    this.fee_scheduled = larger(this.fee_scheduled)
    this.principal_unpaid = larger(this.principal_unpaid)
    this.interest_unpaid = larger(this.interest_unpaid)
    this.fee_unpaid = larger(this.fee_unpaid)
  }
}
