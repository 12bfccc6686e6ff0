import type { EventOf } from '../../features/events/contract.ts'
import {
  distinct,
  type Feature,
  largest,
  MS_PER_DAY,
  perWindow,
  ratio,
  smallest,
  sum,
  times,
  type View,
  within,
} from './view.ts'

/** Features of transactions: cash flow and cash-out. */

type Transaction = EventOf<'transaction.posted'>
type Trait = (row: Transaction, view: View) => boolean

const QUASI_CASH_MCC = ['4829', '6050', '6051', '6540', '7800', '7801', '7802', '7995']
const HIGH_RISK_MCC = '5013 5065 5072 5094 5511 5541 5542 5571 5933 5944 5971 6513 7631 8211 8220 8062 9399'.split(' ')

const isFailed: Trait = ({ data }) => data.category === 'failed_debit'
const isIn: Trait = (row, view) => row.data.direction === 'in' && !isFailed(row, view)
const isOut: Trait = (row, view) => row.data.direction === 'out' && !isFailed(row, view)
const isSalary: Trait = (row, view) =>
  isIn(row, view) &&
  (oneOf(row.data.category, 'salary', 'pension', 'benefit') || row.data.counterparty_kind === 'employer')
export const isCash: Trait = (row, view) =>
  isOut(row, view) &&
  (row.data.category === 'cash_withdrawal' || row.data.channel === 'atm' || oneOf(row.data.mcc, '6010', '6011'))
const isQuasiCash: Trait = (row, view) =>
  isOut(row, view) && (oneOf(row.data.mcc, ...QUASI_CASH_MCC) || row.data.category === 'gambling')
export const isCard: Trait = (row, view) => isOut(row, view) && row.data.merchant !== undefined
const isHighRisk: Trait = (row, view) => isCard(row, view) && oneOf(row.data.mcc, ...HIGH_RISK_MCC)
const isNight: Trait = (row, view) => isOut(row, view) && view.calendar.hourOf(row.time) <= 4
const isRound: Trait = (row, view) => isOut(row, view) && row.data.amount_minor % 10_000 === 0
const isNotPresent: Trait = (row, view) => isOut(row, view) && oneOf(row.data.entry_mode, 'online', 'manual')
const isLenderIn: Trait = (row, view) =>
  isIn(row, view) && (row.data.counterparty_kind === 'lender' || row.data.category === 'loan_proceeds')
const isLenderOut: Trait = (row, view) =>
  isOut(row, view) && (row.data.counterparty_kind === 'lender' || row.data.category === 'loan_payment')
export const isDiverted: Trait = (row, view) =>
  isOut(row, view) &&
  (oneOf(row.data.counterparty_kind, 'securities', 'property') || oneOf(row.data.category, 'securities', 'property'))
const isPenalty: Trait = ({ data }) => data.category === 'penalty_interest'
const isOverdrawn: Trait = ({ data }) => data.balance_after_minor !== undefined && data.balance_after_minor < 0
const isAny: Trait = () => true

function oneOf(value: string | undefined, ...values: readonly string[]): boolean {
  return value !== undefined && values.includes(value)
}

/** The rows with a trait in (T − days, T], or `null` where there is not enough history. */
function rowsIn(view: View, days: number, trait: Trait): Transaction[] | null {
  const first = view.transactions[0]
  if (first === undefined || view.time - first.time < days * MS_PER_DAY) return null
  return view.transactions.filter((row) => within(row.time, days, view.time) && trait(row, view))
}

const count =
  (days: number, trait: Trait): Feature =>
  (view) =>
    rowsIn(view, days, trait)?.length ?? null

const sumOf =
  (days: number, trait: Trait): Feature =>
  (view) => {
    const rows = rowsIn(view, days, trait)
    return rows === null ? null : sum(rows.map((row) => row.data.amount_minor))
  }

const largestOf =
  (days: number, trait: Trait): Feature =>
  (view) =>
    largest((rowsIn(view, days, trait) ?? []).map((row) => row.data.amount_minor))

const balanceMin =
  (days: number): Feature =>
  (view) =>
    smallest((rowsIn(view, days, isAny) ?? []).flatMap((row) => row.data.balance_after_minor ?? []))

const netFlow =
  (days: number): Feature =>
  (view) => {
    const inflow = sumOf(days, isIn)(view)
    const outflow = sumOf(days, isOut)(view)
    return inflow === null || outflow === null ? null : inflow - outflow
  }

