/**
 * The tables of the five categories, as data: what the measures say of days past due and of the other clauses that bind by
 * themselves. A published version never changes; another reading of a measure is another version beside it.
 *
 * Sources: 商业银行金融资产风险分类办法 (order 1 of 2023 of CBIRC and PBOC, in force 2023-07-01), articles 6, 7, 10 to 14
 * and 17 to 22; 商业银行信用卡业务监督管理办法 (order 2 of 2011 of CBRC), article 92. `README.md` has them as a table.
 */

/** From best to worst. */
export const CATEGORIES = ['pass', 'special_mention', 'substandard', 'doubtful', 'loss'] as const
export type Category = (typeof CATEGORIES)[number]

/** Places in `CATEGORIES`. From `SUBSTANDARD` on a loan is non-performing. */
export const PASS = 0
export const SPECIAL_MENTION = 1
export const SUBSTANDARD = 2
export const LOSS = 4

type Text = { readonly zh: string; readonly en: string }

/** DPD above `above` (and not above the next row's) make a loan at least of `category`, by `clause`. */
export type OverdueRow = { readonly above: number; readonly category: number; readonly clause: string }

export type CategoryTable = {
  readonly name: string
  readonly version: number
  readonly source: Text
  /** Clause that defines a loan to which nothing applies. */
  readonly pass: string
  /** By rising `above`. */
  readonly overdue: readonly OverdueRow[]
  /** Whether an overdue by a technical or operational cause is no special mention for some days. */
  readonly exempts_technical: boolean
}

const LOANS_2023: CategoryTable = {
  name: 'loans-2023',
  version: 1,
  source: { zh: '商业银行金融资产风险分类办法', en: 'measures of 2023 on the classification of financial assets' },
  pass: '6(1)',
  overdue: [
    { above: 0, category: SPECIAL_MENTION, clause: '10(1)' },
    { above: 90, category: SUBSTANDARD, clause: '11(1)' },
    { above: 270, category: 3, clause: '12(1)' },
    { above: 360, category: LOSS, clause: '13(1)' },
  ],
  exempts_technical: true,
}

const CARDS_2011: CategoryTable = {
  name: 'cards-2011',
  version: 1,
  source: { zh: '商业银行信用卡业务监督管理办法', en: 'measures of 2011 on credit cards' },
  pass: '92(1)',
  overdue: [
    { above: 0, category: SPECIAL_MENTION, clause: '92(2)' },
    { above: 90, category: SUBSTANDARD, clause: '92(3)' },
    { above: 120, category: 3, clause: '92(4)' },
    { above: 180, category: LOSS, clause: '92(5)' },
  ],
  exempts_technical: false,
}

/** What stands in a row for each clause that is not of days past due alone: see `README.md`. */
export const CLAUSE = {
  technical: '10(1) technical',
  debtor: '7',
  contagion: '10(4)',
  all_banks: '11(4)',
  cured: '14',
  restructured: '21',
  again: '22',
  judgement: 'judgement',
  written_off: 'written off',
} as const

/** Every published table; the first of a kind holds where a tenant names none, and stays the first. */
export const CATEGORY_TABLES: readonly CategoryTable[] = [LOANS_2023, CARDS_2011]

export const LOAN_TABLES = ['loans-2023@1'] as const
export const CARD_TABLES = ['cards-2011@1'] as const

export function tableOf(id: string): CategoryTable {
  const found = CATEGORY_TABLES.find(({ name, version }) => `${name}@${version}` === id)
  if (found === undefined) throw new Error(`this release has no classification table ${id}`)
  return found
}

/** Share of a debtor's claims here that may be non-performing before all are: article 7. */
export const DEBTOR_SHARE_MAX = { parts: 1, of: 10 } as const
/** Share of a debtor's debts at all banks that may be over 90 days overdue: article 11(4). */
export const ALL_BANKS_SHARE_MAX = 0.2
/** Months and due dates for which payments come in time before a non-performing loan is better: article 14(1). */
export const CURED_MONTHS = 6
export const CURED_DUE_DATES = 2
/** Least months and due dates that a restructured loan is observed: article 20. */
export const OBSERVED_MONTHS = 12
export const OBSERVED_DUE_DATES = 2
/** Longest overdue by a technical cause that is exempt: article 10(1). */
export const TECHNICAL_DAYS_MAX = 7
