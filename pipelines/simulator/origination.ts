import { type Borrower, CONDITION, NEVER } from './borrower.ts'
import { orderReport, rememberEarlierQueries } from './bureau.ts'
import { addComing, COMING } from './coming.ts'
import { SOURCE_LOANS, timeAtWork, timeAwake } from './events.ts'
import { dpdOf, newLoan, scheduleText } from './loans.ts'
import { roundTo } from './money.ts'
import {
  CHANNELS,
  CURRENCY,
  cohortRisk,
  INDUSTRIES,
  OWN_INSTITUTION,
  PRODUCT_SHARES,
  PRODUCTS,
  REGIONS,
} from './portfolio.ts'
import { cumulate } from './random.ts'
import type { Item, Scene } from './scene.ts'
import { collateralOf, valueCollateral } from './signals.ts'

/** Loans: who gets one when, and what becomes of the money. */

const LOANS_OPEN_MAX = 3
/** A borrower who was never 30 days past due borrows again after pay-off with this probability, else a year later. */
const COMES_BACK = 0.85
const SECOND_LOAN = 0.16
const REAPPLY_DAYS = 60
const GUARANTEED_SECURED = 0.3
const GUARANTEED = 0.1
/** By condition: draws more of a running credit line in a month; earliest so many days after the line was granted. */
const DRAWS: readonly number[] = [0.02, 0.2, 0.35, 0.05, 0.05]
const DRAWS_AFTER_DAYS = 30
const DRAWN_INCOMES_LOW = 0.2
const DRAWN_INCOMES_HIGH = 0.8
/** Where diverted proceeds go, with the weights of those in trouble and of the healthy. */
const DIVERSIONS = [COMING.other_lender, COMING.securities, COMING.property, COMING.cash, COMING.own_account]
const DIVERTED_IN_TROUBLE = cumulate([45, 15, 0, 25, 15])
const DIVERTED = cumulate([5, 35, 20, 15, 25])
const DUE_DAY_LAST = 28

/** Grants the loan that the borrower wants today, if the lender agrees. */
export function applyForLoan(scene: Scene, borrower: Borrower): void {
  const today = scene.day.number
  if (today < borrower.next_loan_day) return
  const refused =
    borrower.loans.length >= LOANS_OPEN_MAX ||
    today < borrower.excluded_until ||
    borrower.loans.some((loan) => dpdOf(loan, today) > 0)
  if (refused) {
    borrower.next_loan_day = today + REAPPLY_DAYS
    return
  }
  borrower.next_loan_day = NEVER
  scene.agenda.plan(timeAtWork(borrower), grant)
}

function grant(scene: Scene, borrower: Borrower, item: Item): void {
  const random = borrower.random
  const which = random.pick(PRODUCT_SHARES)
  const product = PRODUCTS[which]!
  const channel = CHANNELS[random.pick(product.channels)]!
  const circumstances = random.logNormal(0.4)
  borrower.risk =
    borrower.quality * circumstances * cohortRisk(scene.seed, scene.day.month) * product.risk * channel.risk
  if (borrower.loan_count === 0) rememberEarlierQueries(scene, borrower)
  orderReport(scene, borrower, { ...item, detail: 'loan_approval' })
  const incomes = random.between(product.incomes_low, product.incomes_high)
  disburse(scene, borrower, item.time + 60_000, which, incomes, channel.name, random.between(1.05, 2.2))
  if (random.chance(SECOND_LOAN)) borrower.next_loan_day = scene.day.number + random.whole(60, 240)
}

/** Once a month: who has a credit line may draw what is left of it, which is another loan and needs no approval. */
export function drawOnLine(scene: Scene, borrower: Borrower): void {
  const today = scene.day.number
  const line = borrower.loans.find(
    (loan) => PRODUCTS[loan.product]!.line && today - loan.opened_day >= DRAWS_AFTER_DAYS,
  )
  if (line === undefined || borrower.loans.length >= LOANS_OPEN_MAX || today < borrower.excluded_until) return
  if (borrower.loans.some((loan) => dpdOf(loan, today) > 0)) return
  if (borrower.random.chance(DRAWS[borrower.condition]!)) scene.agenda.plan(timeAwake(borrower), draw, 0, line.product)
}

