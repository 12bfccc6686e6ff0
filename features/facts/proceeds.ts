import type { Loan } from '../ledger/loan.ts'
import { TRAIT } from '../streams/transactions.ts'
import { MS_PER_DAY } from '../time.ts'
import { ExactSums } from './exact-sums.ts'
import { setAll } from './fill.ts'
import { firstAfter } from './rows.ts'
import { type FactView, slotsOf } from './view.ts'

/** Use of funds 资金用途: where the newest loan's money went. */

const NAMES = [
  'diverted_share_30d',
  'proceeds_securities_share_7d',
  'proceeds_property_share_7d',
  'proceeds_lender_share_7d',
  'proceeds_cash_share_7d',
  'proceeds_own_account_share_7d',
  'proceeds_securities_share_30d',
  'proceeds_property_share_30d',
  'proceeds_lender_share_30d',
  'proceeds_cash_share_30d',
  'proceeds_own_account_share_30d',
] as const
const SLOT = slotsOf(NAMES)

/** How long after its disbursement a loan's proceeds are traced, and for how long that is reported. */
const TRACED_DAYS = 30
const SHORT_DAYS = 7
const REPORTED_DAYS = 150
/** The loan's money arrives on the account within this time. */
const RECEIPT_DAYS = 3
/** What an outgoing row counts as, the first that applies. */
const DESTINATIONS = [TRAIT.SECURITIES, TRAIT.PROPERTY, TRAIT.LENDER_OUT, TRAIT.CASH, TRAIT.OWN_ACCOUNT] as const
const traced = new Float64Array(DESTINATIONS.length)
const diverted = new ExactSums(1)
const NONE = -1

export const PROCEEDS_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    setAll(out, Number.NaN)
    const loan = newestLoan(view)
    // Of a loan that was taken over nobody saw where its money went.
    if (loan === null || loan.is_taken_over || loan.disbursed_at <= view.time - REPORTED_DAYS * MS_PER_DAY) return
    out[SLOT.diverted_share_30d] = divertedShare(view, loan)
    const receipt = receiptOf(view, loan)
    if (receipt !== NONE) trace(view, loan, receipt, out)
  },
}

/** The loan that was disbursed last by T, of equal ones the later in the log. */
export function newestLoan({ loans, time }: FactView): Loan | null {
  let newest: Loan | null = null
  for (const loan of loans) {
    if (loan.disbursed_at <= time && (newest === null || loan.disbursed_at >= newest.disbursed_at)) newest = loan
  }
  return newest
}

/** Share of the principal that went to securities or property within 30 days, whatever money it was. */
function divertedShare({ rows, first, end }: FactView, loan: Loan): number {
  const { times, traits, amounts } = rows
  const from = loan.disbursed_at
  const to = from + TRACED_DAYS * MS_PER_DAY
  diverted.clear()
  for (let i = firstAfter(times, first, end, from - 1); i < end && (times[i] as number) <= to; i++) {
    if (((traits[i] as number) & TRAIT.DIVERTED) !== 0) diverted.add(0, amounts[i] as number)
  }
  return diverted.of(0) / loan.principal_minor
}

/** The row with which the principal arrived, NONE where there is none. */
function receiptOf({ rows, first, end }: FactView, loan: Loan): number {
  const { times, traits, amounts } = rows
  const to = loan.disbursed_at + RECEIPT_DAYS * MS_PER_DAY
  for (let i = firstAfter(times, first, end, loan.disbursed_at - 1); i < end && (times[i] as number) <= to; i++) {
    if (((traits[i] as number) & TRAIT.LENDER_IN) !== 0 && amounts[i] === loan.principal_minor) return i
  }
  return NONE
}

/** First in, first out: what stood on the account before the proceeds is spent before them, what comes later after them. */
function trace(view: FactView, loan: Loan, receipt: number, out: Float64Array): void {
  const { times, traits, amounts, accounts } = view.rows
  const received = times[receipt] as number
  const account = accounts[receipt]
  const shortEnd = received + SHORT_DAYS * MS_PER_DAY
  const tracedEnd = received + TRACED_DAYS * MS_PER_DAY
  let older = olderMoney(view, receipt)
  let left = loan.principal_minor
  let isShortDone = false
  setAll(traced, 0)
  for (let i = receipt + 1; i < view.end && (times[i] as number) <= tracedEnd && left > 0; i++) {
    if (!isShortDone && (times[i] as number) > shortEnd) {
      isShortDone = true
      report(loan, out, SLOT.proceeds_securities_share_7d)
    }
    const trait = traits[i] as number
    if ((trait & TRAIT.OUT) === 0 || accounts[i] !== account) continue
    const amount = amounts[i] as number
    const fromOlder = Math.min(amount, older)
    older -= fromOlder
    const fromProceeds = Math.min(amount - fromOlder, left)
    left -= fromProceeds
    if (fromProceeds > 0) attribute(trait, fromProceeds)
  }
  if (!isShortDone) report(loan, out, SLOT.proceeds_securities_share_7d)
  report(loan, out, SLOT.proceeds_securities_share_30d)
}

function attribute(trait: number, amount: number): void {
  for (let kind = 0; kind < DESTINATIONS.length; kind++) {
    if ((trait & (DESTINATIONS[kind] as number)) === 0) continue
    traced[kind] = (traced[kind] as number) + amount
    return
  }
}

function report(loan: Loan, out: Float64Array, from: number): void {
  for (let kind = 0; kind < DESTINATIONS.length; kind++) {
    out[from + kind] = (traced[kind] as number) / loan.principal_minor
  }
}

/** What stood on the account when the proceeds arrived. */
function olderMoney({ rows, first }: FactView, receipt: number): number {
  const { traits, balances, amounts, accounts } = rows
  if (((traits[receipt] as number) & TRAIT.BALANCE) !== 0) {
    return Math.max(0, (balances[receipt] as number) - (amounts[receipt] as number))
  }
  for (let i = receipt - 1; i >= first; i--) {
    const isStated = ((traits[i] as number) & TRAIT.BALANCE) !== 0
    if (isStated && accounts[i] === accounts[receipt]) return Math.max(0, balances[i] as number)
  }
  return 0
}
