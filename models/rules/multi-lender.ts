import { defineRule, type Rule, rising } from './define.ts'

/** Multi-lender borrowing, seen through hard bureau queries of other institutions. */
const family = 'multi-lender'
const PRACTICE =
  'multi-lender practice: yellow and red at 3 and 5 institutions in 1 month, 5 and 8 in 3, 7 and 11 in 6 (B)'

export const MULTI_LENDER_RULES: readonly Rule[] = [
  defineRule({
    name: 'query_institutions_30d',
    version: 1,
    family,
    feature: 'query_institution_count_30d@1',
    unit: 'count',
    bands: rising([2, 'blue'], [3, 'yellow'], [5, 'red']),
    reason: {
      zh: '近30天被 {value} 家机构硬查询，达到 {threshold} 家',
      en: '{value} institutions made hard queries in 30 days, threshold {threshold}',
    },
    source: `${PRACTICE}; blue ours`,
  }),
  defineRule({
    name: 'query_institutions_90d',
    version: 1,
    family,
    feature: 'query_institution_count_90d@1',
    unit: 'count',
    bands: rising([4, 'blue'], [5, 'yellow'], [8, 'red']),
    reason: {
      zh: '近90天被 {value} 家机构硬查询，达到 {threshold} 家',
      en: '{value} institutions made hard queries in 90 days, threshold {threshold}',
    },
    source: `${PRACTICE}; blue ours`,
  }),
  defineRule({
    name: 'query_institutions_180d',
    version: 1,
    family,
    feature: 'query_institution_count_180d@1',
    unit: 'count',
    bands: rising([6, 'blue'], [7, 'yellow'], [11, 'red']),
    reason: {
      zh: '近180天被 {value} 家机构硬查询，达到 {threshold} 家',
      en: '{value} institutions made hard queries in 180 days, threshold {threshold}',
    },
    source: `${PRACTICE}; blue ours`,
  }),
  defineRule({
    name: 'query_burst',
    version: 1,
    family,
    feature: 'hard_query_count_7d@1',
    unit: 'count',
    bands: rising([2, 'blue'], [3, 'yellow'], [5, 'orange']),
    reason: {
      zh: '近7天硬查询 {value} 次，达到 {threshold} 次',
      en: '{value} hard queries in 7 days, threshold {threshold}',
    },
    source: 'ours, after 3 or more on one day (B)',
  }),
  defineRule({
    name: 'non_bank_queries',
    version: 1,
    family,
    feature: 'non_bank_query_count_90d@1',
    unit: 'count',
    bands: rising([3, 'blue'], [5, 'yellow'], [8, 'orange']),
    reason: {
      zh: '近90天非银机构硬查询 {value} 次，达到 {threshold} 次',
      en: '{value} hard queries by non-banks in 90 days, threshold {threshold}',
    },
    source: 'ours; practice weighs consumer finance 1.5 and online lenders 2 against 1 for banks (B)',
  }),
  defineRule({
    name: 'microloan_queries',
    version: 1,
    family,
    feature: 'microloan_query_count_90d@1',
    unit: 'count',
    bands: rising([2, 'blue'], [4, 'yellow'], [6, 'orange']),
    reason: {
      zh: '近90天小贷或网贷机构硬查询 {value} 次，达到 {threshold} 次',
      en: '{value} hard queries by microloan or online lenders in 90 days, threshold {threshold}',
    },
    source: 'ours; practice weighs online lenders 2 against 1 for banks (B)',
  }),
  defineRule({
    name: 'night_queries',
    version: 1,
    family,
    feature: 'query_night_count_90d@1',
    unit: 'count',
    bands: rising([1, 'blue'], [3, 'yellow']),
    reason: {
      zh: '近90天凌晨硬查询 {value} 次，达到 {threshold} 次',
      en: '{value} hard queries at night in 90 days, threshold {threshold}',
    },
    source: 'ours; vendor dictionaries keep night variants (B), without a number',
  }),
]
