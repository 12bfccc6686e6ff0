import { QUERY_TRAIT } from '../../streams/bureau.ts'
import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { distinctInstitutions, feature, overWindows, queryCount } from '../windows.ts'

/** Multi-lender 多头: searches for credit elsewhere, as of the date of the bureau's report. */
const family = 'multi-lender'
const { HARD } = QUERY_TRAIT

export const QUERIES: readonly FeatureDefinition[] = [
  ...overWindows([7, 15, 30, 90, 180, 365], {
    name: 'hard_query_count_{d}d',
    family,
    formula: {
      zh: '报告日前{d}天硬查询次数（同一机构一天计一次，不含本机构）',
      en: 'hard queries in the {d} days before the report date; an institution counts once a day, the own one never',
    },
    reading: { zh: '频繁申请信贷', en: 'credit is sought often' },
    unit: 'count',
    inputs: (d) => [queryCount(HARD, d)],
    source: SOURCE.PARSER,
  }),
  ...overWindows([7, 15, 30, 90, 180, 365], {
    name: 'query_institution_count_{d}d',
    family,
    formula: {
      zh: '报告日前{d}天硬查询机构数',
      en: 'distinct institutions of hard queries in the {d} days before the report date',
    },
    reading: { zh: '多头申请', en: 'credit is sought at many lenders' },
    unit: 'count',
    inputs: (d) => [distinctInstitutions(HARD, d)],
    source: SOURCE.DICTIONARY,
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
    source: SOURCE.DICTIONARY,
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
    source: SOURCE.DICTIONARY,
  }),
  feature({
    name: 'debt_consolidation_query_count_365d',
    family,
    formula: {
      zh: '报告日前365天债务重组类机构硬查询次数',
      en: 'hard queries by debt-consolidation institutions in the 365 days before the report date',
    },
    reading: { zh: '寻求债务重组', en: 'the debts are to be rolled into one' },
    unit: 'count',
    inputs: [queryCount(HARD | QUERY_TRAIT.DEBT_CONSOLIDATION, 365)],
    source: SOURCE.DICTIONARY,
  }),
]
