import { type Borrower, CONDITION, ODDITY } from './borrower.ts'
import { borrowToPay } from './bureau.ts'
import { collect, extend, getInTouch } from './collection.ts'
import { SOURCE_LOANS, sixDigits, timeAwake, timeOfBatch } from './events.ts'
import { canPay, findFunds } from './funds.ts'
import {
  allocate,
  dpdOf,
  dueBy,
  interestOf,
  type Loan,
  overdueCount,
  remainingPrincipal,
  STEP,
  setPaid,
  totalOf,
} from './loans.ts'
import { FEN_PER_YUAN } from './money.ts'
import { planNextLoan } from './origination.ts'
import { CURRENCY, OWN_INSTITUTION, PRODUCTS } from './portfolio.ts'
import type { Item, Scene } from './scene.ts'

/**
 * How instalments are paid. Five days before the due date the borrower decides (by the hidden condition) when to pay,
 * if at all; a payment may fail for lack of funds; after the due date a decision falls again every few days.
 * Rows of parameters run over the conditions stable, stretched, distressed, defaulting, recovering.
 */

const DECIDES_DAYS_BEFORE = 5
const PAYS_ON_TIME: readonly number[] = [0.93, 0.84, 0.58, 0.05, 0.84]
/** Of those who do not: pays late by a plan of their own, else waits for a call. */
const PLANS_LATE: readonly number[] = [0.93, 0.8, 0.5, 0.06, 0.75]
const FORGETFUL_LATE = 0.13
const LATE_DAYS_MAX: readonly number[] = [16, 22, 26, 26, 22]
/** Pays at a decision after the due date, by DPD below 30, below 60, above. */
const PAYS_OVERDUE: readonly (readonly number[])[] = [
  [0.6, 0.47, 0.24, 0.03, 0.52],
  [0.5, 0.4, 0.15, 0.02, 0.4],
  [0.35, 0.15, 0.04, 0.006, 0.1],
]
const PAYS_IN_PART: readonly number[] = [0.004, 0.04, 0.14, 0.25, 0.07]
/** Pays interest and fee alone. */
const PAYS_MINIMUM: readonly number[] = [0.003, 0.05, 0.1, 0.08, 0.04]
const PAYS_ONE_OF_SEVERAL = 0.4
/** Asks for more time before the due date, and gets it. */
const EXTENDED: readonly number[] = [0.002, 0.035, 0.1, 0.006, 0.015]
/** Borrows elsewhere in the days before, to have what is due. */
const BORROWS_TO_PAY: readonly number[] = [0.002, 0.1, 0.3, 0.3, 0.03]
const BORROWS_TO_PAY_IN_SPIRAL = 4
const BORROWS_TO_PAY_REFINANCING = 0.2
const PAYS_ELSEWHERE: readonly number[] = [0.06, 0.13, 0.22, 0.25, 0.14]
/** Payments from elsewhere that the other bank takes back some days later. */
const RETURNED: readonly number[] = [0.012, 0.05, 0.12, 0.25, 0.06]
const PAYS_OFF_EARLY = 0.009
/** The debit finds the money although it was not meant to. */
const DEBIT_PASSES: readonly number[] = [0.6, 0.4, 0.2, 0.05, 0.4]
const PENALTY_PER_DAY = 0.0005
const PENALTY_FREE_DAYS = 3

/** Plans today's dealings with the borrower's loans. */
export function repay(scene: Scene, borrower: Borrower): void {
  for (const loan of borrower.loans) {
    if (loan.returned_day === scene.day.number) scene.agenda.plan(timeOfBatch(borrower), takeBack, 0, loan.number)
    else if (scene.day.number >= loan.action_day) decide(scene, borrower, loan)
    if (loan.next_due < scene.day.number) getInTouch(scene, borrower, loan)
  }
}

