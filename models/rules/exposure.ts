import { defineRule, falling, type Rule, rising } from './define.ts'

/** Exposure and environment: how much is owed against what comes in, and what others report. */
const family = 'exposure'

export const EXPOSURE_RULES: readonly Rule[] = [
  defineRule({
    name: 'overdue_instalments',
    version: 1,
    family,
    feature: 'overdue_instalment_count@1',
    unit: 'count',
    bands: rising([1, 'blue'], [2, 'orange'], [4, 'red']),
    reason: {
      zh: '已到期未还 {value} 期，达到 {threshold} 期',
      en: '{value} instalments are overdue, threshold {threshold}',
    },
    source: 'ours; 2 monthly instalments mean M2, 4 mean over 90 days (B)',
  }),
  defineRule({
    name: 'several_loans',
    version: 1,
    family,
    feature: 'active_loan_count@1',
    unit: 'count',
    bands: rising([3, 'blue'], [5, 'yellow']),
    reason: {
      zh: '未结清贷款 {value} 笔，达到 {threshold} 笔',
      en: '{value} open loans, threshold {threshold}',
    },
    source: 'ours',
  }),
  // Income of a 30-day window may lack a salary that comes on the 31st day: never worse than blue.
  defineRule({
    name: 'instalment_burden',
    version: 1,
    family,
    feature: 'instalment_to_inflow_30d@1',
    unit: 'ratio',
    bands: rising([0.6, 'blue']),
    reason: {
      zh: '近30天应还款为流入的 {value} 倍，达到 {threshold}',
      en: 'instalments of 30 days are {value} of inflow, threshold {threshold}',
    },
    source: 'ours; SAMA appendix 1 names instalment to payroll up (A), without a number',
  }),
  defineRule({
    name: 'instalment_not_covered',
    version: 1,
    family,
    feature: 'next_instalment_cover@1',
    unit: 'ratio',
    bands: falling([0, 'yellow'], [0.25, 'blue']),
    reason: {
      zh: '账户余额为下期应还款的 {value} 倍，低于 {threshold}',
      en: 'the balance is {value} of the next instalment, below {threshold}',
    },
    source: 'ours',
  }),
  defineRule({
    name: 'limit_used_up',
    version: 1,
    family,
    feature: 'utilisation@1',
    unit: 'share',
    bands: rising([0.95, 'blue'], [1.05, 'yellow']),
    reason: {
      zh: '额度使用率 {value}，达到 {threshold}',
      en: '{value} of the credit limit is used, threshold {threshold}',
    },
    source: 'ours; SAMA appendix 1 names the fall of the undrawn line (A), without a number',
  }),
  defineRule({
    name: 'restructured',
    version: 1,
    family,
    feature: 'restructured_count@1',
    unit: 'count',
    bands: rising([1, 'blue'], [2, 'yellow']),
    reason: {
      zh: '贷款重组 {value} 次，达到 {threshold} 次',
      en: 'loans restructured {value} times, threshold {threshold}',
    },
    source: 'ours; restructured assets are observed for a period (B)',
  }),
  defineRule({
    name: 'litigation',
    version: 1,
    family,
    feature: 'litigation_count_365d@1',
    unit: 'count',
    bands: rising([1, 'yellow'], [3, 'orange']),
    reason: {
      zh: '近365天涉诉 {value} 起，达到 {threshold} 起',
      en: '{value} lawsuits reported in 365 days, threshold {threshold}',
    },
    source: 'SAMA appendix 1: legal proceeding (A); orange ours',
  }),
  defineRule({
    name: 'enforcement',
    version: 1,
    family,
    feature: 'enforcement_count_365d@1',
    unit: 'count',
    bands: rising([1, 'orange'], [2, 'red']),
    reason: {
      zh: '近365天被执行 {value} 起，达到 {threshold} 起',
      en: '{value} enforcements reported in 365 days, threshold {threshold}',
    },
    source: 'SAMA appendix 1: legal proceeding (A); severities ours',
  }),
  defineRule({
    name: 'guarantor_default',
    version: 1,
    family,
    feature: 'guarantor_default_count_365d@1',
    unit: 'count',
    bands: rising([1, 'yellow'], [2, 'orange']),
    reason: {
      zh: '近365天担保人违约 {value} 次，达到 {threshold} 次',
      en: '{value} guarantor defaults reported in 365 days, threshold {threshold}',
    },
    source: 'SAMA appendix 1: guarantor default (A); orange ours',
  }),
]
