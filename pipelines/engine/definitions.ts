import { createHash } from 'node:crypto'
import { featureId } from '../../features/catalogue/define.ts'
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
}

/** Raised with every change of how state is kept or computed, so that an older checkpoint is not taken up. */
const STATE_VERSION = 3

export const FEATURE_IDS: readonly string[] = CATALOGUE.map(featureId)

/** What this release publishes: all features, all rules, the newest decision, and a model if there is one. */
export function currentDefinitions(model: Model | null): PublishedDefinitions {
  return { decision: DECISION, features: [...FEATURE_IDS], model: model?.id ?? null, rules: RULES.map(ruleId) }
}

/**
 * Resolves names that the log put in force. Fails, with what to do, on one that this release does not carry: a published
 * version is never dropped while a log needs it.
 */
export function resolveDefinitions(
  published: PublishedDefinitions,
  models: readonly Model[],
): { readonly ok: true; readonly definitions: Definitions } | { readonly ok: false; readonly detail: string } {
  const missing: string[] = []
  const rules = published.rules.flatMap((id) => {
    const rule = RULES.find((one) => ruleId(one) === id)
    if (rule === undefined) missing.push(`rule ${id}`)
    return rule === undefined ? [] : [rule]
  })
  const model = published.model === null ? null : (models.find((one) => one.id === published.model) ?? null)
  if (published.model !== null && model === null) missing.push(`model ${published.model}`)
  if (published.decision !== DECISION) missing.push(`decision ${published.decision}`)
  if (missing.length > 0) {
    const detail = `the log uses definitions that this release does not have: ${missing.join(', ')}; run the release that published them`
    return { ok: false, detail }
  }
  const compiled = compileRules(rules, FEATURE_IDS)
  const definitions: Definitions = {
    published,
    ruleCount: rules.length,
    evaluateRules: compiled.evaluate,
    decision: createDecision(compiled, model),
    model: model?.id ?? '',
    scorer: model === null ? null : createScorer(model, FEATURE_IDS),
    bandOf: (score) => (model === null ? 0 : bandCode(model.bands, score)),
  }
  return { ok: true, definitions }
}

/** Identity of the catalogue whose state a checkpoint holds: entries, versions and formulas. */
export function currentIdentity(): string {
  const entries = CATALOGUE.map((entry) => [featureId(entry), entry.formula.en])
  return createHash('sha256')
    .update(JSON.stringify([STATE_VERSION, entries]))
    .digest('hex')
}
