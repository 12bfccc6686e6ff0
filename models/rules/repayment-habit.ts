import { defineRule, type Rule, rising } from './define.ts'

/** Repayment habit: late, partial, reversed, from ever new accounts. */
const family = 'repayment-habit'

export const REPAYMENT_HABIT_RULES: readonly Rule[] = [
  defineRule({
    name: 'past_due',
    version: 1,
    family,
    feature: 'dpd_now@1',
    unit: 'days',
    bands: rising([1, 'blue'], [5, 'yellow'], [30, 'orange'], [90, 'red']),
    reason: {
      zh: '当前逾期 {value}，达到 {threshold}',
      en: '{value} past due, threshold {threshold}',
    },
    source:
      'SAMA appendix 1: early arrears of 5-30 days (A); DPD30+: Apache Fineract (A); over 90 days non-performing (B); blue ours',
  }),
  defineRule({
    name: 'recent_delinquency',
    version: 1,
    family,
    feature: 'dpd_max_90d@1',
    unit: 'days',
    bands: rising([5, 'blue'], [30, 'yellow'], [60, 'orange']),
    reason: {
      zh: '近90天最大逾期 {value}，达到 {threshold}',
      en: 'up to {value} past due within 90 days, threshold {threshold}',
    },
    source: 'buckets of 30 days: Apache Fineract (A); severities ours',
  }),
  defineRule({
    name: 'slipping_payments',
    version: 1,
    family,
    feature: 'days_late_mean_3@1',
    unit: 'days',
    bands: rising([2, 'blue'], [5, 'yellow'], [15, 'orange']),
    reason: {
      zh: '最近3期平均迟还 {value}，达到 {threshold}',
      en: 'the last 3 instalments were {value} late on average, threshold {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'partial_payments',
    version: 1,
    family,
    feature: 'partial_payment_share_6@1',
    unit: 'share',
    bands: rising([0.3, 'blue'], [0.5, 'yellow']),
    reason: {
      zh: '最近6期中分次还款占 {value}，达到 {threshold}',
      en: '{value} of the last 6 instalments were paid in parts, threshold {threshold}',
    },
    source: 'ours; handbooks watch partial repayment (B), without a number',
  }),
  defineRule({
    name: 'reversed_repayments',
    version: 1,
    family,
    feature: 'reversal_count_90d@1',
    unit: 'count',
    bands: rising([1, 'blue'], [2, 'yellow'], [4, 'orange']),
    reason: {
      zh: '近90天还款被冲正 {value} 次，达到 {threshold} 次',
      en: '{value} repayments reversed in 90 days, threshold {threshold}',
    },
    source: 'ours; RBI lists bounced payments among its 45 signals (B)',
  }),
  defineRule({
    name: 'paying_accounts',
    version: 1,
    family,
    feature: 'paying_account_count_180d@1',
    unit: 'count',
    bands: rising([3, 'blue'], [5, 'yellow']),
    reason: {
      zh: '近180天使用 {value} 个账户还款，达到 {threshold} 个',
      en: 'repaid from {value} accounts in 180 days, threshold {threshold}',
    },
    source: "ours; RBI lists repayments made from other banks' loans (B)",
  }),
]
