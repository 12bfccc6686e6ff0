import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, transactionCount } from '../windows.ts'

/** Repayment habit 还款习惯: payments, those that fail or come back, who makes them and from where. */
const family = 'repayment-habit'

export const PAYMENTS: readonly FeatureDefinition[] = [
  feature({
    name: 'repayment_count_30d',
    family,
    formula: {
      zh: '近30天还款笔数（未冲正）',
      en: 'repayments in 30 days that were not reversed',
    },
    reading: { zh: '在还款', en: 'pays' },
    unit: 'count',
    inputs: [{ fact: 'repayment_count_30d' }],
    missing: 'no loan is known',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'repayment_sum_30d',
    family,
    formula: {
      zh: '近30天还款合计（未冲正）',
      en: 'sum repaid in 30 days, reversed payments left out',
    },
    reading: { zh: '还款多', en: 'pays much' },
    unit: 'minor',
    inputs: [{ fact: 'repayment_sum_30d' }],
    missing: 'no loan is known',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'repayment_count_90d',
    family,
    formula: {
      zh: '近90天还款笔数（未冲正）',
      en: 'repayments in 90 days that were not reversed',
    },
    reading: { zh: '在还款', en: 'pays' },
    unit: 'count',
    inputs: [{ fact: 'repayment_count_90d' }],
    missing: 'no loan is known',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'repayment_sum_90d',
    family,
    formula: {
      zh: '近90天还款合计（未冲正）',
      en: 'sum repaid in 90 days, reversed payments left out',
    },
    reading: { zh: '还款多', en: 'pays much' },
    unit: 'minor',
    inputs: [{ fact: 'repayment_sum_90d' }],
    missing: 'no loan is known',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'reversal_count_90d',
    family,
    formula: { zh: '近90天还款冲正笔数', en: 'reversed repayments in 90 days' },
    reading: { zh: '还款被冲正', en: 'payments bounce' },
    unit: 'count',
    inputs: [{ fact: 'reversal_count_90d' }],
    missing: 'no loan is known',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'failed_instalment_debit_count_90d',
    family,
    formula: {
      zh: '近90天付给放贷机构的扣款失败笔数',
      en: 'failed debits to a lender in 90 days',
    },
    reading: { zh: '分期扣款失败多', en: 'automatic debits of instalments fail' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.FAILED_LENDER, 90)],
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'interest_only_payment_share_180d',
    family,
    formula: {
      zh: '近180天还款（未冲正，起息日不晚于今日）中未偿还任何本金的比例',
      en: 'share of the repayments in 180 days, reversed and future-dated ones left out, that paid no principal',
    },
    reading: { zh: '只还息不还本', en: 'pays interest alone' },
    unit: 'share',
    inputs: [{ fact: 'interest_only_payment_share_180d' }],
    missing: 'no loan is known, or no such repayment',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'paying_account_count_180d',
    family,
    formula: {
      zh: '近180天还款账户数',
      en: 'distinct accounts that repayments came from in 180 days',
    },
    reading: { zh: '频繁更换还款账户', en: 'the paying account changes' },
    unit: 'count',
    inputs: [{ fact: 'paying_account_count_180d' }],
    missing: 'no repayment in the window names its account',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'paying_account_switch_count_180d',
    family,
    formula: {
      zh: '近180天注明账户的还款按贷款、按入账先后排列，相邻两笔账户不同的次数',
      en: 'repayments in 180 days that name an account, loan by loan as received: neighbours with different accounts',
    },
    reading: { zh: '频繁更换还款账户', en: 'the paying account goes back and forth' },
    unit: 'count',
    inputs: [{ fact: 'paying_account_switch_count_180d' }],
    missing: 'no loan is known, or no repayment in the window names its account',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'payer_count_180d',
    family,
    formula: {
      zh: '近180天还款的不同付款人数',
      en: 'distinct payers of the repayments in 180 days',
    },
    reading: { zh: '他人代偿', en: 'others pay for the borrower' },
    unit: 'count',
    inputs: [{ fact: 'payer_count_180d' }],
    missing: 'no loan is known, or no repayment in the window names its payer',
    source: SOURCE.HABIT,
  }),
  feature({
    name: 'payment_channel_count_180d',
    family,
    formula: {
      zh: '近180天还款的不同渠道数',
      en: 'distinct channels of the repayments in 180 days',
    },
    reading: { zh: '还款渠道多变', en: 'the way of paying changes' },
    unit: 'count',
    inputs: [{ fact: 'payment_channel_count_180d' }],
    missing: 'no loan is known, or no repayment in the window names its channel',
    source: SOURCE.HABIT,
  }),
]
