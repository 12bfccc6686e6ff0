import { HARD_REASONS, HARD_REASONS_VERSION, QUERY_TRAIT } from '../streams/bureau.ts'
import {
  HIGH_RISK_MERCHANT_MCCS,
  MERCHANT_CATEGORIES_VERSION,
  QUASI_CASH_MCCS,
  WITHDRAWAL_MCCS,
} from '../streams/merchant-categories.ts'
import { TRAIT } from '../streams/transactions.ts'
import type { StreamName } from '../window/aggregate.ts'
import type { FeatureDefinition, Formula } from './define.ts'

/**
 * The tables of words and codes that decide what a row is. Entries keep their versions only as long as the tables they
 * read keep theirs.
 */
export type VersionedTable = {
  readonly name: string
  readonly version: number
  readonly title: Formula
  readonly values: readonly string[]
  readonly source: string
  /** The bit of a row that the table decides. */
  readonly decides: { readonly stream: StreamName; readonly trait: number }
  /** Names of the facts that read rows by that bit. */
  readonly facts: readonly string[]
}

const ACQUIRERS = "acquirers' rules by merchant category (ISO 18245) (B)"

export const TABLES: readonly VersionedTable[] = [
  {
    name: 'hard_query_reasons',
    version: HARD_REASONS_VERSION,
    title: { zh: '计为硬查询的查询原因', en: 'reasons of a bureau query that count as a search for credit' },
    values: [...HARD_REASONS],
    source: 'a bureau-report parser: post-loan management, objection, provident fund and self queries do not count (B)',
    decides: { stream: 'queries', trait: QUERY_TRAIT.HARD },
    facts: ['query_day_max_90d', 'query_gap_min_365d', 'query_gap_mean_365d', 'unconverted_query_share_180d'],
  },
  {
    name: 'high_risk_merchant_categories',
    version: MERCHANT_CATEGORIES_VERSION,
    title: { zh: '高风险商户类别（MCC）', en: 'merchant categories (MCC) of high risk' },
    values: [...HIGH_RISK_MERCHANT_MCCS],
    source: ACQUIRERS,
    decides: { stream: 'transactions', trait: TRAIT.HIGH_RISK },
    facts: [],
  },
  {
    name: 'quasi_cash_categories',
    version: MERCHANT_CATEGORIES_VERSION,
    title: { zh: '准现金与博彩商户类别（MCC）', en: 'merchant categories (MCC) of quasi cash and gambling' },
    values: [...QUASI_CASH_MCCS],
    source: ACQUIRERS,
    decides: { stream: 'transactions', trait: TRAIT.QUASI_CASH },
    facts: [],
  },
  {
    name: 'withdrawal_categories',
    version: MERCHANT_CATEGORIES_VERSION,
    title: { zh: '取现商户类别（MCC）', en: 'merchant categories (MCC) of cash withdrawal' },
    values: [...WITHDRAWAL_MCCS],
    source: ACQUIRERS,
    decides: { stream: 'transactions', trait: TRAIT.CASH },
    facts: [
      'hours_repayment_to_spend',
      'repay_then_spend_count_90d',
      'proceeds_cash_share_7d',
      'proceeds_cash_share_30d',
      'proceeds_own_account_share_7d',
      'proceeds_own_account_share_30d',
    ],
  },
]

/** The tables that an entry reads, by windows or facts. */
export function tablesOf(entry: FeatureDefinition): readonly VersionedTable[] {
  return TABLES.filter(({ decides, facts }) =>
    entry.inputs.some((input) =>
      'fact' in input
        ? facts.includes(input.fact)
        : input.stream === decides.stream && (input.where & decides.trait) !== 0,
    ),
  )
}
