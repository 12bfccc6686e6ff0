import { defineRule, falling, type Rule, rising } from './define.ts'

/** Cash-flow breaks: income that stops, debits that fail, accounts that run dry. */
const family = 'cash-flow'

export const CASH_FLOW_RULES: readonly Rule[] = [
  defineRule({
    name: 'failed_debits',
    version: 1,
    family,
    feature: 'failed_debit_count_30d@1',
    unit: 'count',
    bands: rising([1, 'blue'], [2, 'yellow'], [4, 'orange']),
    reason: {
      zh: '近30天扣款失败 {value} 次，达到 {threshold} 次',
      en: '{value} failed debits in 30 days, threshold {threshold}',
    },
    source: 'ours; RBI lists bounced payments among its 45 signals (B)',
  }),
  // A month is up to 31 days and a payday moves for holidays, so only a gap well beyond both says anything.
  defineRule({
    name: 'salary_gap',
    version: 1,
    family,
    feature: 'days_since_salary@1',
    unit: 'days',
    bands: rising([38, 'blue'], [46, 'yellow'], [75, 'orange']),
    reason: {
      zh: '距上次工资（或养老金）入账 {value}，达到 {threshold}',
      en: '{value} since the last salary or pension, threshold {threshold}',
    },
    source: 'ours; SAMA appendix 1 names unemployment and payroll down over 3 months (A), without a number',
  }),
  // With a monthly salary the day before payday may show a month without one: never worse than blue.
  defineRule({
    name: 'inflow_drop',
    version: 1,
    family,
    feature: 'inflow_trend_30d_90d@1',
    unit: 'ratio',
    bands: falling([0.2, 'blue']),
    reason: {
      zh: '近30天流入为近90天月均的 {value} 倍，低于 {threshold}',
      en: 'inflow of 30 days is {value} of its 90-day monthly mean, below {threshold}',
    },
    source: 'ours; SAMA appendix 1 names fewer incoming transfers (A), without a number',
  }),
  defineRule({
    name: 'outflow_jump',
    version: 1,
    family,
    feature: 'outflow_trend_30d_90d@1',
    unit: 'ratio',
    bands: rising([2.5, 'blue']),
    reason: {
      zh: '近30天流出为近90天月均的 {value} 倍，达到 {threshold}',
      en: 'outflow of 30 days is {value} of its 90-day monthly mean, threshold {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'thin_buffer',
    version: 1,
    family,
    feature: 'buffer_days_30d@1',
    unit: 'days',
    bands: falling([1.5, 'blue']),
    reason: {
      zh: '账户余额仅够 {value} 的支出，低于 {threshold}',
      en: 'the balance covers {value} of spending, below {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'overdrawn',
    version: 1,
    family,
    feature: 'overdrawn_count_90d@1',
    unit: 'count',
    bands: rising([1, 'blue'], [4, 'yellow'], [12, 'orange']),
    reason: {
      zh: '近90天账户透支状态下的交易 {value} 笔，达到 {threshold} 笔',
      en: '{value} transactions left the account overdrawn in 90 days, threshold {threshold}',
    },
    source: 'ours; SAMA appendix 1 names months with the overdraft exceeded (A), without a number',
  }),
  defineRule({
    name: 'penalty_interest',
    version: 1,
    family,
    feature: 'penalty_count_90d@1',
    unit: 'count',
    bands: rising([1, 'yellow'], [2, 'orange']),
    reason: {
      zh: '近90天罚息 {value} 次，达到 {threshold} 次',
      en: 'penalty interest charged {value} times in 90 days, threshold {threshold}',
    },
    source: 'ours; handbooks name penalty interest as the first stage after overdue (B)',
  }),
]
