import { addMonths } from '../time.ts'
import { Accounts } from './accounts.ts'
import { UNSETTLED } from './instalments.ts'
import type { Operation } from './operation.ts'
import { ALLOCATED, CAPITALISED, DISBURSED, FEE, INTEREST, PRINCIPAL, TAKEN_OVER } from './parts.ts'
import { SCHEDULE_STRIDE, type Schedule } from './schedule.ts'

/** No due date of a closed schedule goes on counting. */
const NOT_CARRIED = Number.POSITIVE_INFINITY

/** What becomes of a schedule after it was agreed: another one, a pause, drawings and bills of a line of credit. */
export class Rescheduling extends Accounts {
  /** Interest and fee that were owed with instalments for which a restructuring closed. */
  #closedInterest = 0
  #closedFee = 0
  /** Oldest due date that a restructuring carried on, and the instalment whose settlement ends that. */
  #carriedDue = NOT_CARRIED
  #carriedNumber = 0
  /** Last due date of the schedule in force. */
  #lastDue = 0

  /** Days since the oldest due date that is unpaid and lies before `day`, 0 when there is none. */
  rawDaysPastDue(day: number): number {
    const i = this.first_open
    const due = i < this.instalment_count ? (this.due_day[i] as number) : day
    const raw = due < day ? day - due : 0
    return this.#carriedDue === NOT_CARRIED || !this.#isCarrying() ? raw : Math.max(raw, day - this.#carriedDue)
  }

  /** Interest and fee that were owed by `day`, on their due dates or as they were paid ahead, those taken over left out. */
  accruedInterest(day: number): number {
    const owed = this.accruedOf(this.interest_scheduled, this.interest_unpaid, day)
    return this.#closedInterest + owed - (this.totals[INTEREST + TAKEN_OVER] as number)
  }

  accruedFee(day: number): number {
    const owed = this.accruedOf(this.fee_scheduled, this.fee_unpaid, day)
    return this.#closedFee + owed - (this.totals[FEE + TAKEN_OVER] as number)
  }

  protected beginSchedule(schedule: Schedule, length: number): void {
    this.#closedInterest = 0
    this.#closedFee = 0
    this.#carriedDue = NOT_CARRIED
    this.#lastDue = length === 0 ? 0 : (schedule[length - SCHEDULE_STRIDE] as number)
    this.append(schedule, length)
  }

  /**
   * Closes the instalments that do not stay and adds the new ones, by due date. What was paid on the closed ones, which
   * pays the new schedule as of the effective date; what that does not ask for is overpaid.
   */
  protected restructure(operation: Operation, schedule: Schedule, isEffective: boolean): void {
    const { value_day, kept } = operation
    const before = this.rows()
    const closed = before.filter(({ number }) => kept?.[number] !== 1)
    let carried = 0
    for (const row of closed) {
      carried += row.scheduled - row.principal_unpaid - row.interest_unpaid - row.fee_unpaid
      const isDue = row.due <= value_day
      this.#closedInterest += isDue ? row.interest : row.interest - row.interest_unpaid
      this.#closedFee += isDue ? row.fee : row.fee - row.fee_unpaid
      this.count(PRINCIPAL + CAPITALISED, -row.principal_unpaid)
      if (isDue) this.count(INTEREST + CAPITALISED, -row.interest_unpaid)
      if (isDue) this.count(FEE + CAPITALISED, -row.fee_unpaid)
    }
    const oldest = closed.find(({ settled }) => settled === UNSETTLED)?.due ?? NOT_CARRIED
    this.#carryDaysPastDue(operation.carries_dpd && schedule.length > 0, oldest < value_day ? oldest : NOT_CARRIED)
    if (schedule.length > 0) this.#lastDue = schedule[schedule.length - SCHEDULE_STRIDE] as number
    this.setRows([])
    this.append(schedule, schedule.length)
    for (let at = 1; at < schedule.length; at += SCHEDULE_STRIDE) {
      this.count(PRINCIPAL + CAPITALISED, schedule[at] as number)
    }
    if (carried > 0 && isEffective) this.#carryOn(carried, value_day)
    const kept_rows = before.filter(({ number }) => kept?.[number] === 1)
    this.setRows([...kept_rows, ...this.rows()].sort((a, b) => a.due - b.due))
  }

