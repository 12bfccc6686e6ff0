import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, overWindows, transactionAmount, transactionCount } from '../windows.ts'

/** Cash-flow breaks 现金流断裂: salary, and regular income found from the data itself. */
const family = 'cash-flow'

export const INCOME: readonly FeatureDefinition[] = [
  feature({
    name: 'salary_count_90d',
    family,
    formula: {
      zh: '近90天工资类入账笔数',
      en: 'salary, pension or benefit receipts in 90 days',
    },
    reading: { zh: '工资稳定', en: 'salary arrives' },
    unit: 'count',
    inputs: [transactionCount(TRAIT.SALARY, 90)],
    source: SOURCE.SAMA_INCOME,
  }),
  ...overWindows([30, 90], {
    name: 'salary_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天工资类入账合计',
      en: 'sum of salary, pension or benefit receipts in {d} days',
    },
    reading: { zh: '工资高', en: 'high salary' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.SALARY, d)],
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'days_since_salary',
    family,
    formula: {
      zh: '距最近一次工资类入账的天数（365天内）',
      en: 'days since the last salary receipt, within 365 days',
    },
    reading: { zh: '工资中断', en: 'the salary has stopped' },
    unit: 'days',
    inputs: [{ fact: 'days_since_salary' }],
    missing: 'no salary receipt within 365 days',
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'salary_overdue',
    family,
    formula: {
      zh: '(今日 − 近180天工资类入账最后日期) ÷ 节奏（近180天工资类入账最近6个日期的相邻间隔中位数）',
      en: '(today − last salary date of 180 days) / cadence: the median gap between the last 6 salary dates of 180 days',
    },
    reading: { zh: '工资逾期未到', en: 'the salary is overdue against its own cadence' },
    unit: 'ratio',
    inputs: [{ fact: 'salary_overdue' }],
    missing: 'fewer than 3 salary dates within 180 days, or a cadence of 0',
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'salary_last_to_mean_3',
    family,
    formula: {
      zh: '近180天工资类入账：最后日期的金额 ÷ 前三个日期金额的均值（同日相加）',
      en: 'salary of 180 days, summed per date: that of the last date / mean of the three dates before it',
    },
    reading: { zh: '工资上涨', en: 'the last salary is above the ones before' },
    unit: 'ratio',
    inputs: [{ fact: 'salary_last_to_mean_3' }],
    missing: 'fewer than 4 salary dates within 180 days',
    source: SOURCE.SALARY,
  }),
  feature({
    name: 'regular_payer_count',
    family,
    formula: {
      zh: '近180天固定付款人数：同一付款人的最近6个入账日期不少于3个，节奏（间隔中位数）不少于5天，每个间隔与节奏之差 ≤ max(3, 节奏 ÷ 4)',
      en: 'regular payers of 180 days: of the last 6 dates of one payer at least 3, cadence (median gap) at least 5 days, each gap within max(3, cadence / 4) of it',
    },
    reading: { zh: '固定收入来源多', en: 'several payers pay at a steady cadence' },
    unit: 'count',
    inputs: [{ fact: 'regular_payer_count' }],
    missing: 'no transaction was ever received',
    source: SOURCE.SALARY,
  }),
  feature({
    name: 'regular_income_cadence_days',
    family,
    formula: {
      zh: '首要固定付款人（上述日期合计最大者）入账日期的间隔中位数',
      en: 'median gap between the dates of the main regular payer (the one with the largest sum over its dates)',
    },
    reading: { zh: '固定收入间隔长', en: 'regular income comes at long intervals' },
    unit: 'days',
    inputs: [{ fact: 'regular_income_cadence_days' }],
    missing: 'no payer is regular',
    source: SOURCE.SALARY,
  }),
  feature({
    name: 'days_since_regular_income',
    family,
    formula: {
      zh: '今日 − 首要固定付款人的最后入账日期',
      en: 'today − last date of the main regular payer',
    },
    reading: { zh: '固定收入久未到账', en: 'regular income has not come for long' },
    unit: 'days',
    inputs: [{ fact: 'days_since_regular_income' }],
    missing: 'no payer is regular',
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'regular_income_overdue',
    family,
    formula: {
      zh: '(今日 − 首要固定付款人的最后入账日期) ÷ 其节奏',
      en: '(today − last date of the main regular payer) / its cadence',
    },
    reading: { zh: '固定收入逾期未到', en: 'regular income is overdue against its own cadence' },
    unit: 'ratio',
    inputs: [{ fact: 'regular_income_overdue' }],
    missing: 'no payer is regular',
    source: SOURCE.SAMA_INCOME,
  }),
  feature({
    name: 'regular_income_last_to_mean_3',
    family,
    formula: {
      zh: '首要固定付款人：最后日期的金额 ÷ 前三个日期金额的均值（同日相加）',
      en: 'main regular payer, summed per date: amount of the last date / mean of the three dates before it',
    },
    reading: { zh: '固定收入上涨', en: 'the last regular income is above the ones before' },
    unit: 'ratio',
    inputs: [{ fact: 'regular_income_last_to_mean_3' }],
    missing: 'no payer is regular with at least 4 dates',
    source: SOURCE.SALARY,
  }),
]
