import { defineRule, falling, type Rule, rising } from './define.ts'

/**
 * Cash-out and diversion of the loan. Shares of cash and of round amounts differ widely between books (in a cash
 * economy most of them are high), so those alone are never worse than blue.
 */
const family = 'cash-out'

export const CASH_OUT_RULES: readonly Rule[] = [
  defineRule({
    name: 'cash_share',
    version: 1,
    family,
    feature: 'cash_share_90d@1',
    unit: 'share',
    bands: rising([0.7, 'blue']),
    reason: {
      zh: '近90天取现占流出 {value}，达到 {threshold}',
      en: 'cash withdrawals are {value} of outflow in 90 days, threshold {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'cash_withdrawals',
    version: 1,
    family,
    feature: 'cash_withdrawal_count_30d@1',
    unit: 'count',
    bands: rising([8, 'blue'], [15, 'yellow'], [30, 'orange']),
    reason: {
      zh: '近30天取现 {value} 次，达到 {threshold} 次',
      en: '{value} cash withdrawals in 30 days, threshold {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'quasi_cash',
    version: 1,
    family,
    feature: 'quasi_cash_count_90d@1',
    unit: 'count',
    bands: rising([2, 'blue'], [4, 'yellow'], [10, 'orange']),
    reason: {
      zh: '近90天类现金或博彩交易 {value} 笔，达到 {threshold} 笔',
      en: '{value} quasi-cash or gambling payments in 90 days, threshold {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'round_amounts',
    version: 1,
    family,
    feature: 'round_amount_share_90d@1',
    unit: 'share',
    bands: rising([0.6, 'blue']),
    reason: {
      zh: '近90天整额支出笔数占比 {value}，达到 {threshold}',
      en: '{value} of payments in 90 days are of round amounts, threshold {threshold}',
    },
    source: "ours; acquirers' rules count single round amounts (B), without a share",
  }),
  defineRule({
    name: 'high_risk_merchants',
    version: 1,
    family,
    feature: 'high_risk_merchant_share_90d@1',
    unit: 'share',
    bands: rising([0.6, 'blue'], [0.85, 'yellow']),
    reason: {
      zh: '近90天刷卡金额中高风险商户（批发、珠宝、加油、医疗、教育等）占 {value}，达到 {threshold}',
      en: '{value} of card spending in 90 days went to merchants often used for cash-out, threshold {threshold}',
    },
    source: "ours; merchant categories after acquirers' rules (B)",
  }),
  defineRule({
    name: 'night_spending',
    version: 1,
    family,
    feature: 'night_share_30d@1',
    unit: 'share',
    bands: rising([0.3, 'blue']),
    reason: {
      zh: '近30天凌晨0点至5点的支出笔数占 {value}，达到 {threshold}',
      en: '{value} of payments in 30 days were made between 0:00 and 5:00, threshold {threshold}',
    },
    source: 'ours; the hours are a hint of practice (C)',
  }),
  defineRule({
    name: 'repay_then_spend',
    version: 1,
    family,
    feature: 'hours_repayment_to_spend@1',
    unit: 'hours',
    bands: falling([1, 'blue']),
    reason: {
      zh: '还款后 {value} 即再次刷卡或取现，短于 {threshold}',
      en: 'spent or withdrew {value} after a repayment, sooner than {threshold}',
    },
    source: 'mobile-terminal study: repay, then spend again within an hour (B); a single time is only blue',
  }),
  defineRule({
    name: 'diverted_proceeds',
    version: 1,
    family,
    feature: 'diverted_share_30d@1',
    unit: 'share',
    bands: rising([0.1, 'blue'], [0.3, 'yellow'], [0.6, 'orange']),
    reason: {
      zh: '放款后30天内转入证券或房产的金额占贷款本金 {value}，达到 {threshold}',
      en: '{value} of the principal went to securities or property within 30 days of disbursement, threshold {threshold}',
    },
    source: "ours; diversion of proceeds is watched by lenders' handbooks (B), without a number",
  }),
]
