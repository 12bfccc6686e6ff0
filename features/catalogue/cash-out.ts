import { TRAIT } from '../streams/transactions.ts'
import { type FeatureDefinition, ratio } from './define.ts'
import { distinctParties, feature, overWindows, transactionAmount, transactionCount } from './windows.ts'

/** Cash-out 套现 and diversion 挪用: credit turned into cash, loan money used for something else. */
const family = 'cash-out'
const ACQUIRERS = "acquirers' cash-out rules: scope by merchant category, round and night amounts"
const STUDY = 'mobile-terminal cash-out study: manual entry, suspect merchants, share of credit'
const LENDERS = "lenders' post-loan handbooks: use of the loan, returning money"

export const CASH_OUT: readonly FeatureDefinition[] = [
  feature({
    name: 'cash_withdrawal_count_30d',
    family,
    formula: { zh: '近30天取现笔数', en: 'cash withdrawals in 30 days' },
    reading: { zh: '频繁取现', en: 'cash is drawn often' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.CASH, 30)],
    source: ACQUIRERS,
  }),
  ...overWindows([30, 90], {
    name: 'cash_withdrawal_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天取现合计',
      en: 'sum of cash withdrawals in {d} days',
    },
    reading: { zh: '大量取现', en: 'much cash is drawn' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.CASH, d)],
    source: ACQUIRERS,
  }),
  feature({
    name: 'cash_share_90d',
    family,
    formula: {
      zh: '近90天取现合计 ÷ 出账合计',
      en: 'cash withdrawals / outgoing amount of 90 days',
    },
    reading: { zh: '支出以取现为主', en: 'most spending is cash' },
    unit: 'share',
    inputs: [transactionAmount('sum', TRAIT.CASH, 90), transactionAmount('sum', TRAIT.OUT, 90)],
    compute: (cash, outflow) => ratio(cash, outflow),
    missing: 'nothing went out',
    source: ACQUIRERS,
  }),
  feature({
    name: 'quasi_cash_count_90d',
    family,
    formula: {
      zh: '近90天准现金与博彩笔数',
      en: 'quasi-cash and gambling transactions in 90 days',
    },
    reading: { zh: '准现金交易多', en: 'quasi cash is bought often' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.QUASI_CASH, 90)],
    source: ACQUIRERS,
  }),
  feature({
    name: 'quasi_cash_sum_90d',
    family,
    formula: {
      zh: '近90天准现金与博彩合计',
      en: 'sum of quasi-cash and gambling transactions in 90 days',
    },
    reading: { zh: '准现金金额大', en: 'much quasi cash is bought' },
    unit: 'minor',
    inputs: [transactionAmount('sum', TRAIT.QUASI_CASH, 90)],
    source: ACQUIRERS,
  }),
  ...overWindows([30, 90], {
    name: 'round_amount_share_{d}d',
    family,
    formula: {
      zh: '近{d}天整百元出账笔数 ÷ 出账笔数',
      en: 'outgoing amounts that are multiples of 100 units / all, in {d} days',
    },
    reading: { zh: '整额交易多', en: 'amounts are round' },
    unit: 'share',
    inputs: (d) => [transactionCount(TRAIT.ROUND, d), transactionCount(TRAIT.OUT, d)],
    compute: (round, all) => ratio(round, all),
    missing: 'nothing went out',
    source: ACQUIRERS,
  }),
  feature({
    name: 'night_share_30d',
    family,
    formula: {
      zh: '近30天0:00-5:00出账笔数 ÷ 出账笔数',
      en: 'outgoing transactions between 0:00 and 5:00 / all, in 30 days',
    },
    reading: { zh: '夜间交易多', en: 'money moves at night' },
    unit: 'share',
    inputs: [transactionCount(TRAIT.NIGHT, 30), transactionCount(TRAIT.OUT, 30)],
    compute: (night, all) => ratio(night, all),
    missing: 'nothing went out',
    source: ACQUIRERS,
  }),
  feature({
    name: 'card_not_present_share_90d',
    family,
    formula: {
      zh: '近90天无卡（手输、线上）出账笔数 ÷ 出账笔数',
      en: 'outgoing transactions entered manually or online / all, in 90 days',
    },
    reading: { zh: '无卡交易多', en: 'the card is seldom present' },
    unit: 'share',
    inputs: [transactionCount(TRAIT.NOT_PRESENT, 90), transactionCount(TRAIT.OUT, 90)],
    compute: (absent, all) => ratio(absent, all),
    missing: 'nothing went out',
    source: STUDY,
  }),
  feature({
    name: 'high_risk_merchant_share_90d',
    family,
    formula: {
      zh: '近90天高风险商户类别消费 ÷ 刷卡消费',
      en: 'card spending at high-risk merchant categories / all card spending, 90 days',
    },
    reading: {
      zh: '高风险商户占比高',
      en: 'spending goes to high-risk merchants',
    },
    unit: 'share',
    inputs: [transactionAmount('sum', TRAIT.CARD | TRAIT.HIGH_RISK, 90), transactionAmount('sum', TRAIT.CARD, 90)],
    compute: (risky, all) => ratio(risky, all),
    missing: 'no card spending',
    source: ACQUIRERS,
  }),
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
    source: STUDY,
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
    source: STUDY,
  }),
  ...overWindows([30, 90], {
    name: 'lender_inflow_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天来自放贷机构的入账合计',
      en: 'sum received from lenders in {d} days',
    },
    reading: { zh: '以贷养贷', en: 'new debt comes in' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.LENDER_IN, d)],
    source: LENDERS,
  }),
  feature({
    name: 'lender_outflow_sum_30d',
    family,
    formula: {
      zh: '近30天付给放贷机构的合计',
      en: 'sum paid to lenders in 30 days',
    },
    reading: { zh: '还贷负担重', en: 'much is paid on debts' },
    unit: 'minor',
    inputs: [transactionAmount('sum', TRAIT.LENDER_OUT, 30)],
    source: LENDERS,
  }),
  feature({
    name: 'diverted_sum_30d',
    family,
    formula: {
      zh: '近30天流向证券、房产的合计',
      en: 'sum paid to securities and property in 30 days',
    },
    reading: { zh: '资金挪用', en: 'money goes to securities or property' },
    unit: 'minor',
    inputs: [transactionAmount('sum', TRAIT.DIVERTED, 30)],
    source: LENDERS,
  }),
  feature({
    name: 'diverted_share_30d',
    family,
    formula: {
      zh: '最近一笔贷款放款后30天内流向证券、房产的金额 ÷ 本金（放款150天内）',
      en: 'paid to securities and property within 30 days after the newest loan / its principal; for 150 days after it',
    },
    reading: {
      zh: '贷款资金挪用',
      en: 'the loan went to securities or property',
    },
    unit: 'share',
    inputs: [{ fact: 'diverted_share_30d' }],
    missing: 'no loan was disbursed within 150 days',
    source: LENDERS,
  }),
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
    source: 'cash-out practice: repay, then spend again within an hour',
  }),
]
