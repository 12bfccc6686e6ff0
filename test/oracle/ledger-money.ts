import type { RepaymentSplit } from '../../features/events/contract.ts'

/** How money falls on what a loan asks for, instalment by instalment and minor unit by minor unit. */

export const PARTS = ['fee', 'interest', 'principal'] as const
export type Part = (typeof PARTS)[number]
export type Amounts = Record<Part, number>
/** The parts of a loan's balance, penalty too. */
export const BALANCES = ['principal', 'interest', 'fee', 'penalty'] as const
export type Balance = (typeof BALANCES)[number]
export type Taken = Record<Balance, number>

/** What moved through each part so far; `reversed` and `allocated` both count a payment that was taken back. */
export type Flow = 'disbursed' | 'taken_over' | 'accrued' | 'allocated' | 'reversed' | 'waived' | 'capitalised'
export type Flows = Record<Flow, Taken>

export type Instalment = {
  /** Which schedule it came from (0: the loan's own) and its place there: its identity across foldings. */
  readonly key: string
  /** Day number of the due date. */
  readonly due: number
  readonly owed: Amounts
  /** What was paid of it, or given up. */
  readonly paid: Amounts
  /** Day number on which nothing was left to pay, `null` while something is. */
  settled: number | null
  /** Payments that paid at least one minor unit of it. */
  touches: number
}

/** A penalty; it is paid with the instalments due by its day or later. */
export type Penalty = { readonly day: number; readonly owed: number; paid: number }

export function total(amounts: Amounts): number {
  return amounts.fee + amounts.interest + amounts.principal
}

/** Minor units still owed of an instalment. */
export function unpaid(one: Instalment): number {
  return total(one.owed) - total(one.paid)
}

export function nothingTaken(): Taken {
  return { principal: 0, interest: 0, fee: 0, penalty: 0 }
}

/** Pays by the instalment, oldest first: fee, penalty, interest, principal. What is left over is the rest. */
export function payByInstalment(
  instalments: readonly Instalment[],
  penalties: readonly Penalty[],
  amount: number,
  value: number,
): { taken: Taken; rest: number } {
  const taken = nothingTaken()
  let left = amount
  for (const one of instalments) {
    const before = total(one.paid)
    if (one.settled === null) {
      left = payPart(one, 'fee', left, taken)
      left = payPenalties(penalties, one.due, left, taken)
      left = payPart(one, 'interest', left, taken)
      left = payPart(one, 'principal', left, taken)
    }
    finish(one, before, value)
  }
  left = payPenalties(penalties, Number.POSITIVE_INFINITY, left, taken)
  return { taken, rest: left }
}

/** Pays all fees that are due by the value date, then penalties, interest, principal; the rest goes by the instalment. */
export function payByPart(
  instalments: readonly Instalment[],
  penalties: readonly Penalty[],
  amount: number,
  value: number,
): { taken: Taken; rest: number } {
  const due = instalments.filter((one) => one.due <= value)
  const before = due.map((one) => total(one.paid))
  const taken = nothingTaken()
  let left = amount
  for (const one of due) left = payPart(one, 'fee', left, taken)
  left = payPenalties(penalties, value, left, taken)
  for (const one of due) left = payPart(one, 'interest', left, taken)
  for (const one of due) left = payPart(one, 'principal', left, taken)
  due.forEach((one, i) => {
    finish(one, before[i]!, value)
  })
  const more = payByInstalment(instalments, penalties, left, value)
  for (const part of BALANCES) taken[part] += more.taken[part]
  return { taken, rest: more.rest }
}

/** Each part pays its own part. A penalty beyond those charged is owed as it is paid: `uncharged`. */
export function payBySplit(
  instalments: readonly Instalment[],
  penalties: readonly Penalty[],
  split: RepaymentSplit,
  value: number,
): { taken: Taken; rest: number; uncharged: number } {
  const taken = nothingTaken()
  const left: Amounts = { fee: split.fee_minor, interest: split.interest_minor, principal: split.principal_minor }
  for (const one of instalments) {
    const before = total(one.paid)
    for (const part of PARTS) left[part] = payPart(one, part, left[part], taken)
    finish(one, before, value)
  }
  const uncharged = payPenalties(penalties, Number.POSITIVE_INFINITY, split.penalty_minor, taken)
  taken.penalty += uncharged
  return { taken, rest: total(left), uncharged }
}

/** Gives up what is named of each part. */
export function waive(
  instalments: readonly Instalment[],
  penalties: readonly Penalty[],
  split: RepaymentSplit,
  value: number,
): Taken {
  const taken = nothingTaken()
  const left: Amounts = { fee: split.fee_minor, interest: split.interest_minor, principal: split.principal_minor }
  for (const one of instalments) {
    const before = unpaid(one)
    for (const part of PARTS) left[part] = payPart(one, part, left[part], taken)
    if (before > 0 && unpaid(one) === 0) one.settled = value
  }
  payPenalties(penalties, Number.POSITIVE_INFINITY, split.penalty_minor, taken)
  return taken
}

/** Pays what is owed of one part, at most `left`; gives what is left after it. */
function payPart(one: Instalment, part: Part, left: number, taken: Taken): number {
  const amount = Math.min(left, one.owed[part] - one.paid[part])
  one.paid[part] += amount
  taken[part] += amount
  return left - amount
}

function payPenalties(penalties: readonly Penalty[], through: number, left: number, taken: Taken): number {
  let rest = left
  for (const one of penalties) {
    if (one.day > through) continue
    const amount = Math.min(rest, one.owed - one.paid)
    one.paid += amount
    taken.penalty += amount
    rest -= amount
  }
  return rest
}

function finish(one: Instalment, paidBefore: number, value: number): void {
  const paid = total(one.paid)
  if (paid === paidBefore) return
  one.touches++
  if (paid === total(one.owed)) one.settled = value
}