  /** Puts off what is not settled and due from its first day on by so many months that nothing of it is due before its end. */
  protected pause({ kept, value_day, until_day }: Operation): void {
    const rows = this.rows()
    const isPutOff = (row: (typeof rows)[number]) =>
      row.due >= value_day && row.settled === UNSETTLED && kept?.[row.number] !== 1
    const first = rows.find(isPutOff)
    if (first === undefined) return
    let months = 1
    while (addMonths(first.due, months) <= until_day) months++
    const moved = rows.map((row) => (isPutOff(row) ? { ...row, due: addMonths(row.due, months) } : row))
    if (rows.at(-1)?.due === this.#lastDue) this.#lastDue = addMonths(this.#lastDue, months)
    this.setRows(moved.sort((a, b) => a.due - b.due))
  }

  /** A further drawing is owed on the last due date, until a bill asks for it. */
  protected draw({ amount_minor, value_day }: Operation): void {
    this.count(PRINCIPAL + DISBURSED, amount_minor)
    const rows = this.rows()
    const last = rows.at(-1)
    if (last === undefined || last.due < this.#lastDue) {
      this.append(Float64Array.of(Math.max(this.#lastDue, value_day), amount_minor, 0, 0), SCHEDULE_STRIDE)
      return
    }
    const principal_unpaid = last.principal_unpaid + amount_minor
    const more = { ...last, scheduled: last.scheduled + amount_minor, principal_unpaid, settled: UNSETTLED }
    this.setRows([...rows.slice(0, -1), more])
    this.next_number++
  }

  /** A bill asks for a part of what is owed on the last due date, with interest and fee of its own. */
  protected bill(schedule: Schedule, valueDay: number): void {
    const rows = this.rows()
    const last = rows.at(-1)
    const asked = Math.min(schedule[1] as number, last?.principal_unpaid ?? 0)
    if (last !== undefined && asked > 0) {
      const less = { ...last, scheduled: last.scheduled - asked, principal_unpaid: last.principal_unpaid - asked }
      const isPaid = less.principal_unpaid + less.interest_unpaid + less.fee_unpaid === 0
      // An instalment of nothing is none.
      const rest = less.scheduled === 0 ? [] : [isPaid ? { ...less, settled: valueDay } : less]
      this.setRows([...rows.slice(0, -1), ...rest])
    }
    const [due, , interest, fee] = schedule as unknown as [number, number, number, number]
    if (asked + interest + fee === 0) this.next_number++
    else this.insert(Float64Array.of(due, asked, interest, fee))
  }

  protected count(place: number, amount: number): void {
    this.totals[place] = (this.totals[place] as number) + amount
  }

  /** Days past due that are carried go on from the oldest due date until the first new instalment is settled. */
  #carryDaysPastDue(isCarried: boolean, oldest: number): void {
    const before = this.#carriedDue !== NOT_CARRIED && this.#isCarrying() ? this.#carriedDue : NOT_CARRIED
    this.#carriedDue = isCarried ? Math.min(before, oldest) : NOT_CARRIED
    this.#carriedNumber = this.next_number
  }

  #isCarrying(): boolean {
    const carrying = this.number.indexOf(this.#carriedNumber)
    return carrying >= 0 && carrying < this.instalment_count && this.settled_day[carrying] === UNSETTLED
  }

  #carryOn(carried: number, valueDay: number): void {
    const rest = this.carry(carried, valueDay)
    this.overpaid_minor += rest
    this.count(PRINCIPAL + ALLOCATED, -rest)
    this.count(PRINCIPAL + CAPITALISED, -rest)
  }
}
