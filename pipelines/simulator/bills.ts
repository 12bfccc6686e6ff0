import { type Borrower, ODDITY } from './borrower.ts'
import { lenderDetail } from './coming.ts'
import { sixDigits, timeAtWork, timeAwake, timeOfBatch } from './events.ts'
import { balanceOut, canPay, findFunds } from './funds.ts'
import { amountDueMonthly } from './loans.ts'
import type { Item, Scene } from './scene.ts'

/** What falls due every month besides the own lender's loans: rent, utilities, insurance, saving, other lenders. */

const LIVING_SHARE = 0.9
const BUDGET_INCOMES_MIN = 0.16
/** What the card's bank wants at least, and the interest a month on what is left. */
const CARD_MINIMUM_SHARE = 0.1
const CARD_MINIMUM_UNDER_STRAIN = 0.8
const CARD_INTEREST = 0.015

/** Once a month the borrower counts what is left to live on. */
export function planBudget(scene: Scene, borrower: Borrower): void {
  const income = borrower.income * (scene.day.number < borrower.employed_from ? 0.55 : borrower.pay_share)
  let fixed = borrower.rent + borrower.utilities + borrower.insurance + borrower.mortgage + borrower.saving
  if (borrower.other_months > 0) fixed += borrower.other_payment
  for (const loan of borrower.loans) fixed += amountDueMonthly(loan)
  borrower.budget = Math.max(income * LIVING_SHARE - fixed, borrower.income * BUDGET_INCOMES_MIN)
  scene.agenda.plan(timeAwake(borrower), balanceOut)
}

/** Plans the day's bills. Each has its own day of month, spread by the borrower's number. */
export function payBills(scene: Scene, borrower: Borrower): void {
  const dom = scene.day.day_of_month
  const { agenda } = scene
  const shift = borrower.index % 7
  if (borrower.rent > 0 && dom === 1 + shift) agenda.plan(timeAwake(borrower), payRent, borrower.rent)
  if (dom === 8 + shift) {
    const amount = Math.round(borrower.utilities * borrower.random.between(0.75, 1.3))
    agenda.plan(timeOfBatch(borrower), payBill, amount, 0, UTILITY)
  }
  if (dom === 16 + shift) {
    const amount = Math.round(borrower.utilities * borrower.random.between(0.2, 0.35))
    agenda.plan(timeOfBatch(borrower), payBill, amount, 0, PHONE)
  }
  if (borrower.insurance > 0 && dom === 12)
    agenda.plan(timeOfBatch(borrower), payBill, borrower.insurance, 0, INSURANCE)
  if (borrower.mortgage > 0 && dom === 20) {
    const detail = lenderDetail(borrower.mortgage_lender, 'loan_payment')
    agenda.plan(timeOfBatch(borrower), payLender, borrower.mortgage, 1, detail)
  }
  if (borrower.other_months > 0 && dom === 3 + shift * 3) {
    borrower.other_months -= 1
    const detail = lenderDetail(borrower.other_lender, 'loan_payment')
    agenda.plan(timeOfBatch(borrower), payLender, Math.round(borrower.other_payment), 0, detail)
  }
  if (borrower.card_owed > 0 && dom === 4 + shift * 3) agenda.plan(timeOfBatch(borrower), payCard)
  if (borrower.saving > 0 && borrower.strain < 0.4 && dom === Math.min(28, borrower.payday + 1)) {
    agenda.plan(timeAtWork(borrower), save, borrower.saving, 0, borrower.index % 3 === 0 ? FUND : SAVINGS)
  }
  if (dom === 21 && scene.day.month % 3 === 2 && borrower.balance > 0) {
    agenda.plan(timeOfBatch(borrower), creditInterest, Math.ceil(borrower.balance * 0.0006))
  }
}

const UTILITY = ',"counterparty":"u-grid","counterparty_kind":"utility","channel":"direct_debit","category":"utilities"'
const PHONE =
  ',"counterparty":"u-telecom","counterparty_kind":"utility","channel":"direct_debit","category":"utilities"'
const INSURANCE =
  ',"counterparty":"n-insurer","counterparty_kind":"insurance","channel":"direct_debit","category":"insurance"'
const CARD_BILL = ',"counterparty":"b-house","counterparty_kind":"bank","channel":"direct_debit"'
const SAVINGS =
  ',"counterparty":"own","counterparty_kind":"own_account","channel":"standing_order","category":"transfer"'
const FUND =
  ',"counterparty":"s-fund","counterparty_kind":"securities","channel":"standing_order","category":"securities"'

function payRent(scene: Scene, borrower: Borrower, item: Item): void {
  if (borrower.oddity === ODDITY.moving && borrower.random.chance(0.5)) return
  if (!canPay(borrower, item.amount) && !findFunds(scene, borrower, item.time, item.amount)) return
  const landlord = sixDigits(borrower.index % 1_000_000)
  const detail = `,"counterparty":"p-1${landlord}","counterparty_kind":"person","channel":"app","category":"rent"`
  scene.events.debit(borrower, item.time, item.amount, detail)
}

/** A small bill by direct debit; where it fails the seller notes it and comes again next month. */
function payBill(scene: Scene, borrower: Borrower, item: Item): void {
  if (canPay(borrower, item.amount)) scene.events.debit(borrower, item.time, item.amount, item.detail)
  else if (borrower.random.chance(0.3))
    scene.events.failedDebit(borrower, item.time, item.amount, withoutCategory(item.detail))
}

/** Another lender's instalment. Of the running ones (`which` 0) those under strain let some go. */
function payLender(scene: Scene, borrower: Borrower, item: Item): void {
  if (item.which === 0 && borrower.strain > 0.5 && borrower.random.chance(0.25)) return
  if (findFunds(scene, borrower, item.time, item.amount))
    scene.events.debit(borrower, item.time, item.amount, item.detail)
  else scene.events.failedDebit(borrower, item.time, item.amount, withoutCategory(item.detail))
}

/** The card's bill: all of it, or under strain no more than what keeps the card. */
function payCard(scene: Scene, borrower: Borrower, item: Item): void {
  const least = Math.ceil(borrower.card_owed * CARD_MINIMUM_SHARE)
  let amount = borrower.random.chance(CARD_MINIMUM_UNDER_STRAIN * borrower.strain) ? least : borrower.card_owed
  if (!findFunds(scene, borrower, item.time, amount)) amount = least
  if (!canPay(borrower, amount)) {
    scene.events.failedDebit(borrower, item.time, amount, CARD_BILL)
    return
  }
  scene.events.debit(borrower, item.time, amount, `${CARD_BILL},"category":"card_payment"`)
  borrower.card_owed = Math.round((borrower.card_owed - amount) * (1 + CARD_INTEREST))
}

function save(scene: Scene, borrower: Borrower, item: Item): void {
  if (borrower.balance > item.amount * 4) scene.events.debit(borrower, item.time, item.amount, item.detail)
}

function creditInterest(scene: Scene, borrower: Borrower, item: Item): void {
  const detail = ',"counterparty":"b-house","counterparty_kind":"bank","channel":"branch","category":"interest"'
  scene.events.credit(borrower, item.time, item.amount, detail)
}

function withoutCategory(detail: string): string {
  return detail.slice(0, detail.lastIndexOf(',"category"'))
}
