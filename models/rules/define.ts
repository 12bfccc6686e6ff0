import type { Family, Unit } from '../../features/catalogue/define.ts'
import { type Band, bandAt, bandsFault } from '../bands.ts'
import type { Outcome, Severity } from '../severity.ts'

export type ReasonTemplates = { readonly zh: string; readonly en: string }

/**
 * A threshold rule: one feature, contiguous bands of its value, a reason in both languages. It is data, and a published
 * version never changes: other thresholds are another version, which a golden test holds.
 */
export type Rule = {
  readonly name: string
  readonly version: number
  readonly family: Family
  /** `name@version` of the feature that it reads. */
  readonly feature: string
  readonly unit: Unit
  readonly bands: readonly Band[]
  /** Templates with {value} and {threshold}, which are rendered with their unit. */
  readonly reason: ReasonTemplates
  /** Whose thresholds these are, with the grade of the source where it has one. */
  readonly source: string
}

const NAME = /^[a-z][a-z0-9_]*$/
const FEATURE = /^[a-z][a-z0-9_]*@[1-9]\d*$/

/** Checks and freezes a rule. Throws on a fault: a rule is part of the program. */
export function defineRule(rule: Rule): Rule {
  const fail = (fault: string): never => {
    throw new Error(`rule ${rule.name}@${rule.version} ${fault}`)
  }
  if (!NAME.test(rule.name)) fail('has a name that is not lower snake case')
  if (!Number.isSafeInteger(rule.version) || rule.version < 1) fail('has a version that is not 1 or more')
  if (!FEATURE.test(rule.feature)) fail(`reads ${rule.feature}, which is not name@version`)
  const fault = bandsFault(rule.bands)
  if (fault !== null) fail(fault)
  if (rule.bands.every((band) => band.severity === 'none')) fail('can never fire')
  for (const [language, text] of Object.entries(rule.reason)) {
    for (const hole of ['{value}', '{threshold}']) {
      if (!text.includes(hole)) fail(`has no ${hole} in its reason (${language})`)
    }
  }
  return Object.freeze({ ...rule, bands: Object.freeze(rule.bands.map((band) => Object.freeze({ ...band }))) })
}

/** `name@version`, how a rule is named in rows. */
export function ruleId(rule: { readonly name: string; readonly version: number }): string {
  return `${rule.name}@${rule.version}`
}

/** Bands where high values are bad: none below the first step, each step's severity from its value on. */
export function rising(...steps: readonly (readonly [from: number, severity: Severity])[]): Band[] {
  const bands: Band[] = []
  let lower = Number.NEGATIVE_INFINITY
  let severity: Severity = 'none'
  for (const [from, next] of steps) {
    bands.push({ lower, upper: from, severity })
    lower = from
    severity = next
  }
  bands.push({ lower, upper: Number.POSITIVE_INFINITY, severity })
  return bands
}

/** Bands where low values are bad: each step's severity below its value, the worst first; none from the last one on. */
export function falling(...steps: readonly (readonly [below: number, severity: Severity])[]): Band[] {
  const bands: Band[] = []
  let lower = Number.NEGATIVE_INFINITY
  for (const [below, severity] of steps) {
    bands.push({ lower, upper: below, severity })
    lower = below
  }
  bands.push({ lower, upper: Number.POSITIVE_INFINITY, severity: 'none' })
  return bands
}

/** What a rule says of a value; NaN is a missing one. */
export function outcome(rule: Rule, value: number): Outcome {
  return Number.isNaN(value) ? 'inconclusive' : bandAt(rule.bands, value).severity
}

/** Checks a list of rules against the features there are. Throws on an unknown feature or on two rules of one name@version. */
export function checkRules(rules: readonly Rule[], knownFeatures: ReadonlySet<string>): void {
  const seen = new Set<string>()
  for (const rule of rules) {
    const id = ruleId(rule)
    if (seen.has(id)) throw new Error(`rule ${id} is listed twice`)
    seen.add(id)
    if (!knownFeatures.has(rule.feature))
      throw new Error(`rule ${id} reads ${rule.feature}, which is not in the catalogue`)
  }
}
