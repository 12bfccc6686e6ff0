import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature } from '../windows.ts'

/** Repayment habit 还款习惯: days past due, now and before. */
const family = 'repayment-habit'

export const PAST_DUE: readonly FeatureDefinition[] = [
  feature({
    name: 'dpd_now',
    family,
    formula: {
      zh: '当前最大逾期天数（未结清贷款）',
      en: 'largest days past due of the open loans now',
    },
    reading: { zh: '已逾期', en: 'past due' },
    unit: 'days',
    inputs: [{ fact: 'dpd_now' }],
    missing: 'no loan is known',
    source: SOURCE.DPD,
  }),
  feature({
    name: 'dpd_max_30d',
    family,
    formula: {
      zh: '近30天最大逾期天数',
      en: 'largest days past due on any of the last 30 days',
    },
    reading: { zh: '近期逾期严重', en: 'was past due' },
    unit: 'days',
    inputs: [{ fact: 'dpd_max_30d' }],
    missing: 'no loan is known',
    source: SOURCE.DPD,
  }),
  feature({
    name: 'dpd_max_90d',
    family,
    formula: {
      zh: '近90天最大逾期天数',
      en: 'largest days past due on any of the last 90 days',
    },
    reading: { zh: '近期逾期严重', en: 'was past due' },
    unit: 'days',
    inputs: [{ fact: 'dpd_max_90d' }],
    missing: 'no loan is known',
    source: SOURCE.DPD,
  }),
  feature({
    name: 'dpd_max_180d',
    family,
    formula: {
      zh: '近180天最大逾期天数',
      en: 'largest days past due on any of the last 180 days',
    },
    reading: { zh: '近期逾期严重', en: 'was past due' },
    unit: 'days',
    inputs: [{ fact: 'dpd_max_180d' }],
    missing: 'no loan is known',
    source: SOURCE.DPD,
  }),
  feature({
    name: 'dpd_max_365d',
    family,
    formula: {
      zh: '近365天最大逾期天数',
      en: 'largest days past due on any of the last 365 days',
    },
    reading: { zh: '近期逾期严重', en: 'was past due' },
    unit: 'days',
    inputs: [{ fact: 'dpd_max_365d' }],
    missing: 'no loan is known',
    source: SOURCE.DPD,
  }),
  feature({
    name: 'days_since_past_due',
    family,
    formula: {
      zh: '距最近一次逾期的天数（365天内）',
      en: 'days since the last day past due, within 365 days',
    },
    reading: { zh: '久未逾期', en: 'not past due for long' },
    unit: 'days',
    inputs: [{ fact: 'days_since_past_due' }],
    missing: 'never past due within 365 days',
    source: SOURCE.DPD,
  }),
]
