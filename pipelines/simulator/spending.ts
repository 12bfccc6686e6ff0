import { type Borrower, ODDITY } from './borrower.ts'
import { buyForFriend, cashOut, inParts, restock } from './cash-out.ts'
import { chargeDetail, receive, spendDetail } from './coming.ts'
import { sixDigits, timeAtNight, timeAwake } from './events.ts'
import { FEN_PER_YUAN, roundTo } from './money.ts'
import { cumulate } from './random.ts'
import type { Scene } from './scene.ts'

/** Purchases by category, and what else moves on an account: cash, transfers, refunds. */

type Kind = {
  readonly name: string
  readonly share: number
  /** Cost, as a multiple of the mean purchase. */
  readonly cost: number
  readonly mcc: readonly string[]
  readonly category: string
  readonly merchants: number
}
const KINDS: readonly Kind[] = [
  { name: 'grocer', share: 0.335, cost: 0.62, mcc: ['5411', '5499'], category: 'groceries', merchants: 900 },
  { name: 'dining', share: 0.24, cost: 0.5, mcc: ['5812', '5814'], category: 'other', merchants: 1500 },
  {
    name: 'shop',
    share: 0.165,
    cost: 1.75,
    mcc: ['5311', '5651', '5732', '5977'],
    category: 'shopping',
    merchants: 700,
  },
  { name: 'transit', share: 0.12, cost: 0.3, mcc: ['4111', '4121'], category: 'travel', merchants: 60 },
  { name: 'fuel', share: 0.05, cost: 1.7, mcc: ['5541', '5542'], category: 'travel', merchants: 200 },
  { name: 'clinic', share: 0.03, cost: 2, mcc: ['8011', '5912', '8062'], category: 'health', merchants: 300 },
  { name: 'school', share: 0.013, cost: 4, mcc: ['8299', '8211', '8220'], category: 'education', merchants: 120 },
  { name: 'trip', share: 0.015, cost: 5, mcc: ['4511', '7011', '4722'], category: 'travel', merchants: 150 },
  { name: 'home', share: 0.03, cost: 1.5, mcc: ['5200', '5712', '5722'], category: 'household', merchants: 250 },
  { name: 'jeweller', share: 0.002, cost: 8, mcc: ['5944'], category: 'shopping', merchants: 60 },
]
const KIND_SHARES = cumulate(KINDS.map((kind) => kind.share))
const SHOP = 2
const TRIP = 7

const DAYS_PER_MONTH = 30.44
/** Purchases a day, and the share of the budget that goes there. */
const PURCHASES_PER_DAY = 0.36
const PURCHASE_SHARE = 0.62

/** Other movements a day and the share of the monthly budget of all of a kind together. */
const CASH = { per_day: 0.026, share: 0.14 }
const WALLET = { per_day: 0.052, share: 0.12 }
const SENT = { per_day: 0.045, share: 0.2 }
const RECEIVED = { per_day: 0.03, share: 0.1 }
const REFUND_PER_DAY = 0.006
const FOR_FRIEND_PER_DAY = 0.0018
/** A transfer that is sent in parts: by anybody, by who helps the family, by who needs to hide it. */
const SENT_IN_PARTS = 0.006
const SENT_IN_PARTS_TO_FAMILY = 0.12
const SENT_IN_PARTS_UNDER_STRAIN = 0.2

/** Of purchases, how many go on the credit card of who has one; trouble and journeys bring more. */
const CARD_SHARE = 0.3
const CARD_SHARE_UNDER_STRAIN = 0.45
const CARD_SHARE_ON_JOURNEYS = 0.35
/** Purchases that strain moves from the counter to where no card is shown. */
const REMOTE_UNDER_STRAIN = 0.3

/** How much more than the budget a condition spends: trouble is spending what is not there. */
const OVERSPENDS: readonly number[] = [1, 1.3, 1.35, 1.1, 0.95]