const shareOf =
  (of: (days: number, trait: Trait) => Feature, days: number, part: Trait, whole: Trait): Feature =>
  (view) =>
    ratio(of(days, part)(view), of(days, whole)(view))

const trend =
  (trait: Trait): Feature =>
  (view) =>
    ratio(times(sumOf(30, trait)(view), 3), sumOf(90, trait)(view))

const distinctOf =
  (days: number, trait: Trait, of: (row: Transaction) => string | undefined): Feature =>
  (view) => {
    const rows = rowsIn(view, days, trait)
    return rows === null ? null : distinct(rows.map(of))
  }

/** Sum of inflow of some days, for the ratios of other families. */
export const inflowSum = (days: number): Feature => sumOf(days, isIn)

export const balanceLast: Feature = (view) =>
  view.transactions.findLast((row) => row.data.balance_after_minor !== undefined)?.data.balance_after_minor ?? null

const bufferDays: Feature = (view) => {
  const balance = balanceLast(view)
  return ratio(times(balance === null ? null : Math.max(balance, 0), 30), sumOf(30, isOut)(view))
}

const daysSinceSalary: Feature = (view) => {
  const last = view.transactions.findLast((row) => isSalary(row, view))
  if (last === undefined || !within(last.time, 365, view.time)) return null
  return (view.time - last.time) / MS_PER_DAY
}

export const CASH_FLOW_FEATURES: Record<string, Feature> = {
  ...perWindow(
    [7, 30, 90, 180],
    (days) => `inflow_count_${days}d`,
    (days) => count(days, isIn),
  ),
  ...perWindow(
    [7, 30, 90, 180],
    (days) => `inflow_sum_${days}d`,
    (days) => sumOf(days, isIn),
  ),
  inflow_max_90d: largestOf(90, isIn),
  ...perWindow(
    [7, 30, 90],
    (days) => `outflow_count_${days}d`,
    (days) => count(days, isOut),
  ),
  ...perWindow(
    [7, 30, 90, 180],
    (days) => `outflow_sum_${days}d`,
    (days) => sumOf(days, isOut),
  ),
  outflow_max_30d: largestOf(30, isOut),
  ...perWindow([7, 30, 90], (days) => `net_flow_${days}d`, netFlow),
  salary_count_90d: count(90, isSalary),
  ...perWindow(
    [30, 90],
    (days) => `salary_sum_${days}d`,
    (days) => sumOf(days, isSalary),
  ),
  ...perWindow(
    [30, 90],
    (days) => `failed_debit_count_${days}d`,
    (days) => count(days, isFailed),
  ),
  penalty_count_90d: count(90, isPenalty),
  ...perWindow(
    [30, 90],
    (days) => `overdrawn_count_${days}d`,
    (days) => count(days, isOverdrawn),
  ),
  ...perWindow([30, 90], (days) => `balance_min_${days}d`, balanceMin),
  cash_withdrawal_count_30d: count(30, isCash),
  ...perWindow(
    [30, 90],
    (days) => `cash_withdrawal_sum_${days}d`,
    (days) => sumOf(days, isCash),
  ),
  quasi_cash_count_90d: count(90, isQuasiCash),
  quasi_cash_sum_90d: sumOf(90, isQuasiCash),
  ...perWindow(
    [30, 90],
    (days) => `lender_inflow_sum_${days}d`,
    (days) => sumOf(days, isLenderIn),
  ),
  lender_outflow_sum_30d: sumOf(30, isLenderOut),
  diverted_sum_30d: sumOf(30, isDiverted),
  counterparty_count_30d: distinctOf(30, isOut, (row) => row.data.merchant ?? row.data.counterparty),
  merchant_count_30d: distinctOf(30, isCard, (row) => row.data.merchant),
  cash_share_90d: shareOf(sumOf, 90, isCash, isOut),
  ...perWindow(
    [30, 90],
    (days) => `round_amount_share_${days}d`,
    (days) => shareOf(count, days, isRound, isOut),
  ),
  night_share_30d: shareOf(count, 30, isNight, isOut),
  card_not_present_share_90d: shareOf(count, 90, isNotPresent, isOut),
  high_risk_merchant_share_90d: shareOf(sumOf, 90, isHighRisk, isCard),
  inflow_trend_30d_90d: trend(isIn),
  outflow_trend_30d_90d: trend(isOut),
  buffer_days_30d: bufferDays,
  balance_last: balanceLast,
  days_since_salary: daysSinceSalary,
}
