import type { Loan } from '../ledger/loan.ts'
import type { Operation } from '../ledger/operation.ts'
import { TRAIT } from '../streams/transactions.ts'
import { MS_PER_DAY, MS_PER_HOUR } from '../time.ts'
import { ExactSums } from './exact-sums.ts'
import { FewNumbers } from './few-numbers.ts'
import { setAll } from './fill.ts'
import { firstAfter } from './rows.ts'
import { type FactView, hideUnknown, NEVER, slotsOf } from './view.ts'

/** Repayments as they came in: how many, from where, and what happened on the account around them. */

const NAMES = [
  'repayment_count_30d',
  'repayment_count_90d',
  'repayment_sum_30d',
  'repayment_sum_90d',
  'reversal_count_90d',
  'paying_account_count_180d',
  'payer_count_180d',
  'payment_channel_count_180d',
  'paying_account_switch_count_180d',
  'interest_only_payment_share_180d',
  'lender_funded_repayment_count_90d',
  'repay_then_spend_count_90d',
  'hours_repayment_to_spend',
] as const
const SLOT = slotsOf(NAMES)

/** How far back the last repayment is asked for what was spent after it. */
const SPEND_AFTER_DAYS = 90
/** Another lender's money that came within this time before a repayment may have paid it. */
const FUNDED_MS = 72 * MS_PER_HOUR

/** Sums of repayments within 30 and 90 days. */
const paid = new ExactSums(2)
const accounts = new FewNumbers()
const payers = new FewNumbers()
const channels = new FewNumbers()

export const PAYMENT_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    setAll(out, Number.NaN)
    if (view.loans.length === 0) return
    setAll(out, 0, 0, SLOT.paying_account_count_180d)
    setAll(out, 0, SLOT.lender_funded_repayment_count_90d, SLOT.hours_repayment_to_spend)
    countPayments(view, out)
    out[SLOT.hours_repayment_to_spend] = hoursToSpend(view)
    if (view.taken_over_day !== NEVER) hideUnknown(view, out, WINDOWS)
  },
}

/** A window begins at a time of the day: a payment of the day of a takeover may lie in it, and is not known. */
const WINDOWS = NAMES.flatMap((name) => {
  const days = /_(\d+)d$/.exec(name)?.[1]
  return days === undefined ? [] : [{ slot: SLOT[name], days: Number(days) + 1 }]
})

function countPayments(view: FactView, out: Float64Array): void {
  paid.clear()
  accounts.length = 0
  payers.length = 0
  channels.length = 0
  let counted = 0
  let interestOnly = 0
  let switches = 0
  for (const loan of view.loans) {
    let account = 0
    for (let k = 0; k < loan.operation_count; k++) {
      const payment = loan.operations[k] as Operation
      const age = view.time - payment.time
      if (!payment.isLivePayment || age >= 180 * MS_PER_DAY) continue
      if (payment.value_day <= view.day) {
        counted++
        if (payment.principal_paid_minor === 0) interestOnly++
      }
      if (payment.account !== 0) {
        accounts.add(payment.account)
        if (account !== 0 && account !== payment.account) switches++
        account = payment.account
      }
      if (payment.payer !== 0) payers.add(payment.payer)
      if (payment.channel !== 0) channels.add(payment.channel)
      if (age < 90 * MS_PER_DAY) countRecent(view, payment, age, out)
    }
    for (const reversal of loan.reversals)
      if (view.time - reversal < 90 * MS_PER_DAY) add(out, SLOT.reversal_count_90d, 1)
  }
  out[SLOT.repayment_sum_30d] = paid.of(0)
  out[SLOT.repayment_sum_90d] = paid.of(1)
  out[SLOT.interest_only_payment_share_180d] = counted === 0 ? Number.NaN : interestOnly / counted
  out[SLOT.paying_account_count_180d] = sizeOrMissing(accounts)
  out[SLOT.payer_count_180d] = sizeOrMissing(payers)
  out[SLOT.payment_channel_count_180d] = sizeOrMissing(channels)
  out[SLOT.paying_account_switch_count_180d] = accounts.length === 0 ? Number.NaN : switches
}

function countRecent(view: FactView, payment: Operation, age: number, out: Float64Array): void {
  add(out, SLOT.repayment_count_90d, 1)
  paid.add(1, payment.amount_minor)
  if (age < 30 * MS_PER_DAY) {
    add(out, SLOT.repayment_count_30d, 1)
    paid.add(0, payment.amount_minor)
  }
  if (isFundedByLender(view, payment)) add(out, SLOT.lender_funded_repayment_count_90d, 1)
  const spent = nextSpend(view, payment.time)
  if (spent <= payment.time + MS_PER_HOUR) add(out, SLOT.repay_then_spend_count_90d, 1)
}

function add(out: Float64Array, slot: number, amount: number): void {
  out[slot] = (out[slot] as number) + amount
}

function sizeOrMissing(numbers: FewNumbers): number {
  return numbers.length === 0 ? Number.NaN : numbers.length
}

function isFundedByLender({ lenderReceipts, rows }: FactView, payment: Operation): boolean {
  const { times, amounts } = rows
  for (let k = lenderReceipts.length - 1; k >= 0; k--) {
    const i = lenderReceipts.rows[k] as number
    const received = times[i] as number
    if (received < payment.time - FUNDED_MS) return false
    if (received <= payment.time && (amounts[i] as number) >= payment.amount_minor) return true
  }
  return false
}

/** Time of the first card payment or withdrawal after `time`, NaN where there is none. */
function nextSpend({ rows, first, end }: FactView, time: number): number {
  const { times, traits } = rows
  for (let i = firstAfter(times, first, end, time); i < end; i++) {
    if (((traits[i] as number) & (TRAIT.CARD | TRAIT.CASH)) !== 0) return times[i] as number
  }
  return Number.NaN
}

/** Hours from the last repayment to the first card payment or withdrawal after it. */
function hoursToSpend(view: FactView): number {
  let paid = view.time - SPEND_AFTER_DAYS * MS_PER_DAY
  let isFound = false
  for (const loan of view.loans) {
    const last = lastPaymentAfter(loan, paid, isFound)
    if (last === undefined) continue
    paid = last
    isFound = true
  }
  return isFound ? (nextSpend(view, paid) - paid) / MS_PER_HOUR : Number.NaN
}

function lastPaymentAfter(loan: Loan, time: number, orAt: boolean): number | undefined {
  let last: number | undefined
  for (let k = 0; k < loan.operation_count; k++) {
    const payment = loan.operations[k] as Operation
    if (!payment.isLivePayment) continue
    const than = last ?? time
    if (payment.time > than || (payment.time === than && (orAt || last !== undefined))) last = payment.time
  }
  return last
}