const NIGHT_SHARE = 0.012
const ENTRY_MODES = ['contactless', 'chip', 'online', 'magstripe', 'manual']
const ENTRY_SHARES = cumulate([0.5, 0.18, 0.27, 0.03, 0.02])

/** Plans the day's purchases. */
export function shop(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const lively = borrower.oddity === ODDITY.holiday ? 1.5 : 1
  let count = random.poisson(PURCHASES_PER_DAY * borrower.activity * scene.day.spending * lively)
  while (count > 0) {
    count -= 1
    buy(scene, borrower)
  }
}

function buy(scene: Scene, borrower: Borrower): void {
  const { day, agenda } = scene
  const random = borrower.random
  let which = random.pick(KIND_SHARES)
  if (day.travel > 1 && random.chance(0.008 * day.travel)) which = TRIP
  if (day.shopping > 1 && random.chance(0.15)) which = SHOP
  if (borrower.oddity === ODDITY.holiday && random.chance(0.08)) which = TRIP
  const kind = KINDS[which]!
  const usual = (borrower.budget * PURCHASE_SHARE) / (PURCHASES_PER_DAY * DAYS_PER_MONTH * borrower.activity)
  const spree =
    OVERSPENDS[borrower.condition]! * (1 + 0.3 * borrower.strain) * (borrower.oddity === ODDITY.holiday ? 1.3 : 1)
  let amount = Math.round(usual * kind.cost * spree * random.between(0.3, 1.7))
  if (random.chance(0.04)) amount = roundTo(amount, 100)
  else if (random.chance(0.3)) amount = Math.round(amount / FEN_PER_YUAN) * FEN_PER_YUAN
  if (amount < FEN_PER_YUAN) amount = FEN_PER_YUAN
  // Four of five purchases are at one of a few usual places.
  const place = random.chance(0.8) ? borrower.index * 13 + random.below(3) * 101 : random.below(kind.merchants)
  const mcc = kind.mcc[place % kind.mcc.length]!
  const remote = borrower.strain > 0 && random.chance(REMOTE_UNDER_STRAIN * borrower.strain)
  const entry = remote ? 'online' : ENTRY_MODES[random.pick(ENTRY_SHARES)]!
  const act = borrower.has_card && random.chance(cardShare(borrower)) ? chargeDetail : spendDetail
  const channel = entry === 'online' ? 'online' : 'pos'
  agenda.plan(
    timeOfPurchase(borrower),
    act,
    amount,
    which,
    `,"merchant":"m-${kind.name}-${place % kind.merchants}","mcc":"${mcc}","channel":"${channel}","entry_mode":"${entry}",` +
      `"category":"${kind.category}"`,
  )
}

function cardShare(borrower: Borrower): number {
  const journey = borrower.oddity === ODDITY.holiday || borrower.oddity === ODDITY.wedding
  return CARD_SHARE + CARD_SHARE_UNDER_STRAIN * borrower.strain + (journey ? CARD_SHARE_ON_JOURNEYS : 0)
}

function timeOfPurchase(borrower: Borrower): number {
  const nights = borrower.oddity === ODDITY.nights ? 0.35 : 0.09 * borrower.strain
  const night = borrower.random.uniform() < NIGHT_SHARE + borrower.night_habit + nights
  return night ? timeAtNight(borrower) : timeAwake(borrower)
}

/** Plans at most one of the rarer movements: one draw decides whether and which. */
export function moveMoney(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const { strain, oddity } = borrower
  let at = random.uniform()
  if ((at -= CASH.per_day * (1 + strain)) < 0) return withdraw(scene, borrower)
  if ((at -= WALLET.per_day) < 0) return fillWallet(scene, borrower)
  if ((at -= SENT.per_day + (oddity === ODDITY.family ? 0.06 : 0)) < 0) return send(scene, borrower)
  if ((at -= RECEIVED.per_day + 0.025 * strain) < 0) return receiveTransfer(scene, borrower)
  if ((at -= REFUND_PER_DAY) < 0) return refund(scene, borrower)
  if ((at -= FOR_FRIEND_PER_DAY) < 0) return buyForFriend(scene, borrower)
  if ((at -= borrower.trader ? 0.05 : 0.0006) < 0) return restock(scene, borrower)
  if ((at -= borrower.spiralling ? 0.06 * strain : 0.018 * strain) < 0) return cashOut(scene, borrower)
  if ((at -= borrower.gambler ? 0.02 + 0.08 * strain : 0.0008) < 0) return gamble(scene, borrower)
}