function decide(scene: Scene, borrower: Borrower, loan: Loan): void {
  const today = scene.day.number
  if (loan.step === STEP.plan) makePlan(scene, borrower, loan)
  if (loan.action_day > today) return
  if (loan.step === STEP.pay) planPayment(scene, borrower, loan)
  else waitAndSee(scene, borrower, loan)
}

function makePlan(scene: Scene, borrower: Borrower, loan: Loan): void {
  const random = borrower.random
  const today = scene.day.number
  if (random.chance(EXTENDED[borrower.condition]!) && extend(scene, borrower, loan)) return
  const { condition } = borrower
  loan.step = STEP.pay
  const late = borrower.forgetful ? FORGETFUL_LATE : 0
  if (random.chance(PAYS_ON_TIME[condition]! - late)) {
    const early = borrower.autopay || random.chance(0.45) ? 0 : random.whole(1, DECIDES_DAYS_BEFORE - 1)
    loan.action_day = Math.max(today, loan.next_due - early)
    const from = loan.action_day - random.whole(1, 2)
    if (from > today && random.chance(borrowsToPay(borrower))) {
      borrowToPay(scene, borrower, from, totalOf(loan, loan.settled) - loan.paid_into)
    }
  } else if (borrower.autopay) {
    loan.dodges = true
    loan.action_day = Math.max(today, loan.next_due)
  } else if (random.chance(PLANS_LATE[condition]!)) {
    loan.action_day = loan.next_due + random.whole(1, LATE_DAYS_MAX[condition]!)
  } else {
    loan.step = STEP.wait
    loan.action_day = loan.next_due + random.whole(3, 9)
  }
}

function borrowsToPay(borrower: Borrower): number {
  if (borrower.oddity === ODDITY.refinance) return BORROWS_TO_PAY_REFINANCING
  return BORROWS_TO_PAY[borrower.condition]! * (borrower.spiralling ? BORROWS_TO_PAY_IN_SPIRAL : 1)
}

function waitAndSee(scene: Scene, borrower: Borrower, loan: Loan): void {
  const today = scene.day.number
  const dpd = dpdOf(loan, today)
  if (collect(scene, borrower, loan, dpd)) return
  const pays = PAYS_OVERDUE[dpd < 30 ? 0 : dpd < 60 ? 1 : 2]!
  loan.action_day = today + borrower.random.whole(3, 7)
  if (borrower.random.chance(pays[borrower.condition]!)) planPayment(scene, borrower, loan)
}

function planPayment(scene: Scene, borrower: Borrower, loan: Loan): void {
  const automatic = borrower.autopay && loan.next_due >= scene.day.number
  const time = automatic ? timeOfBatch(borrower) : timeAwake(borrower)
  const early =
    borrower.condition === CONDITION.stable &&
    loan.paid_into === 0 &&
    loan.terms - loan.settled > 2 &&
    borrower.random.chance(PAYS_OFF_EARLY)
  const act = early ? payOff : loan.dodges ? letFail : pay
  loan.dodges = false
  scene.agenda.plan(time, act, automatic ? 1 : 0, loan.number)
}

/** Pays what is due, all or a part, if the money can be found. `which` is the loan, `amount` 1 for a direct debit. */
function pay(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = loanOf(borrower, item.which)
  const random = borrower.random
  const { condition } = borrower
  const today = scene.day.number
  let amount = dueBy(loan, Math.max(today, loan.next_due))
  if (overdueCount(loan, today) > 1 && random.chance(PAYS_ONE_OF_SEVERAL))
    amount = totalOf(loan, loan.settled) - loan.paid_into
  const minimum = interestOf(loan, loan.settled) + loan.fee - loan.paid_into
  if (minimum > 0 && random.chance(PAYS_MINIMUM[condition]!)) amount = minimum
  else if (random.chance(PAYS_IN_PART[condition]!)) amount = partOf(amount, random.between(0.25, 0.75))
  if (random.chance(PAYS_ELSEWHERE[condition]!)) return settle(scene, borrower, loan, amount, item.time, 'transfer')
  const way = item.amount === 1 ? 'direct_debit' : 'app'
  if (findFunds(scene, borrower, item.time, amount)) return settle(scene, borrower, loan, amount, item.time, way)
  if (item.amount === 1) scene.events.failedDebit(borrower, item.time, amount, OWN_DEBIT)
  loan.step = STEP.wait
  loan.action_day = today + random.whole(1, 4)
  const part = partOf(amount, random.between(0.3, 0.6))
  if (random.chance(0.2) && canPay(borrower, part)) settle(scene, borrower, loan, part, item.time + 1000, 'app')
}

