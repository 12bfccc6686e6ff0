import { type Loan, type Payment } from './ledger/loan.ts'
import type { Borrower } from './state/borrower.ts'
import { TRAIT, TRANSACTION_F64, TRANSACTION_U32 } from './streams/transactions.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './time.ts'

/** Values that look at single rows, or at the ledger and the rows together, one slot each. */
export const BEHAVIOUR_FACTS = [
  'balance_last',
  'days_since_salary',
  'bureau_time',
  'hours_repayment_to_spend',
  'diverted_share_30d',
  'litigation_count_365d',
  'enforcement_count_365d',
  'guarantor_default_count_365d',
] as const
export type BehaviourFact = (typeof BEHAVIOUR_FACTS)[number]

const SLOT = Object.fromEntries(BEHAVIOUR_FACTS.map((name, i) => [name, i])) as Record<BehaviourFact, number>

const YEAR_MS = 365 * MS_PER_DAY
/** How far back a repayment is asked for what was spent after it. */
export const SPEND_AFTER_DAYS = 90
/** How long after its disbursement a loan's proceeds are traced, and for how long that is reported. */
export const DIVERSION_DAYS = 30
export const DIVERSION_REPORTED_DAYS = 150

/** Writes the facts of behaviour at as-of time `time`; `bureauTime` is the bureau reports' own as-of time. */
export function behaviourFacts(borrower: Borrower, time: number, bureauTime: number, facts: Float64Array): void {
  facts[SLOT.balance_last] = borrower.last_balance_minor
  const salary = borrower.last_salary_time
  facts[SLOT.days_since_salary] = salary > time - YEAR_MS ? (time - salary) / MS_PER_DAY : Number.NaN
  facts[SLOT.bureau_time] = bureauTime
  facts[SLOT.hours_repayment_to_spend] = hoursRepaymentToSpend(borrower, time)
  facts[SLOT.diverted_share_30d] = divertedShare(borrower, time)
  facts[SLOT.litigation_count_365d] = countSince(borrower.litigation_times, time - YEAR_MS)
  facts[SLOT.enforcement_count_365d] = countSince(borrower.enforcement_times, time - YEAR_MS)
  facts[SLOT.guarantor_default_count_365d] = countSince(borrower.guarantor_default_times, time - YEAR_MS)
}

function countSince(times: readonly number[], after: number): number {
  let count = 0
  for (const time of times) if (time > after) count++
  return count
}

/** Hours from the last repayment to the first card payment or withdrawal after it. */
function hoursRepaymentToSpend(borrower: Borrower, time: number): number {
  let paid = time - SPEND_AFTER_DAYS * MS_PER_DAY
  let found = false
  for (const loan of borrower.loans) {
    for (const operation of loan.operations) {
      if (operation.kind === 'payment' && !operation.reversed && isLater(operation, paid, found)) {
        paid = operation.time
        found = true
      }
    }
  }
  const { chunk, start, length } = borrower.transactions
  if (!found || chunk === null) return Number.NaN
  const times = chunk.f64[TRANSACTION_F64.TIME] as Float64Array
  const traits = chunk.u32[TRANSACTION_U32.TRAITS] as Uint32Array
  let first = Number.NaN
  for (let i = start + length - 1; i >= start && (times[i] as number) > paid; i--) {
    if (((traits[i] as number) & (TRAIT.CARD | TRAIT.CASH)) !== 0) first = times[i] as number
  }
  return (first - paid) / MS_PER_HOUR
}

function isLater(payment: Payment, than: number, found: boolean): boolean {
  return found ? payment.time >= than : payment.time > than
}

/** Share of the newest loan's principal that went to securities or property within 30 days of its disbursement. */
function divertedShare(borrower: Borrower, time: number): number {
  let newest: Loan | undefined
  for (const loan of borrower.loans) {
    const { disbursed_at } = loan.terms
    if (disbursed_at <= time && (newest === undefined || disbursed_at >= newest.terms.disbursed_at)) newest = loan
  }
  if (newest === undefined) return Number.NaN
  const from = newest.terms.disbursed_at
  if (from <= time - DIVERSION_REPORTED_DAYS * MS_PER_DAY) return Number.NaN
  const to = from + DIVERSION_DAYS * MS_PER_DAY
  const { chunk, start, length } = borrower.transactions
  let diverted = 0
  if (chunk !== null) {
    const times = chunk.f64[TRANSACTION_F64.TIME] as Float64Array
    const traits = chunk.u32[TRANSACTION_U32.TRAITS] as Uint32Array
    const amounts = chunk.f64[TRANSACTION_F64.AMOUNT] as Float64Array
    for (let i = start + length - 1; i >= start && (times[i] as number) >= from; i--) {
      if ((times[i] as number) <= to && ((traits[i] as number) & TRAIT.DIVERTED) !== 0) diverted += amounts[i] as number
    }
  }
  return diverted / newest.terms.principal_minor
}
