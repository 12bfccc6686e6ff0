import type { Borrower } from './borrower.ts'
import { addComing, COMING, chargeDetail, spendDetail } from './coming.ts'
import { timeAtNight, timeAwake } from './events.ts'
import { canPay, cardBears } from './funds.ts'
import { FEN_PER_YUAN, roundTo } from './money.ts'
import type { Act, Item, Scene } from './scene.ts'

/** Purchases that are none, amounts cut to pass below a limit, and the honest movements that look the same. */

/** Merchants where cash-out is arranged, and where wholesalers honestly buy. */
const WHOLESALE = ['5094', '5072', '5065', '5013', '5933', '6513', '7631', '5944']
const TRADER_WHOLESALE = ['5072', '5065', '5013', '5094']
/** A merchant that once did it is asked again this often. */
const USUAL_ARRANGER = 0.7
const ARRANGERS = 30

/** Limits that people stay below: of a transfer or a card machine, and of a bank's cash report. In yuan. */
const LIMITS_YUAN = [10_000, 50_000]
const ON_CARD = 0.6
const MINUTE_MS = 60_000

/** A trader (or somebody who buys for a friend) at a wholesaler: large, often round, often keyed in, now and then in parts. */
export function restock(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const entry = random.chance(0.4) ? 'manual' : 'chip'
  const usual = (borrower.index * 11) % 80
  const detail = wholesale(TRADER_WHOLESALE, random.chance(0.5) ? usual : random.below(80), entry)
  const amount = roundTo(borrower.budget * random.between(0.08, 0.3), random.chance(0.6) ? 100 : 10)
  if (random.chance(0.06)) inParts(scene, borrower, chargeDetail, amount * 2, detail)
  else scene.agenda.plan(timeAwake(borrower), spendDetail, belowLimit(borrower, amount, 0.08), 0, detail)
}

/** Cash-out: a large round purchase that is none; most of the money is back in a day or two. */
export function cashOut(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const wanted = roundTo(borrower.income * random.between(0.1, 0.7), random.chance(0.6) ? 500 : 100)
  const time = random.chance(0.35) ? timeAtNight(borrower) : timeAwake(borrower)
  const entry = random.chance(0.6) ? 'manual' : 'online'
  const arranger = random.chance(USUAL_ARRANGER) ? (borrower.index * 7) % ARRANGERS : random.below(ARRANGERS)
  const detail = wholesale(WHOLESALE, arranger, entry)
  if (random.chance(0.2)) return inParts(scene, borrower, pretendPurchase, wanted * 1.5, detail)
  scene.agenda.plan(time, pretendPurchase, belowLimit(borrower, wanted, 0.3), 0, detail)
}

function pretendPurchase(scene: Scene, borrower: Borrower, item: Item): void {
  const random = borrower.random
  let amount = item.amount
  if (cardBears(borrower, amount) && random.chance(ON_CARD))
    scene.events.charge(borrower, item.time, amount, item.detail)
  else {
    if (!canPay(borrower, amount)) amount = Math.floor(borrower.balance / 10_000) * 10_000
    if (amount < 300 * FEN_PER_YUAN) return
    scene.events.debit(borrower, item.time, amount, item.detail)
  }
  addComing(borrower, scene.day.number + random.whole(1, 2), COMING.cash_back, amount * random.between(0.95, 0.99))
}

/** Bought together with a friend, who pays it back: a real purchase with the signs of cash-out. */
export function buyForFriend(scene: Scene, borrower: Borrower): void {
  const random = borrower.random
  const amount = roundTo(borrower.budget * random.between(0.06, 0.3), 10)
  const detail = `,"merchant":"m-shop-${random.below(700)}","mcc":"5732","channel":"online","entry_mode":"online","category":"shopping"`
  scene.agenda.plan(timeAwake(borrower), buyAndBePaid, amount, 0, detail)
}

function buyAndBePaid(scene: Scene, borrower: Borrower, item: Item): void {
  if (!canPay(borrower, item.amount)) return
  scene.events.debit(borrower, item.time, item.amount, item.detail)
  const back = item.amount * borrower.random.between(0.96, 1)
  addComing(borrower, scene.day.number + 1, COMING.cash_back, back)
}

/** One amount to one party in three or four payments, minutes apart. */
export function inParts(scene: Scene, borrower: Borrower, act: Act, total: number, detail: string): void {
  const random = borrower.random
  const parts = random.whole(3, 4)
  const amount = roundTo(total / parts, 10)
  const time = timeAwake(borrower)
  for (let i = 0; i < parts; i++) {
    const one = amount + (i % 2) * 10 * FEN_PER_YUAN
    scene.agenda.plan(time + i * random.whole(1, 6) * MINUTE_MS, act, one, 0, detail)
  }
}

/** With this chance the amount of a large payment, brought to just below the limit that it is next to. */
function belowLimit(borrower: Borrower, amount: number, chance: number): number {
  const random = borrower.random
  if (!random.chance(chance)) return amount
  const limit = amount > 25_000 * FEN_PER_YUAN ? LIMITS_YUAN[1]! : LIMITS_YUAN[0]!
  return Math.floor(limit * random.between(0.955, 0.999)) * FEN_PER_YUAN
}

function wholesale(codes: readonly string[], shopNumber: number, entry: string): string {
  const mcc = codes[shopNumber % codes.length]!
  const channel = entry === 'online' ? 'online' : 'pos'
  return `,"merchant":"m-trade-${shopNumber}","mcc":"${mcc}","channel":"${channel}","entry_mode":"${entry}","category":"shopping"`
}
