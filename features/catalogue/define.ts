import type { Fact } from '../facts/index.ts'
import type { WindowAggregate } from '../window/aggregate.ts'

/** The five families of signals. */
export const FAMILIES = {
  'cash-flow': { en: 'cash-flow breaks', zh: '现金流断裂' },
  'cash-out': { en: 'cash-out and diversion', zh: '套现与挪用' },
  'multi-lender': { en: 'multi-lender', zh: '多头' },
  'repayment-habit': { en: 'repayment habit', zh: '还款习惯' },
  exposure: { en: 'exposure and environment', zh: '敞口与外部环境' },
} as const
export type Family = keyof typeof FAMILIES

export type Unit = 'count' | 'minor' | 'days' | 'hours' | 'share' | 'ratio' | 'months'

/** Something a feature is computed from: a window over a stream, or a fact of the ledger or of behaviour. */
export type Input = WindowAggregate | { readonly fact: Fact }

export type Formula = { readonly zh: string; readonly en: string }

/**
 * One catalogue entry. A published entry never changes: another formula is another version, which a golden test holds.
 */
export type FeatureDefinition = {
  readonly name: string
  readonly version: number
  readonly family: Family
  readonly formula: Formula
  /** What a high value says of the borrower. */
  readonly reading: Formula
  readonly unit: Unit
  /** Days of the windows it reads; empty where it has none. */
  readonly windows_days: readonly number[]
  /** Missing while T less the time of the earliest transaction received is under this many days. */
  readonly minimum_history_days: number
  /** Missing while no bureau query was ever received: no report is not a report without queries. */
  readonly needs_report: boolean
  /** When the value is missing, apart from too little history and no report. */
  readonly missing: string
  readonly source: string
  readonly inputs: readonly Input[]
  /** From the inputs' values, in their order, to the value; NaN is missing. Absent where the only input is the value. */
  readonly compute?: (...values: number[]) => number
}

export function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}

/** All that makes an entry's value missing, in one line. */
export function missingText(entry: FeatureDefinition): string {
  const { minimum_history_days: days } = entry
  const history = days === 0 ? [] : [`less than ${daysText(days)} of transactions`]
  const report = entry.needs_report ? ['no bureau query was ever received'] : []
  const rest = entry.missing === NEVER_MISSING ? [] : [entry.missing]
  return [...history, ...report, ...rest].join('; ') || NEVER_MISSING
}

/** `missing` of an entry that lacks its value in no other case. */
export const NEVER_MISSING = 'never'

/** `name@version`, how a feature is named in cards, rules and rows. */
export function featureId(definition: { readonly name: string; readonly version: number }): string {
  return `${definition.name}@${definition.version}`
}

/** The column of `features` that holds it: the name for the first version, `name_v2` and so on after it. */
export function featureColumn(definition: { readonly name: string; readonly version: number }): string {
  return definition.version === 1 ? definition.name : `${definition.name}_v${definition.version}`
}

/** a / b, missing where b is 0. */
export function ratio(a: number, b: number): number {
  return b === 0 ? Number.NaN : a / b
}
