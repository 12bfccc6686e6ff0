import type { EventOf } from '../../features/events/contract.ts'
import { distinct, groupBy, largest, ratio, sum, times } from './numbers.ts'
import { type Feature, MS_PER_DAY, MS_PER_HOUR, oncePerView, type View, within } from './view.ts'

/** What a transaction is (its traits), and what windows of transactions with a trait give. */

export type Transaction = EventOf<'transaction.posted'>
export type Trait = (row: Transaction, view: View) => boolean

const QUASI_CASH_MCC = ['4829', '6050', '6051', '6540', '7800', '7801', '7802', '7995']
const HIGH_RISK_MCC = '5013 5065 5072 5094 5511 5541 5542 5571 5933 5944 5971 6513 7631 8211 8220 8062 9399'.split(' ')
/** Lines that payments are kept just under, minor units. */
const LINES_MINOR = [1_000_000, 5_000_000]
const ROUND_TRIP_HOURS = 48

export const isFailed: Trait = ({ data }) => data.category === 'failed_debit'
export const isIn: Trait = (row, view) => row.data.direction === 'in' && !isFailed(row, view)
export const isOut: Trait = (row, view) => row.data.direction === 'out' && !isFailed(row, view)
export const isSalary: Trait = (row, view) =>
  isIn(row, view) &&
  (oneOf(row.data.category, 'salary', 'pension', 'benefit') || row.data.counterparty_kind === 'employer')
export const isCash: Trait = (row, view) =>
  isOut(row, view) &&
  (row.data.category === 'cash_withdrawal' || row.data.channel === 'atm' || oneOf(row.data.mcc, '6010', '6011'))
export const isQuasiCash: Trait = (row, view) =>
  isOut(row, view) && (oneOf(row.data.mcc, ...QUASI_CASH_MCC) || row.data.category === 'gambling')
export const isCard: Trait = (row, view) => isOut(row, view) && row.data.merchant !== undefined
export const isCredit: Trait = (row, view) => isCard(row, view) && row.data.account_kind === 'credit'
export const isHighRisk: Trait = (row, view) => isCard(row, view) && oneOf(row.data.mcc, ...HIGH_RISK_MCC)
export const isNight: Trait = (row, view) => isOut(row, view) && view.calendar.hourOf(row.time) <= 4
export const isRound: Trait = (row, view) => isOut(row, view) && row.data.amount_minor % 10_000 === 0
export const isNotPresent: Trait = (row, view) => isOut(row, view) && oneOf(row.data.entry_mode, 'online', 'manual')
export const isLenderIn: Trait = (row, view) =>
  isIn(row, view) && (row.data.counterparty_kind === 'lender' || row.data.category === 'loan_proceeds')
/** An absent counterparty is not the tenant's own institution, nor is any where the tenant names none. */
export const isOtherLenderIn: Trait = (row, view) =>
  isLenderIn(row, view) &&
  (row.data.counterparty === undefined || row.data.counterparty !== view.configuration.institution)
export const isLenderOut: Trait = (row, view) =>
  isOut(row, view) && (row.data.counterparty_kind === 'lender' || row.data.category === 'loan_payment')
export const isFailedLender: Trait = (row, view) => isFailed(row, view) && row.data.counterparty_kind === 'lender'
export const isSecurities: Trait = (row, view) =>
  isOut(row, view) && (row.data.counterparty_kind === 'securities' || row.data.category === 'securities')
export const isProperty: Trait = (row, view) =>
  isOut(row, view) && (row.data.counterparty_kind === 'property' || row.data.category === 'property')
export const isDiverted: Trait = (row, view) => isSecurities(row, view) || isProperty(row, view)
export const isOwnAccount: Trait = (row, view) => isOut(row, view) && row.data.counterparty_kind === 'own_account'
export const isPenalty: Trait = ({ data }) => data.category === 'penalty_interest'
export const isOverdrawn: Trait = ({ data }) => data.balance_after_minor !== undefined && data.balance_after_minor < 0
export const isJustUnder: Trait = (row, view) =>
  isOut(row, view) &&
  LINES_MINOR.some((line) => row.data.amount_minor * 100 >= 95 * line && row.data.amount_minor < line)
export const isAny: Trait = () => true

const isLinkedIn: Trait = (row, view) =>
  isIn(row, view) && row.data.category !== 'refund' && oneOf(row.data.counterparty_kind, 'person', 'merchant')