/**
 * A direct debit that is not to succeed: the account is empty, or is emptied before. Who just forgot to leave enough
 * pays after all when it was there.
 */
function letFail(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = loanOf(borrower, item.which)
  const { events, day } = scene
  const random = borrower.random
  const { condition } = borrower
  const amount = dueBy(loan, Math.max(day.number, loan.next_due))
  if (canPay(borrower, amount)) {
    if (borrower.overdraft > 0 || random.chance(DEBIT_PASSES[condition]!)) return pay(scene, borrower, item)
    const kept = Math.min(borrower.balance, Math.floor(amount * random.between(0.02, 0.6)))
    const emptied = Math.floor((borrower.balance - kept) / FEN_PER_YUAN) * FEN_PER_YUAN
    if (emptied > 0) events.debit(borrower, item.time - 3_600_000, emptied, EMPTIES)
  }
  events.failedDebit(borrower, item.time, amount, OWN_DEBIT)
  loan.step = random.chance(PLANS_LATE[condition]!) ? STEP.pay : STEP.wait
  loan.action_day =
    day.number + (loan.step === STEP.pay ? random.whole(1, LATE_DAYS_MAX[condition]!) : random.whole(3, 9))
}

const EMPTIES = ',"counterparty":"own","counterparty_kind":"own_account","channel":"app","category":"transfer"'

const OWN_DEBIT = `,"counterparty":"${OWN_INSTITUTION}","counterparty_kind":"lender","channel":"direct_debit"`

function partOf(amount: number, share: number): number {
  return Math.max(1, Math.min(amount, Math.floor((amount * share) / (10 * FEN_PER_YUAN)) * 10 * FEN_PER_YUAN))
}

/** Books a payment of what the loan asks for, and what follows from it. */
function settle(scene: Scene, borrower: Borrower, loan: Loan, amount: number, time: number, way: Way): void {
  const today = scene.day.number
  const elsewhere = way === 'transfer'
  const random = borrower.random
  const dpd = dpdOf(loan, today)
  const before = { settled: loan.settled, paidInto: loan.paid_into }
  const parts = allocate(loan, amount)
  const penalty = dpd > PENALTY_FREE_DAYS ? Math.round(amount * PENALTY_PER_DAY * dpd) : 0
  const split = PRODUCTS[loan.product]!.splits_payments
  const paid = split ? amount + penalty : amount
  if (!elsewhere) scene.events.debit(borrower, time, paid, `${OWN_DEBIT},"category":"loan_payment"`)
  const splitText = split ? splitOf(parts.principal, parts.interest, parts.fee, penalty) : ''
  bookRepayment(scene, borrower, loan, paid, time + 1500, way, splitText)
  if (!split && !elsewhere && penalty > 0 && canPay(borrower, penalty)) {
    scene.events.debit(borrower, time + 2500, penalty, `${OWN_DEBIT},"category":"penalty_interest"`)
  }
  setPaid(loan, parts.settled, parts.paid_into)
  if (loan.settled === loan.terms) return close(scene, borrower, loan, time + 60_000, 'paid_off')
  loan.step = loan.next_due < today ? STEP.wait : STEP.plan
  loan.action_day =
    loan.next_due < today ? today + random.whole(3, 7) : Math.max(today + 1, loan.next_due - DECIDES_DAYS_BEFORE)
  if (elsewhere && random.chance(RETURNED[borrower.condition]!)) {
    loan.returned_day = today + random.whole(1, 4)
    loan.returned_event = borrower.events
    loan.returned_settled = before.settled
    loan.returned_paid_into = before.paidInto
    loan.action_day = Math.max(loan.action_day, loan.returned_day + 1)
  }
}

