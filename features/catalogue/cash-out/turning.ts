import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, overWindows, transactionAmount, transactionCount } from '../windows.ts'

/** Cash-out 套现: money that turns in a circle, repaid with borrowed money or spent again at once. */
const family = 'cash-out'

export const TURNING: readonly FeatureDefinition[] = [
  feature({
    name: 'hours_repayment_to_spend',
    family,
    formula: {
      zh: '最近一次还款后首笔刷卡或取现间隔小时数（还款90天内）',
      en: 'hours from the last repayment, within 90 days, to the first card payment or withdrawal after it',
    },
    reading: {
      zh: '还款后不急于再支用',
      en: 'what was repaid is not spent again at once',
    },
    unit: 'hours',
    inputs: [{ fact: 'hours_repayment_to_spend' }],
    missing: 'no repayment within 90 days, or nothing spent after it',
    source: SOURCE.REPAY_SPEND,
  }),
  feature({
    name: 'repay_then_spend_count_90d',
    family,
    formula: {
      zh: '近90天还款后1小时内（不含还款时刻）有刷卡或取现的还款笔数（未冲正）',
      en: 'repayments in 90 days, reversed ones left out, with a card payment or withdrawal within 1 hour after them',
    },
    reading: { zh: '还款后立即再支用', en: 'what was repaid is spent again within the hour' },
    unit: 'count',
    inputs: [{ fact: 'repay_then_spend_count_90d' }],
    missing: 'no loan is known',
    source: SOURCE.REPAY_SPEND,
  }),
  feature({
    name: 'lender_funded_repayment_count_90d',
    family,
    formula: {
      zh: '近90天还款（未冲正）中，还款前72小时内有他机构放款入账且金额不小于该还款的笔数',
      en: 'repayments in 90 days, reversed ones left out, for which another lender paid in at least their amount in the 72 hours up to them',
    },
    reading: { zh: '以贷养贷', en: 'repayments are funded by new loans elsewhere' },
    unit: 'count',
    inputs: [{ fact: 'lender_funded_repayment_count_90d' }],
    missing: 'no loan is known',
    source: SOURCE.RBI,
  }),
  feature({
    name: 'lender_funded_repayment_share_90d',
    family,
    formula: {
      zh: '近90天由他机构放款支撑的还款笔数（见 lender_funded_repayment_count_90d）÷ 还款笔数',
      en: 'repayments funded by another lender (see lender_funded_repayment_count_90d) / repayments, 90 days',
    },
    reading: { zh: '以贷养贷为主', en: 'most repayments are funded by new loans elsewhere' },
    unit: 'share',
    inputs: [{ fact: 'lender_funded_repayment_count_90d' }, { fact: 'repayment_count_90d' }],
    compute: (funded, all) => ratio(funded, all),
    missing: 'no loan is known, or no repayment in 90 days',
    source: SOURCE.RBI,
  }),
  ...overWindows([30, 90], {
    name: 'round_trip_count_{d}d',
    family,
    formula: {
      zh: '近{d}天回流笔数：个人或商户转入（非退款），且此前48小时内有一笔刷卡，其金额的95%至105%含该入账',
      en: 'receipts in {d} days from a person or merchant, refunds left out, within 48 hours after a card payment and within 5 % of its amount',
    },
    reading: { zh: '资金回流，疑似套现', en: 'money paid by card comes back' },
    unit: 'count',
    inputs: (d) => [transactionCount(TRAIT.ROUND_TRIP, d)],
    source: SOURCE.RETURN,
  }),
  ...overWindows([30, 90], {
    name: 'round_trip_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天回流入账合计（见 round_trip_count_{d}d）',
      en: 'sum of the receipts in {d} days that round_trip_count_{d}d counts',
    },
    reading: { zh: '回流金额大，疑似套现', en: 'much of what was paid by card comes back' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.ROUND_TRIP, d)],
    source: SOURCE.RETURN,
  }),
  feature({
    name: 'utilisation_change_30d',
    family,
    formula: {
      zh: '放款已满30天的有额度未结清贷款：(当前剩余本金 − 30天前剩余本金) ÷ 授信额度',
      en: 'open loans with a credit limit disbursed 30 days ago or earlier: (principal outstanding now − that as of 30 days ago) / limits',
    },
    reading: { zh: '额度使用率骤升', en: 'the limit fills up fast' },
    unit: 'share',
    inputs: [{ fact: 'utilisation_change_30d' }],
    missing: 'no open loan with a credit limit was disbursed by 30 days ago',
    source: SOURCE.LIMIT,
  }),
]