/** Money that came back within 48 hours and 5 % of what went out to a merchant, whichever was received first. */
export const isRoundTrip: Trait = (row, view) =>
  isLinkedIn(row, view) &&
  rowsWith(view, isCard).some(
    (card) =>
      card.time >= row.time - ROUND_TRIP_HOURS * MS_PER_HOUR &&
      card.time < row.time &&
      95 * card.data.amount_minor <= 100 * row.data.amount_minor &&
      100 * row.data.amount_minor <= 105 * card.data.amount_minor,
  )

export const isThirdOfDay: Trait = (row, view) => thirdsOfDay(view).has(row)

/** OUT rows that were the third received of one party and one date. */
const thirdsOfDay = oncePerView((view): Set<Transaction> => {
  const rows = view.transactionsAsReceived.filter((row) => isOut(row, view) && partyOf(row) !== undefined)
  const days = groupBy(rows, (row) => `${view.calendar.dayOf(row.time)} ${partyOf(row)}`)
  return new Set([...days.values()].flatMap((same) => same.slice(2, 3)))
})

/** Whom the row is about: the merchant, else the counterparty. */
export function partyOf(row: Transaction): string | undefined {
  return row.data.merchant ?? row.data.counterparty
}

function oneOf(value: string | undefined, ...values: readonly string[]): boolean {
  return value !== undefined && values.includes(value)
}

/** All rows with a trait, in row order. */
export function rowsWith(view: View, trait: Trait): readonly Transaction[] {
  const known = view.known.get(trait) as readonly Transaction[] | undefined
  if (known !== undefined) return known
  const rows = view.transactions.filter((row) => trait(row, view))
  view.known.set(trait, rows)
  return rows
}

/** Whether the first transaction lies at least so many days before T. */
export function hasHistory(view: View, days: number): boolean {
  const first = view.transactions[0]
  return first !== undefined && view.time - first.time >= days * MS_PER_DAY
}

/** The rows with a trait in (T − days, T], or `null` where there is not enough history. */
export function rowsIn(view: View, days: number, trait: Trait): Transaction[] | null {
  if (!hasHistory(view, days)) return null
  return rowsWith(view, trait).filter((row) => within(row.time, days, view.time))
}

export function amountsOf(rows: readonly Transaction[]): number[] {
  return rows.map((row) => row.data.amount_minor)
}

export const count =
  (days: number, trait: Trait): Feature =>
  (view) =>
    rowsIn(view, days, trait)?.length ?? null

export const sumOf =
  (days: number, trait: Trait): Feature =>
  (view) => {
    const rows = rowsIn(view, days, trait)
    return rows === null ? null : sum(amountsOf(rows))
  }

/** Missing where there is no row. */
export const meanOf =
  (days: number, trait: Trait): Feature =>
  (view) =>
    ratio(sumOf(days, trait)(view), count(days, trait)(view))

export const largestOf =
  (days: number, trait: Trait): Feature =>
  (view) =>
    largest(amountsOf(rowsIn(view, days, trait) ?? []))

export const shareOf =
  (of: (days: number, trait: Trait) => Feature, days: number, part: Trait, whole: Trait): Feature =>
  (view) =>
    ratio(of(days, part)(view), of(days, whole)(view))

export const trend =
  (trait: Trait): Feature =>
  (view) =>
    ratio(times(sumOf(30, trait)(view), 3), sumOf(90, trait)(view))

export const distinctOf =
  (days: number, trait: Trait, of: (row: Transaction) => string | undefined): Feature =>
  (view) => {
    const rows = rowsIn(view, days, trait)
    return rows === null ? null : distinct(rows.map(of))
  }

/** Shares of the parties in the sum of the rows that have one, largest first; `null` where no row has one. */
export function sharesOfParties(view: View, days: number, trait: Trait): number[] | null {
  const rows = (rowsIn(view, days, trait) ?? []).filter((row) => partyOf(row) !== undefined)
  if (rows.length === 0) return null
  const total = sum(amountsOf(rows))
  const sums = [...groupBy(rows, partyOf).values()].map((same) => sum(amountsOf(same)))
  return sums.sort((a, b) => b - a).map((one) => one / total)
}

/** Herfindahl-Hirschman index of those shares, added from the largest on. */
export const concentration =
  (days: number, trait: Trait): Feature =>
  (view) => {
    const shares = sharesOfParties(view, days, trait)
    return shares === null ? null : shares.reduce((total, share) => total + share * share, 0)
  }
