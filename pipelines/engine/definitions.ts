import { createHash } from 'node:crypto'
import { type FeatureDefinition, featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { PublishedDefinitions } from '../../features/events/contract.ts'
import { bandCode } from '../../models/bands.ts'
import { createDecision, DECISION, type Decision } from '../../models/decision/decide.ts'
import type { Model } from '../../models/model.ts'
import { compileRules, type EvaluateRules } from '../../models/rules/compile.ts'
import { ruleId } from '../../models/rules/define.ts'
import { RULES } from '../../models/rules/index.ts'
import { createScorer, type Scorer } from '../../models/scorer.ts'

/** Definitions in force, resolved to what computes them. */
export type Definitions = {
  readonly published: PublishedDefinitions
  readonly ruleCount: number
  readonly evaluateRules: EvaluateRules
  readonly decision: Decision
  /** `name@version` of the model, '' without one. */
  readonly model: string
  readonly scorer: Scorer | null
  bandOf(score: number): number
  /** Columns of the catalogue that are not in force, null where all are. */
  readonly withheld: Int32Array | null
}

/** Raised with every change of how state is kept or computed, so that an older checkpoint is not taken up. */
const STATE_VERSION = 5

export const FEATURE_IDS: readonly string[] = CATALOGUE.map(featureId)

type Catalogue = readonly FeatureDefinition[]

/** What this release publishes: all features, all rules, the newest decision, and a model if there is one. */
export function currentDefinitions(model: Model | null, catalogue: Catalogue = CATALOGUE): PublishedDefinitions {
  const features = catalogue.map(featureId)
  return { decision: DECISION, features, model: model?.id ?? null, rules: RULES.map(ruleId) }
}

/**
 * Resolves names that the log put in force. Fails, with what to do, on one that this release does not carry: a published
 * version is never dropped while a log needs it.
 */
export function resolveDefinitions(
  published: PublishedDefinitions,
  models: readonly Model[],
  catalogue: Catalogue = CATALOGUE,
): { readonly ok: true; readonly definitions: Definitions } | { readonly ok: false; readonly detail: string } {
  const ids = catalogue.map(featureId)
  const missing = published.features.filter((id) => !ids.includes(id)).map((id) => `feature ${id}`)
  const rules = published.rules.flatMap((id) => {
    const rule = RULES.find((one) => ruleId(one) === id)
    if (rule === undefined) missing.push(`rule ${id}`)
    return rule === undefined ? [] : [rule]
  })
  const model = published.model === null ? null : (models.find((one) => one.id === published.model) ?? null)
  if (published.model !== null && model === null) missing.push(`model ${published.model}`)
  if (published.decision !== DECISION) missing.push(`decision ${published.decision}`)
  if (missing.length > 0) return { ok: false, detail: describeMissing(missing) }
  const compiled = compileRules(rules, ids)
  const withheld = withheldColumns(catalogue, published)
  const definitions: Definitions = {
    published,
    ruleCount: rules.length,
    evaluateRules: compiled.evaluate,
    decision: createDecision(compiled, model),
    model: model?.id ?? '',
    scorer: model === null ? null : createScorer(model, ids),
    bandOf: (score) => (model === null ? 0 : bandCode(model.bands, score)),
    withheld: withheld.length === 0 ? null : withheld,
  }
  return { ok: true, definitions }
}

/** The log uses definitions that this release does not have; the message says what to do. */
export class UnknownDefinitions extends Error {}

/** Resolves definitions with these models and this catalogue; throws `UnknownDefinitions`. */
export function createResolve(models: readonly Model[], catalogue: Catalogue = CATALOGUE) {
  return (published: PublishedDefinitions): Definitions => {
    const resolved = resolveDefinitions(published, models, catalogue)
    if (!resolved.ok) throw new UnknownDefinitions(resolved.detail)
    return resolved.definitions
  }
}

/** What to do about definitions that the log names and this release lacks. */
export function describeMissing(missing: readonly string[]): string {
  return `the log uses definitions that this release does not have: ${missing.join(', ')}; run the release that published them`
}

/** Columns of the catalogue's entries that are not among the published ones. */
export function withheldColumns(catalogue: Catalogue, published: { readonly features: readonly string[] }): Int32Array {
  const inForce = new Set(published.features)
  return Int32Array.from(catalogue.flatMap((entry, column) => (inForce.has(featureId(entry)) ? [] : [column])))
}

/** Identity of the catalogue whose state a checkpoint holds: entries, versions and formulas. */
export function currentIdentity(catalogue: Catalogue = CATALOGUE): string {
  const entries = catalogue.map((entry) => [featureId(entry), entry.formula.en])
  return createHash('sha256')
    .update(JSON.stringify([STATE_VERSION, entries]))
    .digest('hex')
}
