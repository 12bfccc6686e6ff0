import { limitedLoans, limitsOf } from './loans.ts'
import { ratio } from './numbers.ts'
import {
  concentration,
  count,
  distinctOf,
  isCard,
  isCash,
  isCredit,
  isDiverted,
  isHighRisk,
  isJustUnder,
  isNight,
  isNotPresent,
  isOut,
  isQuasiCash,
  isRound,
  isRoundTrip,
  isThirdOfDay,
  partyOf,
  shareOf,
  sharesOfParties,
  sumOf,
  trend,
} from './transactions.ts'
import { type Feature, perWindow } from './view.ts'

/** Cash-out: where money goes to, in windows of transactions. */

const creditSpendToLimit: Feature = (view) => {
  const limited = limitedLoans(view)
  return limited.length === 0 ? null : ratio(sumOf(30, isCredit)(view), limitsOf(limited))
}

export const CASH_OUT_FEATURES: Record<string, Feature> = {
  cash_withdrawal_count_30d: count(30, isCash),
  ...perWindow(
    [30, 90],
    (days) => `cash_withdrawal_sum_${days}d`,
    (days) => sumOf(days, isCash),
  ),
  quasi_cash_count_90d: count(90, isQuasiCash),
  quasi_cash_sum_90d: sumOf(90, isQuasiCash),
  diverted_sum_30d: sumOf(30, isDiverted),
  counterparty_count_30d: distinctOf(30, isOut, partyOf),
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
  ...perWindow(
    [30, 90],
    (days) => `just_under_count_${days}d`,
    (days) => count(days, isJustUnder),
  ),
  split_payment_count_30d: count(30, isThirdOfDay),
  ...perWindow(
    [30, 90],
    (days) => `round_trip_count_${days}d`,
    (days) => count(days, isRoundTrip),
  ),
  ...perWindow(
    [30, 90],
    (days) => `round_trip_sum_${days}d`,
    (days) => sumOf(days, isRoundTrip),
  ),
  credit_share_90d: shareOf(sumOf, 90, isCredit, isCard),
  credit_spend_trend_30d_90d: trend(isCredit),
  credit_spend_to_limit_30d: creditSpendToLimit,
  merchant_hhi_90d: concentration(90, isCard),
  merchant_top_share_90d: (view) => sharesOfParties(view, 90, isCard)?.[0] ?? null,
}
