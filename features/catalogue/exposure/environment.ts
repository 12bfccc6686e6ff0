import { type FeatureDefinition, ratio } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature } from '../windows.ts'

/** Exposure and environment 外部环境: what courts, valuers and indices report. */
const family = 'exposure'

export const ENVIRONMENT: readonly FeatureDefinition[] = [
  feature({
    name: 'litigation_count_365d',
    family,
    formula: { zh: '近365天诉讼次数', en: 'lawsuits reported in 365 days' },
    reading: { zh: '诉讼多', en: 'lawsuits' },
    unit: 'count',
    inputs: [{ fact: 'litigation_count_365d' }],
    missing: 'never',
    source: SOURCE.SAMA_RECORD,
  }),
  feature({
    name: 'litigation_amount_365d',
    family,
    formula: {
      zh: '近365天诉讼金额合计（未注明者计0）',
      en: 'sum of the amounts of lawsuits reported in 365 days; one without an amount adds 0',
    },
    reading: { zh: '涉诉金额大', en: 'much is sued for' },
    unit: 'minor',
    inputs: [{ fact: 'litigation_amount_365d' }],
    source: SOURCE.SAMA_RECORD,
  }),
  feature({
    name: 'enforcement_count_365d',
    family,
    formula: {
      zh: '近365天被执行次数',
      en: 'enforcements reported in 365 days',
    },
    reading: { zh: '被执行多', en: 'enforcements' },
    unit: 'count',
    inputs: [{ fact: 'enforcement_count_365d' }],
    missing: 'never',
    source: SOURCE.SAMA_RECORD,
  }),
  feature({
    name: 'enforcement_amount_365d',
    family,
    formula: {
      zh: '近365天被执行金额合计（未注明者计0）',
      en: 'sum of the amounts of enforcements reported in 365 days; one without an amount adds 0',
    },
    reading: { zh: '被执行金额大', en: 'much is enforced' },
    unit: 'minor',
    inputs: [{ fact: 'enforcement_amount_365d' }],
    source: SOURCE.SAMA_RECORD,
  }),
  feature({
    name: 'guarantor_default_count_365d',
    family,
    formula: {
      zh: '近365天担保人违约次数',
      en: 'defaults of a guarantor reported in 365 days',
    },
    reading: { zh: '担保人违约多', en: 'defaults of a guarantor' },
    unit: 'count',
    inputs: [{ fact: 'guarantor_default_count_365d' }],
    missing: 'never',
    source: SOURCE.SAMA_RECORD,
  }),
  feature({
    name: 'collateral_cover',
    family,
    formula: {
      zh: '各押品最近估值合计 ÷ 剩余本金（押品按首次出现取前16个）',
      en: 'latest valuations of the collateral, summed / unpaid principal of the open loans; the first 16 collaterals count',
    },
    reading: { zh: '押品覆盖充足', en: 'the collateral covers the debt' },
    unit: 'ratio',
    inputs: [{ fact: 'collateral_latest_total' }, { fact: 'outstanding_principal' }],
    compute: (value, owed) => ratio(value, owed),
    missing: 'no collateral was valued, no loan is known, or nothing is owed',
    source: SOURCE.COLLATERAL,
  }),
  feature({
    name: 'collateral_change',
    family,
    formula: {
      zh: '有两次以上估值的押品：最近估值合计 ÷ 前次估值合计 − 1',
      en: 'collaterals valued at least twice: latest valuations, summed / those before them, summed, − 1',
    },
    reading: { zh: '押品升值', en: 'the collateral gains value' },
    unit: 'ratio',
    inputs: [{ fact: 'collateral_change' }],
    missing: 'no collateral was valued twice',
    source: SOURCE.COLLATERAL,
  }),
  feature({
    name: 'industry_index_change_90d',
    family,
    formula: {
      zh: '最近一笔贷款所属行业的指数：T时最新值 ÷ T − 90天时最新值 − 1',
      en: 'index of the industry of the newest loan: its latest value at T / that at T − 90 days − 1',
    },
    reading: { zh: '行业景气上升', en: 'the industry does better' },
    unit: 'ratio',
    inputs: [{ fact: 'industry_index_change_90d' }],
    missing: 'the newest loan names no industry, or its index is not known at both times (a value of 0 before)',
    source: SOURCE.MACRO,
  }),
  feature({
    name: 'region_index_change_90d',
    family,
    formula: {
      zh: '最近一笔贷款所属地区的指数：T时最新值 ÷ T − 90天时最新值 − 1',
      en: 'index of the region of the newest loan: its latest value at T / that at T − 90 days − 1',
    },
    reading: { zh: '地区景气上升', en: 'the region does better' },
    unit: 'ratio',
    inputs: [{ fact: 'region_index_change_90d' }],
    missing: 'the newest loan names no region, or its index is not known at both times (a value of 0 before)',
    source: SOURCE.MACRO,
  }),
]
