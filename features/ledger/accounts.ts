import type { RepaymentSplit } from '../events/contract.ts'
import { Instalments, UNSETTLED } from './instalments.ts'
import {
  ACCRUED,
  ALLOCATED,
  CAPITALISED,
  FEE,
  INTEREST,
  PENALTY,
  PRINCIPAL,
  TOTALS_LENGTH,
  type Totals,
  WAIVED,
} from './parts.ts'
import { take } from './schedule.ts'

const PENALTIES_FIRST = 4
/** After every due date. */
const NEVER_DUE = Number.POSITIVE_INFINITY

/**
 * How money falls on a loan's instalments and penalties. Every minor unit that moves is counted in `totals` where it moves,
 * apart from the balances themselves, which are what the instalments still lack: one can be checked by the other.
 */
export class Accounts extends Instalments {
  /** Sums by part and flow as of the day of the allocation; what accrues by due dates alone is not in them. */
  readonly totals: Totals = new Float64Array(TOTALS_LENGTH)
  /** Whether a payment goes by part over all that is due, instead of by instalment. */
  is_by_part = false
  paid_minor = 0
  overpaid_minor = 0
  recovered_minor = 0
  /** Penalties in the order in which they were charged, each paid with the instalments due by its day or later. */
  penalty_count = 0
  penalty_day = new Float64Array(PENALTIES_FIRST)
  penalty_unpaid = new Float64Array(PENALTIES_FIRST)
  /** What the last payment or waiver took of principal, interest, fee and penalty. */
  protected readonly took = new Float64Array(4)

  /** Unpaid penalty, minor units. */
  outstandingPenalty(): number {
    let sum = 0
    for (let k = 0; k < this.penalty_count; k++) sum += this.penalty_unpaid[k] as number
    return sum
  }

  protected clearAccounts(): void {
    this.clearInstalments()
    this.totals.fill(0)
    this.paid_minor = 0
    this.overpaid_minor = 0
    this.recovered_minor = 0
    this.penalty_count = 0
  }

  /**
   * Pays without a split. By instalment: the oldest first, inside it fee, penalty, interest, principal. By part: of all that
   * is due on or before `day` first the fees, then penalties, interest, principal, each oldest first; what is left by instalment.
   */
  protected pay(amount: number, day: number): void {
    this.took.fill(0)
    const left = this.is_by_part ? this.#payDueByPart(amount, day) : amount
    this.overpaid_minor += this.#payOldestFirst(left, day)
    this.skipSettled()
    this.#count(ALLOCATED, 1)
  }

  /** Each part pays that part, oldest first. A penalty that nobody charged is owed as it is paid. */
  protected paySplit(split: RepaymentSplit, day: number): void {
    this.took.fill(0)
    let { principal_minor: principal, interest_minor: interest, fee_minor: fee } = split
    for (let i = this.first_open; i < this.instalment_count && principal + interest + fee > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      const before = principal + interest + fee
      fee = take(this.fee_unpaid, i, fee)
      interest = take(this.interest_unpaid, i, interest)
      principal = take(this.principal_unpaid, i, principal)
      if (principal + interest + fee < before) this.#touch(i, day)
    }
    this.took[0] = split.principal_minor - principal
    this.took[1] = split.interest_minor - interest
    this.took[2] = split.fee_minor - fee
    const uncharged = this.#payPenalties(NEVER_DUE, split.penalty_minor)
    this.took[3] = split.penalty_minor
    this.totals[PENALTY + ACCRUED] = (this.totals[PENALTY + ACCRUED] as number) + uncharged
    this.overpaid_minor += principal + interest + fee
    this.skipSettled()
    this.#count(ALLOCATED, 1)
  }

  /** Gives up so much of each part, oldest first; what is not owed can't be given up. */
  protected waive(split: RepaymentSplit, day: number): void {
    let { principal_minor: principal, interest_minor: interest, fee_minor: fee } = split
    for (let i = this.first_open; i < this.instalment_count && principal + interest + fee > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      fee = take(this.fee_unpaid, i, fee)
      interest = take(this.interest_unpaid, i, interest)
      principal = take(this.principal_unpaid, i, principal)
      this.settle(i, day)
    }
    this.took[0] = split.principal_minor - principal
    this.took[1] = split.interest_minor - interest
    this.took[2] = split.fee_minor - fee
    this.took[3] = split.penalty_minor - this.#payPenalties(NEVER_DUE, split.penalty_minor)
    this.skipSettled()
    this.#count(WAIVED, 1)
  }

