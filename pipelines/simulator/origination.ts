import { type Borrower, CONDITION, NEVER } from './borrower.ts'
import { orderReport, rememberEarlierQueries } from './bureau.ts'
import { addComing, COMING } from './coming.ts'
import { SOURCE_LOANS, timeAtWork } from './events.ts'
import { dpdOf, newLoan, scheduleText } from './loans.ts'
import { roundTo } from './money.ts'
import { CHANNELS, CURRENCY, cohortRisk, OWN_INSTITUTION, PRODUCT_SHARES, PRODUCTS, REGIONS } from './portfolio.ts'
import type { Item, Scene } from './scene.ts'

/** Loans: who gets one when, and what becomes of the money. */

const LOANS_OPEN_MAX = 3
/** A borrower who was never 30 days past due borrows again after pay-off with this probability, else a year later. */
const COMES_BACK = 0.85
const SECOND_LOAN = 0.16
const REAPPLY_DAYS = 60
const GUARANTEED_SHARE = 0.3
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
  const { events, day } = scene
  const which = random.pick(PRODUCT_SHARES)
  const product = PRODUCTS[which]!
  const channel = CHANNELS[random.pick(product.channels)]!
  const circumstances = random.logNormal(0.4)
  borrower.risk = borrower.quality * circumstances * cohortRisk(scene.seed, day.month) * product.risk * channel.risk
  if (borrower.loan_count === 0) rememberEarlierQueries(scene, borrower)
  orderReport(scene, borrower, { ...item, detail: 'loan_approval' })
  borrower.loan_count += 1

  const incomes = random.between(product.incomes_low, product.incomes_high)
  const principal = roundTo(borrower.income * incomes, product.line ? 100 : 500)
  const terms = product.terms[random.below(product.terms.length)]!
  const dueDay = Math.min(DUE_DAY_LAST, Math.max(1, ((borrower.payday + random.whole(1, 8) - 1) % DUE_DAY_LAST) + 1))
  // Most lenders write off between 120 and 180 days; a few cases drag on.
  const writeOffDpd = random.chance(0.9) ? random.whole(120, 180) : random.whole(200, 360)
  const loan = newLoan(borrower.loan_count, which, principal, terms, day.number, dueDay, writeOffDpd)
  borrower.loans.push(loan)

  let data =
    `"loan":"${events.loan(loan.number)}","product":"${product.name}","channel":"${channel.name}",` +
    `"region":"${REGIONS[borrower.region]!.name}","currency":"${CURRENCY}","principal_minor":${principal},` +
    `"annual_rate":${product.annual_rate},"disbursed_at":${events.instant(item.time + 60_000)},` +
    `"schedule":${scheduleText(loan)},"purpose":"${product.purposes[random.below(product.purposes.length)]!}"`
  if (product.collateral !== '') {
    data += `,"collateral":"${product.collateral}"`
    if (random.chance(GUARANTEED_SHARE)) data += `,"guarantor":"g-${random.below(1_000_000)}"`
  }
  if (product.line) data += `,"credit_limit_minor":${roundTo(principal * random.between(1.05, 2.2), 500)}`
  const time = events.event(borrower, item.time + 60_000, SOURCE_LOANS, 'loan.disbursed', data)
  if (product.paid_out) {
    events.credit(borrower, time + 1000, principal, PROCEEDS)
    divert(scene, borrower, principal)
  }
  if (random.chance(SECOND_LOAN)) borrower.next_loan_day = day.number + random.whole(60, 240)
}

const PROCEEDS = `,"counterparty":"${OWN_INSTITUTION}","counterparty_kind":"lender","channel":"transfer","category":"loan_proceeds"`

/** Some of the money goes where it should not: to securities, property, other lenders. The healthy do it too. */
function divert(scene: Scene, borrower: Borrower, principal: number): void {
  const random = borrower.random
  const inTrouble = borrower.condition !== CONDITION.stable
  if (!random.chance(inTrouble ? 0.08 + 0.5 * borrower.strain : 0.07)) return
  const day = scene.day.number + random.whole(1, 20)
  const amount = principal * random.between(0.25, 0.85)
  const kind = inTrouble
    ? random.chance(0.65)
      ? COMING.other_lender
      : COMING.securities
    : random.chance(0.6)
      ? COMING.securities
      : COMING.property
  addComing(borrower, day, kind, amount, kind === COMING.other_lender ? borrower.other_lender : 0)
}

/** When a loan is paid off: does the borrower come back? */
export function planNextLoan(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  if (borrower.next_loan_day !== NEVER) return
  const soon = random.chance(COMES_BACK)
  borrower.next_loan_day = scene.day.number + (soon ? random.whole(3, 75) : random.whole(200, 500))
}
