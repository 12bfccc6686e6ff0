import { ORACLE_FEATURE_NAMES } from './features.ts'
import type { FeatureValues } from './history.ts'

/** Which values features took over many evaluations, so that agreement on them means something. */

/** These count or add from zero: a borrower who is evaluated has had an event. */
export const NEVER_MISSING: readonly string[] = [
  'litigation_count_365d',
  'litigation_amount_365d',
  'enforcement_count_365d',
  'enforcement_amount_365d',
  'guarantor_default_count_365d',
]
/** More different values than this are not remembered. */
const VALUES_MAX = 3

export type Coverage = {
  note(values: FeatureValues): void
  /** Features with fewer than two values. */
  constant(): string[]
  /** Features that were missing nowhere, though they may be. */
  alwaysPresent(): string[]
  /** Features that are never missing, and were, or took a value that no feature may take: infinite, or negative zero. */
  impossible(): string[]
}

export function newCoverage(): Coverage {
  const seen = ORACLE_FEATURE_NAMES.map((name) => ({ name, values: new Set<number>(), missing: false, odd: false }))
  const names = (isSo: (one: (typeof seen)[number]) => boolean) => seen.filter(isSo).map(({ name }) => name)
  return {
    note(values) {
      for (const one of seen) {
        const value = values[one.name] ?? null
        if (value === null) one.missing = true
        else if (!Number.isFinite(value) || Object.is(value, -0)) one.odd = true
        else if (one.values.size < VALUES_MAX) one.values.add(value)
      }
    },
    constant: () => names(({ values }) => values.size < 2),
    alwaysPresent: () => names(({ name, missing }) => !missing && !NEVER_MISSING.includes(name)),
    impossible: () => names(({ name, missing, odd }) => odd || (missing && NEVER_MISSING.includes(name))),
  }
}
