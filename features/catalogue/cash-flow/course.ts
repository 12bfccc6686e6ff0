import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, overWindows, transactionAmount } from '../windows.ts'

/** Cash-flow breaks 现金流断裂: the course of income and spending, how much it swings and on whom it depends. */
const family = 'cash-flow'

export const COURSE: readonly FeatureDefinition[] = [
  feature({
    name: 'inflow_trend_30d_90d',
    family,
    formula: {
      zh: '近30天入账×3 ÷ 近90天入账',
      en: 'incoming amount of 30 days × 3 / that of 90 days',
    },
    reading: { zh: '收入增加', en: 'income grows' },
    unit: 'ratio',
    inputs: [transactionAmount('sum', TRAIT.IN, 30), transactionAmount('sum', TRAIT.IN, 90)],
    compute: (short, long) => ratio(short * 3, long),
    missing: 'nothing came in within 90 days',
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'inflow_30d_to_90d_before',
    family,
    formula: {
      zh: '近30天入账×3 ÷ 此前90天（第31至120天）入账',
      en: 'incoming amount of 30 days × 3 / that of the 90 days before them',
    },
    reading: { zh: '收入较前期增加', en: 'income is above that of the months before' },
    unit: 'ratio',
    inputs: [transactionAmount('sum', TRAIT.IN, 30), transactionAmount('sum', TRAIT.IN, 120)],
    compute: (month, all) => ratio(month * 3, all - month),
    missing: 'nothing came in within the 90 days before',
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'outflow_trend_30d_90d',
    family,
    formula: {
      zh: '近30天出账×3 ÷ 近90天出账',
      en: 'outgoing amount of 30 days × 3 / that of 90 days',
    },
    reading: { zh: '支出增加', en: 'spending grows' },
    unit: 'ratio',
    inputs: [transactionAmount('sum', TRAIT.OUT, 30), transactionAmount('sum', TRAIT.OUT, 90)],
    compute: (short, long) => ratio(short * 3, long),
    missing: 'nothing went out within 90 days',
    source: SOURCE.FLOW,
  }),
  ...overWindows([30, 90], {
    name: 'net_flow_volatility_{d}d',
    family,
    formula: {
      zh: '近{d}个日期（含今日）每日净流入 x（入账 − 出账，无则0）的总体标准差：√(Σ(x − 均值)² ÷ {d})',
      en: 'population standard deviation of daily net flow x (in − out, 0 without any) over the {d} dates up to today: √(Σ (x − mean)² / {d})',
    },
    reading: { zh: '收支波动大', en: 'daily net flow swings widely' },
    unit: 'minor',
    inputs: (d) => [{ fact: `net_flow_volatility_${d}d` }],
    history_days: 'the window',
    source: 'ours: no source gives a measure; the standard deviation is the plainest one',
  }),
  feature({
    name: 'payer_hhi_90d',
    family,
    formula: {
      zh: '近90天各付款人入账占比平方和：Σ(s ÷ S)²，s 为该付款人合计，S 为全部合计（无对手者不计）',
      en: 'sum over payers of (s / S)², in 90 days: s is what one payer paid in, S what all did; receipts without a party are left out',
    },
    reading: { zh: '收入来源集中', en: 'income depends on few payers' },
    unit: 'share',
    inputs: [{ fact: 'payer_hhi_90d' }],
    missing: 'nothing came in from a named party',
    history_days: 90,
    source: 'ours: the Herfindahl-Hirschman index, the usual measure of concentration',
  }),
]
