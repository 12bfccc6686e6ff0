import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { distinctParties, feature, transactionAmount } from '../windows.ts'

/** Cash-out 套现: merchants and credit cards, how concentrated the spending is and how much of it is on credit. */
const family = 'cash-out'

export const MERCHANTS: readonly FeatureDefinition[] = [
  feature({
    name: 'merchant_count_30d',
    family,
    formula: {
      zh: '近30天刷卡商户数',
      en: 'distinct merchants paid by card in 30 days',
    },
    reading: { zh: '商户分散', en: 'many merchants' },
    unit: 'count',
    inputs: [distinctParties(TRAIT.CARD, 30)],
    source: SOURCE.TERMINAL_STUDY,
  }),
  feature({
    name: 'counterparty_count_30d',
    family,
    formula: {
      zh: '近30天出账对手数',
      en: 'distinct merchants and counterparties paid in 30 days',
    },
    reading: { zh: '对手分散', en: 'many counterparties' },
    unit: 'count',
    inputs: [distinctParties(TRAIT.OUT | TRAIT.PARTY, 30)],
    source: SOURCE.TERMINAL_STUDY,
  }),
  feature({
    name: 'merchant_hhi_90d',
    family,
    formula: {
      zh: '近90天各商户刷卡占比平方和：Σ(s ÷ S)²，s 为该商户合计，S 为全部刷卡合计',
      en: 'sum over merchants of (s / S)², in 90 days: s is what one merchant was paid by card, S what all were',
    },
    reading: { zh: '刷卡商户集中', en: 'card spending goes to few merchants' },
    unit: 'share',
    inputs: [{ fact: 'merchant_hhi_90d' }],
    missing: 'no card payment',
    history_days: 90,
    source: SOURCE.TERMINAL_STUDY,
  }),
  feature({
    name: 'merchant_top_share_90d',
    family,
    formula: {
      zh: '近90天刷卡合计最大的商户金额 ÷ 刷卡合计',
      en: 'card payments of 90 days to the merchant paid most / all card payments',
    },
    reading: { zh: '刷卡集中于一家商户', en: 'one merchant takes most of the card spending' },
    unit: 'share',
    inputs: [{ fact: 'merchant_top_share_90d' }],
    missing: 'no card payment',
    history_days: 90,
    source: SOURCE.TERMINAL_STUDY,
  }),
  feature({
    name: 'credit_share_90d',
    family,
    formula: {
      zh: '近90天信用账户刷卡合计 ÷ 刷卡合计',
      en: 'card payments from credit accounts / all card payments, 90 days',
    },
    reading: { zh: '以信用账户消费为主', en: 'most card spending is on credit' },
    unit: 'share',
    inputs: [transactionAmount('sum', TRAIT.CREDIT, 90), transactionAmount('sum', TRAIT.CARD, 90)],
    compute: (credit, all) => ratio(credit, all),
    missing: 'no card payment',
    source: SOURCE.TERMINAL_STUDY,
  }),
  feature({
    name: 'credit_spend_trend_30d_90d',
    family,
    formula: {
      zh: '近30天信用账户刷卡×3 ÷ 近90天信用账户刷卡',
      en: 'card payments from credit accounts in 30 days × 3 / those of 90 days',
    },
    reading: { zh: '信用消费加速', en: 'spending on credit grows' },
    unit: 'ratio',
    inputs: [transactionAmount('sum', TRAIT.CREDIT, 30), transactionAmount('sum', TRAIT.CREDIT, 90)],
    compute: (short, long) => ratio(short * 3, long),
    missing: 'no card payment from a credit account within 90 days',
    source: SOURCE.TERMINAL_STUDY,
  }),
  feature({
    name: 'credit_spend_to_limit_30d',
    family,
    formula: {
      zh: '近30天信用账户刷卡合计 ÷ 未结清有额度贷款的授信额度合计',
      en: 'card payments from credit accounts in 30 days / credit limits of the open loans that have one',
    },
    reading: { zh: '额度被集中刷出', en: 'the limit is spent within a month' },
    unit: 'ratio',
    inputs: [transactionAmount('sum', TRAIT.CREDIT, 30), { fact: 'limit_total' }],
    compute: (credit, limit) => ratio(credit, limit),
    missing: 'no open loan has a credit limit',
    source: SOURCE.LIMIT,
  }),
]
