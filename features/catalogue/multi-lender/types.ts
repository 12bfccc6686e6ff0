import { QUERY_TRAIT } from '../../streams/bureau.ts'
import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { distinctInstitutions, overWindows, queryCount } from '../windows.ts'

/** Multi-lender 多头 by type of institution, exactly as the bureau states it. */
const family = 'multi-lender'
const { HARD } = QUERY_TRAIT

const TYPES = [
  { type: 'bank', trait: QUERY_TRAIT.BANK, en: 'banks', zh: '银行', reading: '银行多头申请' },
  {
    type: 'consumer_finance',
    trait: QUERY_TRAIT.CONSUMER_FINANCE,
    en: 'consumer-finance companies',
    zh: '消费金融公司',
    reading: '消金多头申请',
  },
  {
    type: 'microloan',
    trait: QUERY_TRAIT.MICROLOAN_ONLY,
    en: 'microloan companies',
    zh: '小贷公司',
    reading: '小贷多头申请',
  },
  { type: 'online', trait: QUERY_TRAIT.ONLINE, en: 'online lenders', zh: '网贷机构', reading: '网贷多头申请' },
]

export const TYPED_QUERIES: readonly FeatureDefinition[] = TYPES.flatMap(({ type, trait, en, zh, reading }) => [
  ...overWindows([7, 15, 30, 90, 180, 365], {
    name: `${type}_hard_query_count_{d}d`,
    family,
    formula: {
      zh: `报告日前{d}天${zh}硬查询次数`,
      en: `hard queries by ${en} in the {d} days before the report date`,
    },
    reading: { zh: reading, en: `credit is sought often at ${en}` },
    unit: 'count',
    inputs: (d) => [queryCount(HARD | trait, d)],
    source: SOURCE.DICTIONARY,
  }),
  ...overWindows([7, 15, 30, 90, 180, 365], {
    name: `${type}_institution_count_{d}d`,
    family,
    formula: {
      zh: `报告日前{d}天硬查询的${zh}家数`,
      en: `distinct institutions of hard queries by ${en} in the {d} days before the report date`,
    },
    reading: { zh: reading, en: `credit is sought at many ${en}` },
    unit: 'count',
    inputs: (d) => [distinctInstitutions(HARD | trait, d)],
    source: SOURCE.DICTIONARY,
  }),
])