/** What one of these movements costs: the kind's share of the budget over its number in a month, with spread. */
function costOf(borrower: Borrower, kind: { per_day: number; share: number }): number {
  return ((borrower.budget * kind.share) / (kind.per_day * DAYS_PER_MONTH)) * borrower.random.logNormal(0.6)
}

function withdraw(scene: Scene, borrower: Borrower): void {
  const amount = roundTo(costOf(borrower, CASH), 100)
  scene.agenda.plan(timeOfPurchase(borrower), spendDetail, amount, 0, ATM)
}

function fillWallet(scene: Scene, borrower: Borrower): void {
  const cost = costOf(borrower, WALLET)
  const amount = borrower.random.chance(0.4) ? roundTo(cost, 100) : Math.max(FEN_PER_YUAN, Math.round(cost))
  scene.agenda.plan(timeAwake(borrower), spendDetail, amount, 0, E_WALLET)
}

function send(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const round = random.chance(borrower.oddity === ODDITY.family ? 0.9 : 0.45)
  const cost = costOf(borrower, SENT)
  const inPartsChance =
    borrower.oddity === ODDITY.family
      ? SENT_IN_PARTS_TO_FAMILY
      : SENT_IN_PARTS + SENT_IN_PARTS_UNDER_STRAIN * borrower.strain
  if (random.chance(inPartsChance)) return inParts(scene, borrower, spendDetail, cost, person(borrower))
  const amount = round ? roundTo(cost, 100) : Math.max(FEN_PER_YUAN, Math.round(cost))
  scene.agenda.plan(timeAwake(borrower), spendDetail, amount, 0, person(borrower))
}

function receiveTransfer(scene: Scene, borrower: Borrower): void {
  const cost = costOf(borrower, RECEIVED)
  const amount = borrower.random.chance(0.5) ? roundTo(cost, 100) : Math.max(FEN_PER_YUAN, Math.round(cost))
  scene.agenda.plan(timeAwake(borrower), receive, amount, 0, person(borrower))
}

function refund(scene: Scene, borrower: Borrower): void {
  const shopNumber = borrower.random.below(KINDS[SHOP]!.merchants)
  const amount = Math.max(FEN_PER_YUAN, Math.round(borrower.budget * borrower.random.between(0.01, 0.06)))
  const detail = `,"merchant":"m-shop-${shopNumber}","counterparty_kind":"merchant","mcc":"5311","channel":"online","category":"refund"`
  scene.agenda.plan(timeAwake(borrower), receive, amount, 0, detail)
}

function gamble(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const amount = roundTo(borrower.budget * random.between(0.01, 0.1), random.chance(0.7) ? 100 : 10)
  const detail = `,"merchant":"m-lottery-${random.below(20)}","mcc":"7995","channel":"online","entry_mode":"online","category":"gambling"`
  scene.agenda.plan(timeOfPurchase(borrower), spendDetail, amount, 0, detail)
}

const ATM = ',"mcc":"6011","channel":"atm","entry_mode":"chip","category":"cash_withdrawal"'
const E_WALLET = ',"counterparty":"w-wallet","counterparty_kind":"other","channel":"app","category":"other"'

function person(borrower: Borrower): string {
  const number = sixDigits((borrower.index * 7 + borrower.random.below(9) * 131) % 1_000_000)
  return `,"counterparty":"p-${number}","counterparty_kind":"person","channel":"app","category":"transfer"`
}
