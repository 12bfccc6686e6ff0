import { type Borrower, CONDITION } from './borrower.ts'
import { FEN_PER_YUAN, roundTo } from './money.ts'
import type { Item, Scene } from './scene.ts'

/** Money that comes from somewhere else when the account runs low, and leaves it when it is full. */

/** A bank lets a customer who is short go below zero by so much of a month's income, at full strain. */
const TOLERATED_INCOMES = 0.15

/** Does the account bear this amount, its overdraft included? */
export function canPay(borrower: Borrower, amount: number): boolean {
  return borrower.balance + borrower.overdraft + TOLERATED_INCOMES * borrower.strain * borrower.income >= amount
}

/** The credit card's limit, in months of income, and how much of it a purchase may still use. */
const CARD_LIMIT_INCOMES = 2
export function cardBears(borrower: Borrower, amount: number): boolean {
  return borrower.has_card && borrower.card_owed + amount <= borrower.income * CARD_LIMIT_INCOMES
}

/** How likely a condition can still bring money from savings or family. */
const HELP: readonly number[] = [0.92, 0.5, 0.22, 0.05, 0.45]
/** Below how many months of income a condition fills the account up, and above how many it is emptied. */
const LOW_INCOMES: readonly number[] = [0.3, 0.08, 0.01, 0, 0.06]
const HIGH_INCOMES = 2.4

/** Tries to fill the account to `needed` fen from outside; true when it bears the amount now. */
export function findFunds(scene: Scene, borrower: Borrower, time: number, needed: number): boolean {
  if (canPay(borrower, needed)) return true
  const random = borrower.random
  if (!random.chance(HELP[borrower.condition]!)) return false
  const missing = roundTo((needed - borrower.balance) * random.between(1.02, 1.6), 100)
  const fromFriends = random.chance(borrower.condition === CONDITION.stable ? 0.12 : 0.45)
  scene.events.credit(borrower, time, missing, fromFriends ? friend(borrower) : OWN_ACCOUNT)
  return true
}

const OWN_ACCOUNT = ',"counterparty":"own","counterparty_kind":"own_account","channel":"app","category":"transfer"'
const BROKER = ',"counterparty":"s-broker","counterparty_kind":"securities","channel":"app","category":"securities"'

function friend(borrower: Borrower): string {
  const person = (borrower.index * 17 + borrower.random.below(5)) % 1_000_000
  return `,"counterparty":"p-${person}","counterparty_kind":"person","channel":"app","category":"transfer"`
}

/** The monthly look at the account: sweeps what is too much, fills what is too little. */
export function balanceOut(scene: Scene, borrower: Borrower, item: Item): void {
  const random = borrower.random
  if (borrower.balance > borrower.income * HIGH_INCOMES) {
    const amount = roundTo((borrower.balance - borrower.income * random.between(0.9, 1.8)) * 0.9, 100)
    scene.events.debit(borrower, item.time, amount, random.chance(0.2) ? BROKER : OWN_ACCOUNT)
    return
  }
  if (
    borrower.balance >= borrower.income * LOW_INCOMES[borrower.condition]! ||
    !random.chance(HELP[borrower.condition]! * 0.8)
  )
    return
  const amount = roundTo(borrower.income * random.between(0.12, 0.5) + Math.max(0, -borrower.balance), 100)
  if (amount >= 100 * FEN_PER_YUAN) scene.events.credit(borrower, item.time, amount, OWN_ACCOUNT)
}
