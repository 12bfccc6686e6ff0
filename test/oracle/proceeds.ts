import { newestLoan } from './loans.ts'
import { groupBy, sum } from './numbers.ts'
import {
  isCash,
  isLenderIn,
  isLenderOut,
  isOut,
  isOwnAccount,
  isProperty,
  isSecurities,
  type Trait,
  type Transaction,
} from './transactions.ts'
import { type Feature, MS_PER_DAY, oncePerView, perWindow, type View, within } from './view.ts'

/** Where the money of the newest loan went, first in, first out over the account that it was paid to. */

const LOAN_DAYS = 150
const RECEIPT_DAYS = 3
const BALANCE_DAYS = 180
/** Accounts that are told apart, in the order in which the log brought them; all others count as one. */
const ACCOUNTS_MAX = 127

/** A row belongs to the first of these that applies. */
const USES: readonly (readonly [name: string, trait: Trait])[] = [
  ['securities', isSecurities],
  ['property', isProperty],
  ['lender', isLenderOut],
  ['cash', isCash],
  ['own_account', isOwnAccount],
]

const accountsOf = oncePerView((view) => [...groupBy(view.transactionsAsReceived, (row) => row.data.account).keys()])

function isSameAccount(view: View, a: Transaction, b: Transaction): boolean {
  const place = (row: Transaction) => Math.min(accountsOf(view).indexOf(row.data.account), ACCOUNTS_MAX)
  return place(a) === place(b)
}

/** The place in row order of the row that brought the newest loan's principal; −1 where there is none. */
function receiptOf(view: View): number {
  const loan = newestLoan(view)
  if (loan === null || loan.disbursed_at <= view.time - LOAN_DAYS * MS_PER_DAY) return -1
  return view.transactions.findIndex(
    (row) =>
      isLenderIn(row, view) &&
      row.data.amount_minor === loan.principal_minor &&
      row.time >= loan.disbursed_at &&
      row.time <= loan.disbursed_at + RECEIPT_DAYS * MS_PER_DAY,
  )
}

/** What the account held before the receipt: it goes out first. */
function olderMoney(view: View, receiptAt: number): number {
  const receipt = view.transactions[receiptAt]!
  const { balance_after_minor, amount_minor } = receipt.data
  if (balance_after_minor !== undefined) return Math.max(0, balance_after_minor - amount_minor)
  const before = view.transactions
    .slice(0, receiptAt)
    .findLast(
      (row) =>
        row.data.balance_after_minor !== undefined &&
        within(row.time, BALANCE_DAYS, view.time) &&
        isSameAccount(view, row, receipt),
    )
  return Math.max(0, before?.data.balance_after_minor ?? 0)
}

/** Amounts of the loan that left the account within so many days, by use; `null` where its receipt is not known. */
const usesWithin = (days: number) =>
  oncePerView((view): { readonly use: string; readonly amount: number }[] | null => {
    const receiptAt = receiptOf(view)
    if (receiptAt < 0) return null
    const receipt = view.transactions[receiptAt]!
    const uses: { use: string; amount: number }[] = []
    let older = olderMoney(view, receiptAt)
    let left = receipt.data.amount_minor
    for (const row of view.transactions.slice(receiptAt + 1)) {
      if (row.time > receipt.time + days * MS_PER_DAY) continue
      if (!isOut(row, view) || !isSameAccount(view, row, receipt)) continue
      const fromOlder = Math.min(row.data.amount_minor, older)
      const amount = Math.min(row.data.amount_minor - fromOlder, left)
      older -= fromOlder
      left -= amount
      uses.push({ use: USES.find(([, trait]) => trait(row, view))?.[0] ?? 'other', amount })
    }
    return uses
  })

const USES_WITHIN = { 7: usesWithin(7), 30: usesWithin(30) } as const

const share =
  (name: string, days: 7 | 30): Feature =>
  (view) => {
    const uses = USES_WITHIN[days](view)
    if (uses === null) return null
    return sum(uses.filter(({ use }) => use === name).map(({ amount }) => amount)) / newestLoan(view)!.principal_minor
  }

export const PROCEEDS_FEATURES: Record<string, Feature> = Object.assign(
  {},
  ...USES.map(([name]) =>
    perWindow(
      [7, 30],
      (days) => `proceeds_${name}_share_${days}d`,
      (days) => share(name, days as 7 | 30),
    ),
  ),
) as Record<string, Feature>
