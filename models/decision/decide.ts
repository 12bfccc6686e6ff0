import type { CompiledRules } from '../rules/compile.ts'
import { INCONCLUSIVE, NONE, RED, severityOf, YELLOW } from '../severity.ts'
import { type FeedEventType, feedEventId, type Trigger } from './identity.ts'
import type { SignalRow, WarningRow } from './rows.ts'
import { bandInForce, type DecisionModel, finiteOrNull, type Slot, slotsOf, warningSignal } from './slots.ts'
import {
  createDecisionFold,
  createDecisionState,
  type DecisionFold,
  type DecisionState,
  isAlarmed,
  NOT_QUIET,
} from './state.ts'

/** The decision that this file makes; another way of deciding is another version. */
export const DECISION = 'warning_by_borrower@1'
/** Closed days without a signal at yellow or worse after which a tick clears the warning. */
export const QUIET_DAYS = 7
/** Families at yellow or worse from which on the severity is raised by one: groups of signals validate one another. */
export const FAMILIES_TO_RAISE = 3

/** One evaluation of one borrower. The caller may use one object again and again. */
export type Evaluation = {
  tenant: string
  borrower: string
  /** As-of time T, UTC milliseconds. */
  time: number
  /** Business day (days since 1970-01-01) of T in the tenant's zone. */
  businessDay: number
  trigger: Trigger
  /** Whether a closed day made this evaluation. Only then can a warning be cleared. */
  tick: boolean
  /** One code per rule, as `evaluate` writes them. */
  outcomes: Uint8Array
  /** Feature values, and where the borrower's row begins in them. */
  matrix: Float64Array
  base: number
  /** The model's score; NaN where it was not scored. */
  score: number
  /** Code of the score's band; INCONCLUSIVE where it was not scored. */
  band: number
  /** ISO 4217 code in which amounts are put into words. */
  currency: string
}

/** Where output rows go, in the order in which they are made. */
export type Emit = { signal(row: SignalRow): void; warning(row: WarningRow): void }

export type Decision = {
  readonly id: string
  readonly slots: readonly Slot[]
  createState(): DecisionState
  /** Makes the state again from the rows that were emitted. */
  readonly fold: DecisionFold
  /** Updates the state and emits what changed. Allocates nothing where nothing does. */
  decide(state: DecisionState, evaluation: Evaluation, emit: Emit): void
}

/**
 * Joins the signals of rules and model into one warning per borrower.
 *
 * - Each slot has the last outcome that was not inconclusive; a change of it is a `signals` row.
 * - Severity is the worst active signal's. Where three or more families (the model is one) are active at yellow or worse
 *   it is one worse, red at most. Below yellow there is no severity: blue signals alone open nothing.
 * - A warning opens when there is a severity, escalates when that exceeds its highest so far, and is cleared by the tick
 *   of the seventh closed day in a row on which no signal at yellow or worse was active at any moment. If the last one
 *   went off on day q, the days counted are q + 1 to q + 7: the tick of q + 7 clears it.
 */