function draw(scene: Scene, borrower: Borrower, item: Item): void {
  const incomes = borrower.random.between(DRAWN_INCOMES_LOW, DRAWN_INCOMES_HIGH)
  // A drawing uses its part of the limit up.
  disburse(scene, borrower, item.time, item.which, incomes, 'app', 1)
}

/** Pays a loan out. `limit` is its credit limit as a multiple of the principal, where the product is a line. */
function disburse(
  scene: Scene,
  borrower: Borrower,
  time: number,
  which: number,
  incomes: number,
  channel: string,
  limit: number,
): void {
  const random = borrower.random
  const { events, day } = scene
  const product = PRODUCTS[which]!
  borrower.loan_count += 1
  const principal = roundTo(borrower.income * incomes, product.line ? 100 : 500)
  const terms = product.terms[random.below(product.terms.length)]!
  const dueDay = Math.min(DUE_DAY_LAST, Math.max(1, ((borrower.payday + random.whole(1, 8) - 1) % DUE_DAY_LAST) + 1))
  // Most lenders write off between 120 and 180 days; a few cases drag on.
  const writeOffDpd = random.chance(0.9) ? random.whole(120, 180) : random.whole(200, 360)
  const secured = product.collateral !== ''
  const guarantor = random.chance(secured ? GUARANTEED_SECURED : GUARANTEED) ? random.whole(1, 999_999) : 0
  const loan = newLoan(borrower.loan_count, which, principal, terms, day.number, dueDay, writeOffDpd, guarantor)
  borrower.loans.push(loan)

  const purpose =
    borrower.business && product.paid_out ? 'turnover' : product.purposes[random.below(product.purposes.length)]!
  let data =
    `"loan":"${events.loan(loan.number)}","product":"${product.name}","channel":"${channel}",` +
    `"region":"${REGIONS[borrower.region]!.name}","currency":"${CURRENCY}","principal_minor":${principal},` +
    `"annual_rate":${product.annual_rate},"disbursed_at":${events.instant(time)},` +
    `"schedule":${scheduleText(loan)},"purpose":"${purpose}"`
  if (borrower.business) data += `,"industry":"${INDUSTRIES[borrower.industry]!.name}"`
  if (secured) data += `,"collateral":"${collateralOf(borrower, loan)}"`
  if (guarantor > 0) data += `,"guarantor":"g-${guarantor}"`
  data += `,"payment_mode":"${product.paid_out ? 'self_directed' : 'entrusted'}"`
  if (product.line) data += `,"credit_limit_minor":${limit === 1 ? principal : roundTo(principal * limit, 500)}`
  const booked = events.event(borrower, time, SOURCE_LOANS, 'loan.disbursed', data)
  if (secured) valueCollateral(scene, borrower, booked + 1000, loan)
  if (product.paid_out) {
    events.credit(borrower, booked + 2000, principal, PROCEEDS)
    divert(scene, borrower, principal)
  }
}

const PROCEEDS = `,"counterparty":"${OWN_INSTITUTION}","counterparty_kind":"lender","channel":"transfer","category":"loan_proceeds"`

/**
 * Some of the money goes where it should not: to securities, property, other lenders, cash, an account elsewhere.
 * The healthy do it too.
 */
function divert(scene: Scene, borrower: Borrower, principal: number): void {
  const random = borrower.random
  const inTrouble = borrower.condition !== CONDITION.stable
  if (!random.chance(inTrouble ? 0.1 + 0.6 * borrower.strain : 0.1)) return
  const day = scene.day.number + random.whole(1, random.chance(0.5) ? 5 : 20)
  // What was on the account before goes first, so that little of a small diversion is the loan's money.
  const amount = Math.min(borrower.balance, principal * random.between(0.4, 1.1))
  const kind = DIVERSIONS[random.pick(inTrouble ? DIVERTED_IN_TROUBLE : DIVERTED)]!
  addComing(borrower, day, kind, amount, kind === COMING.other_lender ? borrower.other_lender : 0)
}

/** When a loan is paid off: does the borrower come back? */
export function planNextLoan(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  if (borrower.next_loan_day !== NEVER) return
  const soon = random.chance(COMES_BACK)
  borrower.next_loan_day = scene.day.number + (soon ? random.whole(3, 75) : random.whole(200, 500))
}
