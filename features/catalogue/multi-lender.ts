import { QUERY_TRAIT } from '../streams/bureau.ts'
import { MS_PER_DAY } from '../time.ts'
import { type FeatureDefinition, ratio } from './define.ts'
import { distinctInstitutions, feature, lastQueryTime, overWindows, queryCount } from './windows.ts'

/** Multi-lender 多头: searches for credit elsewhere, as of the date of the bureau's report. */
const family = 'multi-lender'
const PARSER = 'bureau-report practice: hard reasons only, windows end at the report date, institutions de-duplicated'
const DICTIONARY = "a bureau vendor's dictionary: queries and institutions by window and type, night variants"
const { HARD } = QUERY_TRAIT

export const MULTI_LENDER: readonly FeatureDefinition[] = [
  ...overWindows([7, 15, 30, 90, 180], {
    name: 'hard_query_count_{d}d',
    family,
    formula: {
      zh: '报告日前{d}天硬查询次数（同一机构一天计一次，不含本机构）',
      en: 'hard queries in the {d} days before the report date; an institution counts once a day, the own one never',
    },
    reading: { zh: '频繁申请信贷', en: 'credit is sought often' },
    unit: 'count',
    inputs: (d) => [queryCount(HARD, d)],
    source: PARSER,
  }),
  ...overWindows([30, 90, 180], {
    name: 'query_institution_count_{d}d',
    family,
    formula: {
      zh: '报告日前{d}天硬查询机构数',
      en: 'distinct institutions of hard queries in the {d} days before the report date',
    },
    reading: { zh: '多头申请', en: 'credit is sought at many lenders' },
    unit: 'count',
    inputs: (d) => [distinctInstitutions(HARD, d)],
    source: DICTIONARY,
  }),
  feature({
    name: 'non_bank_query_count_90d',
    family,
    formula: {
      zh: '报告日前90天非银机构硬查询次数',
      en: 'hard queries by non-banks in the 90 days before the report date',
    },
    reading: { zh: '转向非银机构', en: 'credit is sought outside banks' },
    unit: 'count',
    inputs: [queryCount(HARD | QUERY_TRAIT.NON_BANK, 90)],
    source: DICTIONARY,
  }),
  feature({
    name: 'microloan_query_count_90d',
    family,
    formula: {
      zh: '报告日前90天小贷与网贷硬查询次数',
      en: 'hard queries by microloan and online lenders in the 90 days before the report date',
    },
    reading: { zh: '转向小额网贷', en: 'credit is sought at microlenders' },
    unit: 'count',
    inputs: [queryCount(HARD | QUERY_TRAIT.MICROLOAN, 90)],
    source: DICTIONARY,
  }),
  feature({
    name: 'query_night_count_90d',
    family,
    formula: {
      zh: '报告日前90天夜间（0:00-5:00）硬查询次数',
      en: 'hard queries between 0:00 and 5:00 in the 90 days before the report date',
    },
    reading: { zh: '夜间申请', en: 'credit is sought at night' },
    unit: 'count',
    inputs: [queryCount(HARD | QUERY_TRAIT.NIGHT, 90)],
    source: DICTIONARY,
  }),
  feature({
    name: 'query_acceleration_30d_90d',
    family,
    formula: {
      zh: '30天硬查询次数×3 ÷ 90天硬查询次数',
      en: 'hard queries of 30 days × 3 / those of 90 days',
    },
    reading: { zh: '申请加速', en: 'the search for credit speeds up' },
    unit: 'ratio',
    inputs: [queryCount(HARD, 30), queryCount(HARD, 90)],
    compute: (short, long) => ratio(short * 3, long),
    missing: 'no hard query within 90 days',
    source: DICTIONARY,
  }),
  feature({
    name: 'days_since_hard_query',
    family,
    formula: {
      zh: '报告日距最近硬查询的天数（365天内）',
      en: 'days from the last hard query within 365 days to the report date',
    },
    reading: { zh: '久未申请信贷', en: 'no credit was sought for long' },
    unit: 'days',
    inputs: [lastQueryTime(HARD, 365), { fact: 'bureau_time' }],
    compute: (last, asOf) => (asOf - last) / MS_PER_DAY,
    missing: 'no hard query within 365 days',
    source: DICTIONARY,
  }),
]
