import { TRAIT } from '../../streams/transactions.ts'
import { type FeatureDefinition } from '../define.ts'
import { SOURCE } from '../sources.ts'
import { feature, overWindows, transactionAmount } from '../windows.ts'

/** Diversion 挪用: where the money of a loan went. */
const family = 'cash-out'

/** What the proceeds of a loan are traced to; a payment belongs to the first that applies. */
const USES = [
  {
    kind: 'securities',
    en: 'securities',
    zh: '证券',
    reading: { zh: '资金流入证券', en: 'loan money goes into securities' },
  },
  {
    kind: 'property',
    en: 'property',
    zh: '房产',
    reading: { zh: '资金流入房产', en: 'loan money goes into property' },
  },
  {
    kind: 'lender',
    en: 'another lender',
    zh: '其他放贷机构',
    reading: { zh: '以贷养贷', en: 'loan money repays other lenders' },
  },
  { kind: 'cash', en: 'cash', zh: '取现', reading: { zh: '贷款取现', en: 'loan money is drawn as cash' } },
  {
    kind: 'own_account',
    en: "the borrower's other accounts",
    zh: '本人其他账户',
    reading: { zh: '资金转入本人其他账户', en: 'loan money moves to other own accounts' },
  },
] as const

export const PROCEEDS: readonly FeatureDefinition[] = [
  ...overWindows([30, 90], {
    name: 'lender_inflow_sum_{d}d',
    family,
    formula: {
      zh: '近{d}天来自放贷机构的入账合计',
      en: 'sum received from lenders in {d} days',
    },
    reading: { zh: '以贷养贷', en: 'new debt comes in' },
    unit: 'minor',
    inputs: (d) => [transactionAmount('sum', TRAIT.LENDER_IN, d)],
    source: SOURCE.USE,
  }),
  feature({
    name: 'lender_outflow_sum_30d',
    family,
    formula: {
      zh: '近30天付给放贷机构的合计',
      en: 'sum paid to lenders in 30 days',
    },
    reading: { zh: '还贷负担重', en: 'much is paid on debts' },
    unit: 'minor',
    inputs: [transactionAmount('sum', TRAIT.LENDER_OUT, 30)],
    source: SOURCE.USE,
  }),
  feature({
    name: 'diverted_sum_30d',
    family,
    formula: {
      zh: '近30天流向证券、房产的合计',
      en: 'sum paid to securities and property in 30 days',
    },
    reading: { zh: '资金挪用', en: 'money goes to securities or property' },
    unit: 'minor',
    inputs: [transactionAmount('sum', TRAIT.DIVERTED, 30)],
    source: SOURCE.USE,
  }),
  feature({
    name: 'diverted_share_30d',
    family,
    formula: {
      zh: '最近一笔贷款放款后30天内流向证券、房产的金额 ÷ 本金（放款150天内）',
      en: 'paid to securities and property within 30 days after the newest loan / its principal; for 150 days after it',
    },
    reading: {
      zh: '贷款资金挪用',
      en: 'the loan went to securities or property',
    },
    unit: 'share',
    inputs: [{ fact: 'diverted_share_30d' }],
    missing: 'no loan was disbursed within 150 days',
    source: SOURCE.USE,
  }),
  ...USES.flatMap(({ kind, en, zh, reading }) =>
    overWindows([7, 30], {
      name: `proceeds_${kind}_share_{d}d`,
      family,
      formula: {
        zh: `最近一笔贷款到账后{d}天内，按先进先出追踪流向${zh}的贷款资金 ÷ 本金（放款150天内）`,
        en: `of the newest loan, what went to ${en} within {d} days of its receipt, first in first out / principal; for 150 days after it`,
      },
      reading,
      unit: 'share',
      inputs: (d) => [{ fact: `proceeds_${kind}_share_${d}d` }],
      missing: 'no loan was disbursed within 150 days, or its receipt was not seen',
      source: SOURCE.USE,
    }),
  ),
]
