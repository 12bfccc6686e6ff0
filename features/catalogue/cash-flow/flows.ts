import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { overWindows, transactionAmount, transactionCount } from '../windows.ts'

/** Cash-flow breaks 现金流断裂: what comes in and what goes out. */
const family = 'cash-flow'

export const FLOWS: readonly FeatureDefinition[] = [
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'inflow_count_{d}d',
    family,
    formula: {
      zh: '近{d}天入账笔数（不含失败扣款）',
      en: 'incoming transactions in {d} days, failed debits left out',
    },
    reading: { zh: '收入频繁', en: 'money comes in often' },
    unit: 'count',
    inputs: (d) => [transactionCount(TRAIT.IN, d)],
    source: SOURCE.SAMA_INCOME,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'inflow_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天入账金额合计',
      en: 'sum of incoming amounts in {d} days',
    },
    reading: { zh: '收入多', en: 'much money comes in' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.IN, d)],
    source: SOURCE.SAMA_INCOME,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'inflow_mean_{d}d',
    family,
    formula: {
      zh: '近{d}天入账金额合计 ÷ 入账笔数',
      en: 'sum of incoming amounts / their number, in {d} days',
    },
    reading: { zh: '单笔入账金额大', en: 'receipts are large on average' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.IN, d), transactionCount(TRAIT.IN, d)],
    compute: (sum, count) => ratio(sum, count),
    missing: 'nothing came in',
    source: SOURCE.FLOW,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'inflow_max_{d}d',
    family,
    formula: {
      zh: '近{d}天最大一笔入账',
      en: 'largest incoming amount in {d} days',
    },
    reading: { zh: '有大额入账', en: 'a large amount came in' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('max', TRAIT.IN, d)],
    missing: 'nothing came in',
    source: SOURCE.FLOW,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'outflow_count_{d}d',
    family,
    formula: {
      zh: '近{d}天出账笔数（不含失败扣款）',
      en: 'outgoing transactions in {d} days, failed debits left out',
    },
    reading: { zh: '支出频繁', en: 'money goes out often' },
    unit: 'count',
    inputs: (d) => [transactionCount(TRAIT.OUT, d)],
    source: SOURCE.FLOW,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'outflow_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天出账金额合计',
      en: 'sum of outgoing amounts in {d} days',
    },
    reading: { zh: '支出多', en: 'much money goes out' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.OUT, d)],
    source: SOURCE.FLOW,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'outflow_mean_{d}d',
    family,
    formula: {
      zh: '近{d}天出账金额合计 ÷ 出账笔数',
      en: 'sum of outgoing amounts / their number, in {d} days',
    },
    reading: { zh: '单笔出账金额大', en: 'payments are large on average' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.OUT, d), transactionCount(TRAIT.OUT, d)],
    compute: (sum, count) => ratio(sum, count),
    missing: 'nothing went out',
    source: SOURCE.FLOW,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'outflow_max_{d}d',
    family,
    formula: {
      zh: '近{d}天最大一笔出账',
      en: 'largest outgoing amount in {d} days',
    },
    reading: { zh: '有大额支出', en: 'a large amount went out' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('max', TRAIT.OUT, d)],
    missing: 'nothing went out',
    source: SOURCE.FLOW,
  }),
  ...overWindows([1, 7, 30, 90, 180], {
    name: 'net_flow_{d}d',
    family,
    formula: {
      zh: '近{d}天入账合计减出账合计',
      en: 'incoming minus outgoing amounts in {d} days',
    },
    reading: { zh: '有结余', en: 'more comes in than goes out' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.IN, d), transactionAmount('sum', TRAIT.OUT, d)],
    compute: (inflow, outflow) => inflow - outflow,
    source: SOURCE.FLOW,
  }),
]
