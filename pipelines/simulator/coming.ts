import type { Borrower } from './borrower.ts'
import { timeAtWork, timeAwake } from './events.ts'
import { canPay, cardBears } from './funds.ts'
import { FEN_PER_YUAN, roundTo } from './money.ts'
import { LENDERS } from './portfolio.ts'
import type { Act, Item, Scene } from './scene.ts'

/** Larger transactions that something earlier led to, kept until their day. */

export const COMING = {
  hospital: 0,
  deposit: 1,
  furniture: 2,
  cash: 3,
  jewellery: 4,
  banquet: 5,
  securities: 6,
  property: 7,
  other_lender: 8,
  cash_back: 9,
  proceeds: 10,
  own_account: 11,
} as const

/** `which` shares one number with the kind: it must be below this. */
const WHICH_LIMIT = 64

/** Plans a transaction for a later day. Where the account cannot bear it then, it does not happen. */
export function addComing(borrower: Borrower, day: number, kind: number, amount: number, which = 0): void {
  const coming = borrower.coming ?? []
  coming.push(day, kind * WHICH_LIMIT + which, Math.round(amount))
  borrower.coming = coming
}

/** Puts what is due today on the agenda. */
export function planComing(scene: Scene, borrower: Borrower): void {
  const coming = borrower.coming
  if (coming === null) return
  const left: number[] = []
  for (let i = 0; i < coming.length; i += 3) {
    const amount = coming[i + 2]!
    if (coming[i]! > scene.day.number) left.push(coming[i]!, coming[i + 1]!, amount)
    else plan(scene, borrower, Math.floor(coming[i + 1]! / WHICH_LIMIT), coming[i + 1]! % WHICH_LIMIT, amount)
  }
  borrower.coming = left.length === 0 ? null : left
}

function plan(scene: Scene, borrower: Borrower, kind: number, which: number, amount: number): void {
  if (amount < FEN_PER_YUAN) return
  const random = borrower.random
  const merchant = (label: string) => `,"merchant":"m-${label}-${random.below(40)}","mcc":`
  const shop = (label: string, mcc: string, category: string) =>
    scene.agenda.plan(timeAwake(borrower), spendDetail, amount, 0, `${merchant(label)}"${mcc}"${POS}"${category}"`)
  const transfer = (act: Act, rounded: number, detail: string) =>
    scene.agenda.plan(timeAwake(borrower), act, rounded, 0, detail)
  switch (kind) {
    case COMING.hospital:
      return shop('hospital', '8062', 'health')
    case COMING.furniture:
      return shop('furniture', '5712', 'household')
    case COMING.jewellery:
      return shop('jewellery', '5944', 'shopping')
    case COMING.banquet:
      return shop('banquet', '5812', 'other')
    case COMING.deposit:
      return transfer(
        spendDetail,
        roundTo(amount, 1000),
        `,"counterparty":"p-9${which}${random.below(90_000)}"${PERSON}"rent"`,
      )
    case COMING.cash:
      return transfer(spendDetail, roundTo(amount, 100), CASH)
    case COMING.securities:
      return transfer(spendDetail, roundTo(amount, 1000), SECURITIES)
    case COMING.property:
      return transfer(spendDetail, roundTo(amount, 1000), PROPERTY)
    case COMING.other_lender:
      return transfer(spendDetail, amount, lenderDetail(which, 'loan_payment'))
    case COMING.cash_back:
      return transfer(receive, amount, `,"counterparty":"p-8${random.below(90_000)}"${PERSON}"transfer"`)
    case COMING.own_account:
      return transfer(spendDetail, roundTo(amount, 100), OWN_ACCOUNT)
    default:
      scene.agenda.plan(timeAtWork(borrower), receive, amount, 0, lenderDetail(which, 'loan_proceeds'))
  }
}

const OWN_ACCOUNT = ',"counterparty":"own","counterparty_kind":"own_account","channel":"app","category":"transfer"'
const POS = ',"channel":"pos","entry_mode":"chip","category":'
const PERSON = ',"counterparty_kind":"person","channel":"app","category":'
const CASH = ',"channel":"atm","entry_mode":"chip","mcc":"6011","category":"cash_withdrawal"'
const SECURITIES =
  ',"counterparty":"s-broker","counterparty_kind":"securities","channel":"online","category":"securities"'
const PROPERTY = ',"counterparty":"h-developer","counterparty_kind":"property","channel":"branch","category":"property"'

/** Fields of a posting from or to another lender. */
export function lenderDetail(which: number, category: string): string {
  return `,"counterparty":"${LENDERS[which]!.token}","counterparty_kind":"lender","channel":"transfer","category":"${category}"`
}

/** Spends if the account bears it; `detail` says on what. */
export function spendDetail(scene: Scene, borrower: Borrower, item: Item): void {
  if (canPay(borrower, item.amount)) scene.events.debit(borrower, item.time, item.amount, item.detail)
}

/** Spends on the credit card where it bears it, else from the account. */
export function chargeDetail(scene: Scene, borrower: Borrower, item: Item): void {
  if (cardBears(borrower, item.amount)) scene.events.charge(borrower, item.time, item.amount, item.detail)
  else spendDetail(scene, borrower, item)
}

/** Receives; `detail` says from whom. */
export function receive(scene: Scene, borrower: Borrower, item: Item): void {
  scene.events.credit(borrower, item.time, item.amount, item.detail)
}