export function createDecision(compiled: CompiledRules, model: DecisionModel | null): Decision {
  const slots = slotsOf(compiled, model)
  const ruleCount = compiled.rules.length
  const familyBit = familyBits(slots)

  function valueOf(slot: Slot, evaluation: Evaluation): number {
    return slot.column < 0 ? evaluation.score : (evaluation.matrix[evaluation.base + slot.column] as number)
  }

  function outcomeOf(index: number, evaluation: Evaluation): number {
    return index < ruleCount ? (evaluation.outcomes[index] as number) : evaluation.band
  }

  function hasChange(last: Uint8Array, evaluation: Evaluation): boolean {
    for (let index = 0; index < last.length; index++) {
      const code = outcomeOf(index, evaluation)
      if (code !== last[index] && code !== INCONCLUSIVE) return true
    }
    return false
  }

  function applyChanges(state: DecisionState, evaluation: Evaluation, emit: Emit): void {
    let seq = 0
    for (let index = 0; index < slots.length; index++) {
      const code = outcomeOf(index, evaluation)
      const previous = state.outcomes[index] as number
      if (code === previous || code === INCONCLUSIVE) continue
      state.outcomes[index] = code
      emit.signal(
        signalRow(slots[index] as Slot, valueOf(slots[index] as Slot, evaluation), code, previous, seq, evaluation),
      )
      seq++
    }
  }

  /** Severity code of the active signals together; NONE below yellow. */
  function severityNow(outcomes: Uint8Array): number {
    let worst = NONE
    let families = 0
    for (let index = 0; index < outcomes.length; index++) {
      const code = outcomes[index] as number
      if (code < YELLOW) continue
      if (code > worst) worst = code
      families |= familyBit[index] as number
    }
    return worst < RED && bitCount(families) >= FAMILIES_TO_RAISE ? worst + 1 : worst
  }

  function activeSignals(state: DecisionState, evaluation: Evaluation): string {
    const active = slots
      .map((slot, index) => ({ slot, code: state.outcomes[index] as number }))
      .filter((one) => one.code > NONE)
      .sort((a, b) => b.code - a.code || (a.slot.signal < b.slot.signal ? -1 : 1))
    return JSON.stringify(
      active.map(({ slot, code }) => warningSignal(slot, valueOf(slot, evaluation), code, evaluation.currency)),
    )
  }

  function feedEvent(
    state: DecisionState,
    evaluation: Evaluation,
    type: FeedEventType,
    id: string,
    warningId: string,
    severity: number,
  ): WarningRow {
    const { trigger } = evaluation
    return {
      tenant: evaluation.tenant,
      seq: 0,
      id,
      warning_id: warningId,
      type,
      severity: severityOf(severity),
      borrower: evaluation.borrower,
      loan: '',
      time: evaluation.time,
      decision: DECISION,
      model: model === null ? '' : model.id,
      score: finiteOrNull(evaluation.score),
      trigger_source: 'date' in trigger ? '' : trigger.source,
      trigger_id: 'date' in trigger ? '' : trigger.id,
      trigger_date: 'date' in trigger ? trigger.date : '',
      signals: activeSignals(state, evaluation),
    }
  }

  function decide(state: DecisionState, evaluation: Evaluation, emit: Emit): void {
    const changed = hasChange(state.outcomes, evaluation)
    const clearing = evaluation.tick && isClearingDue(state, evaluation.businessDay)
    if (!changed && !clearing) return

    if (changed) applyChanges(state, evaluation, emit)
    const severity = severityNow(state.outcomes)
    const { warning } = state
    const idOf = (type: FeedEventType) =>
      feedEventId(evaluation.tenant, evaluation.borrower, '', type, DECISION, evaluation.trigger)

    if (warning === null) {
      if (severity < YELLOW) return
      const id = idOf('opened')
      state.warning = { warning_id: id, severity, opened_at: evaluation.time }
      emit.warning(feedEvent(state, evaluation, 'opened', id, id, severity))
      return
    }
    if (severity > warning.severity) {
      warning.severity = severity
      emit.warning(feedEvent(state, evaluation, 'escalated', idOf('escalated'), warning.warning_id, severity))
    }
    if (isAlarmed(state.outcomes)) state.quiet_since = NOT_QUIET
    else if (state.quiet_since === NOT_QUIET) state.quiet_since = evaluation.businessDay
    else if (evaluation.tick && isClearingDue(state, evaluation.businessDay)) {
      emit.warning(feedEvent(state, evaluation, 'cleared', idOf('cleared'), warning.warning_id, warning.severity))
      state.warning = null
      state.quiet_since = NOT_QUIET
    }
  }

  return {
    id: DECISION,
    slots,
    createState: () => createDecisionState(slots),
    fold: createDecisionFold(slots),
    decide,
  }
}

function isClearingDue(state: DecisionState, businessDay: number): boolean {
  return state.warning !== null && state.quiet_since !== NOT_QUIET && businessDay - state.quiet_since >= QUIET_DAYS
}

function signalRow(
  slot: Slot,
  value: number,
  code: number,
  previous: number,
  seq: number,
  evaluation: Evaluation,
): SignalRow {
  const band = bandInForce(slot, value, code)
  return {
    tenant: evaluation.tenant,
    seq,
    borrower: evaluation.borrower,
    loan: '',
    time: evaluation.time,
    signal: slot.signal,
    family: slot.family,
    severity: severityOf(code),
    previous_severity: severityOf(previous),
    feature: slot.feature,
    value: finiteOrNull(value),
    lower: finiteOrNull(band.lower),
    upper: finiteOrNull(band.upper),
  }
}

/** One bit per family, so that distinct families are counted without a set. */
function familyBits(slots: readonly Slot[]): Int32Array {
  const families = [...new Set(slots.map((slot) => slot.family))]
  return Int32Array.from(slots, (slot) => 1 << families.indexOf(slot.family))
}

function bitCount(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++
  return count
}
