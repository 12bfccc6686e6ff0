import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, overWindows, transactionAmount, transactionCount } from '../windows.ts'

/** Cash-out 套现: how and where money is spent. */
const family = 'cash-out'

export const SPENDING: readonly FeatureDefinition[] = [
  feature({
    name: 'cash_withdrawal_count_30d',
    family,
    formula: { zh: '近30天取现笔数', en: 'cash withdrawals in 30 days' },
    reading: { zh: '频繁取现', en: 'cash is drawn often' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.CASH, 30)],
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.ACQUIRERS,
  }),
  ...overWindows([30, 90], {
    name: 'just_under_count_{d}d',
    family,
    formula: {
      zh: '近{d}天金额略低于1万元或5万元界线的出账笔数：0.95 × 界线 ≤ 金额 < 界线',
      en: 'outgoing amounts in {d} days just under a line of 10,000 or 50,000 units: 0.95 × line ≤ amount < line',
    },
    reading: { zh: '规避限额或报告线', en: 'amounts stay just under a limit or reporting line' },
    unit: 'count',
    inputs: (d) => [transactionCount(TRAIT.JUST_UNDER, d)],
    source:
      'ours: the lines are those of large-value cash reporting in China (50,000) and of usual daily limits (10,000)',
  }),
  feature({
    name: 'split_payment_count_30d',
    family,
    formula: {
      zh: '近30天内同一对手同一日期第3笔出账的个数（按接收次序）',
      en: 'times within 30 days that a third payment to one party on one date was received',
    },
    reading: { zh: '拆分交易', en: 'payments are split' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.THIRD_OF_DAY, 30)],
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.ACQUIRERS,
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
    source: SOURCE.TERMINAL_STUDY,
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
    source: SOURCE.ACQUIRERS,
  }),
]