  /** Charges a penalty that is paid with the oldest instalment unsettled and due by `day`, else with those due later. */
  protected charge(amount: number, day: number): void {
    const oldest = this.first_open < this.instalment_count ? (this.due_day[this.first_open] as number) : NEVER_DUE
    this.owePenalty(amount, Math.min(oldest, day))
    this.totals[PENALTY + ACCRUED] = (this.totals[PENALTY + ACCRUED] as number) + amount
  }

  protected owePenalty(amount: number, day: number): void {
    const k = this.penalty_count++
    if (k === this.penalty_day.length) {
      const larger = (values: Float64Array) => {
        const copy = new Float64Array(k * 2)
        copy.set(values)
        return copy
      }
      this.penalty_day = larger(this.penalty_day)
      this.penalty_unpaid = larger(this.penalty_unpaid)
    }
    this.penalty_day[k] = day
    this.penalty_unpaid[k] = amount
  }

  /** Pays the schedule that stands with what was paid of one that was closed, and gives what it does not ask for. */
  protected carry(amount: number, day: number): number {
    this.took.fill(0)
    const rest = this.#payOldestFirst(amount, day, false)
    this.skipSettled()
    this.#count(CAPITALISED, -1)
    return rest
  }

  #payOldestFirst(amount: number, day: number, withPenalties = true): number {
    const { took } = this
    const hasPenalties = withPenalties && this.penalty_count > 0
    let left = amount
    let [principal, interest, fee, penalty] = [0, 0, 0, 0]
    for (let i = this.first_open; i < this.instalment_count && left > 0; i++) {
      if (this.settled_day[i] !== UNSETTLED) continue
      const before = left
      left = take(this.fee_unpaid, i, left)
      fee += before - left
      let atPenalty = 0
      if (hasPenalties) {
        atPenalty = left
        left = this.#payPenalties(this.due_day[i] as number, left)
        atPenalty -= left
        penalty += atPenalty
      }
      const toInterest = left
      left = take(this.interest_unpaid, i, left)
      interest += toInterest - left
      const toPrincipal = left
      left = take(this.principal_unpaid, i, left)
      principal += toPrincipal - left
      if (left < before - atPenalty) this.#touch(i, day)
    }
    if (hasPenalties && left > 0) {
      const toPenalties = left
      left = this.#payPenalties(NEVER_DUE, left)
      penalty += toPenalties - left
    }
    took[0] = (took[0] as number) + principal
    took[1] = (took[1] as number) + interest
    took[2] = (took[2] as number) + fee
    took[3] = (took[3] as number) + penalty
    return left
  }

  #payDueByPart(amount: number, day: number): number {
    const { took, first_open } = this
    let end = first_open
    while (end < this.instalment_count && (this.due_day[end] as number) <= day) end++
    const before = Array.from({ length: end - first_open }, (_, k) => this.unpaid(first_open + k))
    const payAll = (part: number, unpaid: Float64Array, money: number): number => {
      let left = money
      for (let i = first_open; i < end && left > 0; i++) left = take(unpaid, i, left)
      took[part] = money - left
      return left
    }
    let left = payAll(2, this.fee_unpaid, amount)
    const toPenalties = left
    left = this.#payPenalties(day, left)
    took[3] = toPenalties - left
    left = payAll(1, this.interest_unpaid, left)
    left = payAll(0, this.principal_unpaid, left)
    for (let i = first_open; i < end; i++) if (this.unpaid(i) < (before[i - first_open] as number)) this.#touch(i, day)
    return left
  }

  #payPenalties(throughDay: number, money: number): number {
    let left = money
    for (let k = 0; k < this.penalty_count && left > 0; k++) {
      if ((this.penalty_day[k] as number) <= throughDay) left = take(this.penalty_unpaid, k, left)
    }
    return left
  }

  #count(flow: number, sign: 1 | -1): void {
    const { totals, took } = this
    totals[PRINCIPAL + flow] = (totals[PRINCIPAL + flow] as number) + sign * (took[0] as number)
    totals[INTEREST + flow] = (totals[INTEREST + flow] as number) + sign * (took[1] as number)
    totals[FEE + flow] = (totals[FEE + flow] as number) + sign * (took[2] as number)
    totals[PENALTY + flow] = (totals[PENALTY + flow] as number) + sign * (took[3] as number)
  }

  #touch(i: number, day: number): void {
    this.touches[i] = (this.touches[i] as number) + 1
    this.settle(i, day)
  }
}
