import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature } from '../windows.ts'

/** Exposure 敞口: financial statements of business borrowers; the latest is that with the latest end of period. */
const family = 'exposure'

export const STATEMENTS: readonly FeatureDefinition[] = [
  feature({
    name: 'current_ratio',
    family,
    formula: {
      zh: '最近财报：流动资产 ÷ 流动负债',
      en: 'latest statement: current assets / current liabilities',
    },
    reading: { zh: '短期偿债能力强', en: 'can pay what is due soon' },
    unit: 'ratio',
    inputs: [{ fact: 'current_ratio' }],
    missing: 'no financial statement was received, or it lacks a figure or the divisor is 0',
    source: SOURCE.STATEMENTS,
  }),
  feature({
    name: 'debt_ratio',
    family,
    formula: {
      zh: '最近财报：总负债 ÷ 总资产',
      en: 'latest statement: total liabilities / total assets',
    },
    reading: { zh: '负债率高', en: 'highly indebted' },
    unit: 'share',
    inputs: [{ fact: 'debt_ratio' }],
    missing: 'no financial statement was received, or it lacks a figure or the divisor is 0',
    source: SOURCE.STATEMENTS,
  }),
  feature({
    name: 'interest_cover',
    family,
    formula: {
      zh: '最近财报：营业利润 ÷ 利息支出',
      en: 'latest statement: operating profit / interest expense',
    },
    reading: { zh: '利息保障充足', en: 'the profit covers the interest' },
    unit: 'ratio',
    inputs: [{ fact: 'interest_cover' }],
    missing: 'no financial statement was received, or it lacks a figure or the divisor is 0',
    source: SOURCE.STATEMENTS,
  }),
  feature({
    name: 'receivable_turnover',
    family,
    formula: {
      zh: '最近财报：营业收入 ÷ 应收账款',
      en: 'latest statement: revenue / receivables',
    },
    reading: { zh: '应收账款周转快', en: 'customers pay soon' },
    unit: 'ratio',
    inputs: [{ fact: 'receivable_turnover' }],
    missing: 'no financial statement was received, or it lacks a figure or the divisor is 0',
    source: SOURCE.STATEMENTS,
  }),
  feature({
    name: 'stock_turnover',
    family,
    formula: {
      zh: '最近财报：营业成本 ÷ 存货',
      en: 'latest statement: cost of sales / inventory',
    },
    reading: { zh: '存货周转快', en: 'stock sells soon' },
    unit: 'ratio',
    inputs: [{ fact: 'stock_turnover' }],
    missing: 'no financial statement was received, or it lacks a figure or the divisor is 0',
    source: SOURCE.STATEMENTS,
  }),
  feature({
    name: 'margin_change_1y',
    family,
    formula: {
      zh: '净利率（净利润 ÷ 营业收入）：最近财报 − 期末早至少334天的最近一份财报',
      en: 'net margin (net profit / revenue) of the latest statement − that of the latest one whose period ends at least 334 days earlier',
    },
    reading: { zh: '利润率上升', en: 'the margin grows' },
    unit: 'share',
    inputs: [{ fact: 'margin_change_1y' }],
    missing: 'no statement of a year before, or one of the two lacks a figure or has no revenue',
    source: SOURCE.STATEMENTS,
  }),
  feature({
    name: 'statement_flag_count',
    family,
    formula: {
      zh: '下列成立的个数：流动比率 < 1，负债率 > 0.7，利息保障 < 1.5，利润率变动 < −0.05（缺失者不成立）',
      en: 'how many hold: current_ratio < 1, debt_ratio > 0.7, interest_cover < 1.5, margin_change_1y < −0.05; a missing one does not',
    },
    reading: { zh: '财务指标多项预警', en: 'several figures are past their threshold' },
    unit: 'count',
    inputs: [{ fact: 'statement_flag_count' }],
    missing: 'no financial statement was received',
    source: SOURCE.FLAGS,
  }),
]