/** The channel of a payment; a transfer comes from another account than the one that is seen. */
type Way = 'direct_debit' | 'app' | 'transfer'

function splitOf(principal: number, interest: number, fee: number, penalty: number): string {
  return `,"split":{"principal_minor":${principal},"interest_minor":${interest},"fee_minor":${fee},"penalty_minor":${penalty}}`
}

function bookRepayment(
  scene: Scene,
  borrower: Borrower,
  loan: Loan,
  amount: number,
  time: number,
  way: Way,
  split: string,
): void {
  const { events } = scene
  const elsewhere = way === 'transfer'
  // A relative pays now and then; then the account is theirs.
  const helped = elsewhere && borrower.random.chance(0.2)
  const relative = `p-${sixDigits((borrower.index * 17) % 1_000_000)}`
  const payer = helped ? relative : `b-${sixDigits(borrower.index)}`
  const account = helped ? `a-${relative}` : elsewhere ? events.accountElsewhere : events.account
  const channel = helped ? 'third_party' : way
  events.event(
    borrower,
    time,
    SOURCE_LOANS,
    'repayment.received',
    `"loan":"${events.loan(loan.number)}","currency":"${CURRENCY}","amount_minor":${amount}${split},` +
      `"paid_at":${events.instant(time - 1500)},"account":"${account}","payer":"${payer}","channel":"${channel}"`,
  )
}

/** The other bank takes a payment back: what it paid is open again. */
function takeBack(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = loanOf(borrower, item.which)
  const { events } = scene
  const repayment = `b${sixDigits(borrower.index)}-${sixDigits(loan.returned_event)}`
  const data = `"loan":"${events.loan(loan.number)}","repayment":"${repayment}","reason":"returned_debit"`
  events.event(borrower, item.time, SOURCE_LOANS, 'repayment.reversed', data)
  setPaid(loan, loan.returned_settled, loan.returned_paid_into)
  loan.returned_day = 0
  loan.step = STEP.wait
  loan.action_day = Math.max(scene.day.number, loan.next_due) + borrower.random.whole(1, 5)
}

/** Pays everything off before its time; the interest of later instalments is waived, which the split shows. */
function payOff(scene: Scene, borrower: Borrower, item: Item): void {
  const loan = loanOf(borrower, item.which)
  const principal = remainingPrincipal(loan)
  const interest = interestOf(loan, loan.settled)
  const amount = principal + interest + loan.fee
  if (!findFunds(scene, borrower, item.time, amount)) return pay(scene, borrower, item)
  scene.events.debit(borrower, item.time, amount, `${OWN_DEBIT},"category":"loan_payment"`)
  bookRepayment(scene, borrower, loan, amount, item.time + 1500, 'app', splitOf(principal, interest, loan.fee, 0))
  close(scene, borrower, loan, item.time + 60_000, 'prepaid')
}

function close(scene: Scene, borrower: Borrower, loan: Loan, time: number, reason: string): void {
  const { events } = scene
  const data = `"loan":"${events.loan(loan.number)}","closed_at":${events.instant(time)},"reason":"${reason}"`
  events.event(borrower, time, SOURCE_LOANS, 'loan.closed', data)
  borrower.loans = borrower.loans.filter((one) => one !== loan)
  if (borrower.loans.length === 0) planNextLoan(scene, borrower)
}

function loanOf(borrower: Borrower, number: number): Loan {
  const loan = borrower.loans.find((one) => one.number === number)
  if (loan === undefined) throw new Error(`borrower ${borrower.index} has no open loan ${number}`)
  return loan
}
