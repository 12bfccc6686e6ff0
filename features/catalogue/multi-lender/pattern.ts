import { QUERY_TRAIT } from '../../streams/bureau.ts'
import { MS_PER_DAY } from '../../time.ts'
import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, lastQueryTime, queryCount } from '../windows.ts'

/** Multi-lender 多头: when credit is sought, how fast one search follows the other, and what comes of it. */
const family = 'multi-lender'
const { HARD } = QUERY_TRAIT

export const QUERY_PATTERN: readonly FeatureDefinition[] = [
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
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'weekend_query_count_90d',
    family,
    formula: {
      zh: '报告日前90天周六、周日硬查询次数',
      en: 'hard queries on Saturdays and Sundays in the 90 days before the report date',
    },
    reading: { zh: '周末申请', en: 'credit is sought at weekends' },
    unit: 'count',
    inputs: [queryCount(HARD | QUERY_TRAIT.WEEKEND, 90)],
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'query_day_max_90d',
    family,
    formula: {
      zh: '报告日前90天单日硬查询最多次数',
      en: 'largest number of hard queries on one date in the 90 days before the report date',
    },
    reading: { zh: '单日集中申请', en: 'credit is sought at several lenders on one day' },
    unit: 'count',
    inputs: [{ fact: 'query_day_max_90d' }],
    needs_report: true,
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'query_gap_min_365d',
    family,
    formula: {
      zh: '报告日前365天相邻硬查询的最短间隔',
      en: 'smallest gap between one hard query and the next in the 365 days before the report date',
    },
    reading: { zh: '申请间隔长', en: 'never two searches close together' },
    unit: 'days',
    inputs: [{ fact: 'query_gap_min_365d' }],
    missing: 'fewer than two hard queries within 365 days',
    needs_report: true,
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'query_gap_mean_365d',
    family,
    formula: {
      zh: '报告日前365天硬查询：(最后一次 − 第一次) ÷ (次数 − 1)',
      en: 'hard queries of the 365 days before the report date: (last − first) / (their number − 1)',
    },
    reading: { zh: '申请间隔长', en: 'searches are far apart' },
    unit: 'days',
    inputs: [{ fact: 'query_gap_mean_365d' }],
    missing: 'fewer than two hard queries within 365 days',
    needs_report: true,
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'query_acceleration_15d',
    family,
    formula: {
      zh: '近15天硬查询次数 ÷ 此前15天（第16至30天）硬查询次数',
      en: 'hard queries of 15 days / those of the 15 days before them, up to the report date',
    },
    reading: { zh: '短期申请加速', en: 'the search for credit speeds up within weeks' },
    unit: 'ratio',
    inputs: [queryCount(HARD, 15), queryCount(HARD, 30)],
    compute: (recent, month) => ratio(recent, month - recent),
    missing: 'no hard query in the 15 days before',
    source: SOURCE.DICTIONARY,
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
    source: SOURCE.DICTIONARY,
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
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'unconverted_query_share_180d',
    family,
    formula: {
      zh: 'T前30至180天的硬查询中，其后30天内既无他机构放款入账、本机构也未放款的比例',
      en: 'of the hard queries 30 to 180 days before T, the share followed within 30 days neither by a receipt from another lender nor by a loan of ours',
    },
    reading: { zh: '申请多被拒', en: 'most searches end without a loan' },
    unit: 'share',
    inputs: [{ fact: 'unconverted_query_share_180d' }],
    missing: 'no hard query from 180 to 30 days before T',
    needs_report: true,
    source: 'ours: a bureau counts queries alone; a query that led to no loan was most likely refused',
  }),
]
