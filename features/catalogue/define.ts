import type { Fact } from '../facts/index.ts'
import type { WindowAggregate } from '../window/aggregate.ts'

/** The five families of signals. */
export type Family = 'cash-flow' | 'cash-out' | 'multi-lender' | 'repayment-habit' | 'exposure'

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
  /** Days of the stream's history below which the value is missing. */
  readonly minimum_history_days: number
  /** When the value is missing, apart from too little history. */
  readonly missing: string
  readonly source: string
  readonly inputs: readonly Input[]
  /** From the inputs' values, in their order, to the value; NaN is missing. Absent where the only input is the value. */
  readonly compute?: (...values: number[]) => number
}

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
