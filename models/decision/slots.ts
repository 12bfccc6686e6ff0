import { type Band, bandAt, bandOfSeverity } from '../bands.ts'
import type { CompiledRules } from '../rules/compile.ts'
import { type ReasonTemplates, ruleId } from '../rules/define.ts'
import { type ReasonUnit, renderReason } from '../rules/reason.ts'
import { severityCode, severityOf } from '../severity.ts'
import type { WarningSignal } from './rows.ts'

/** The model as a decision sees it; a loaded model is one. */
export type DecisionModel = { readonly id: string; readonly bands: readonly Band[] }

/** One thing that can fire: a rule, or in the last slot the model. */
export type Slot = {
  /** `name@version`. */
  readonly signal: string
  readonly family: string
  readonly feature: string
  readonly unit: ReasonUnit
  readonly bands: readonly Band[]
  readonly reason: ReasonTemplates
  /** Column of its feature, counted from the row's base; -1 reads the score. */
  readonly column: number
}

const MODEL_REASON: ReasonTemplates = {
  zh: '模型评分 {value}，达到 {threshold}',
  en: 'model score {value}, threshold {threshold}',
}

/** The slots of a decision: the rules in their order, then the model if there is one. */
export function slotsOf(compiled: CompiledRules, model: DecisionModel | null): readonly Slot[] {
  const rules = compiled.rules.map((rule, index) => ({
    signal: ruleId(rule),
    family: rule.family,
    feature: rule.feature,
    unit: rule.unit,
    bands: rule.bands,
    reason: rule.reason,
    column: compiled.columns[index] as number,
  }))
  if (model === null) return rules
  const modelSlot: Slot = {
    signal: model.id,
    family: 'model',
    feature: 'score',
    unit: 'probability',
    bands: model.bands,
    reason: MODEL_REASON,
    column: -1,
  }
  return [...rules, modelSlot]
}

/** The band that a slot is in: the value's, or where the value is missing by now one of the severity that stands. */
export function bandInForce(slot: Slot, value: number, code: number): Band {
  if (!Number.isNaN(value)) {
    const band = bandAt(slot.bands, value)
    if (severityCode(band.severity) !== code)
      throw new Error(`${slot.signal} is ${code}, but its value ${value} is not`)
    return band
  }
  return bandOfSeverity(slot.bands, code)
}

/** NaN and infinities have no place in JSON or in a nullable column: null. */
export function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

/** An active signal as a warning carries it. */
export function warningSignal(slot: Slot, value: number, code: number, currency: string): WarningSignal {
  const band = bandInForce(slot, value, code)
  const reason = renderReason(slot, value, band, currency)
  return {
    signal: slot.signal,
    family: slot.family,
    severity: severityOf(code),
    feature: slot.feature,
    value: finiteOrNull(value),
    lower: finiteOrNull(band.lower),
    upper: finiteOrNull(band.upper),
    reason_zh: reason.zh,
    reason_en: reason.en,
  }
}
