import { NONE, severityCode, YELLOW } from '../severity.ts'
import type { SignalRow, WarningRow } from './rows.ts'
import type { Slot } from './slots.ts'

/** No quiet time runs: a signal at yellow or worse is active, or no warning is open. */
export const NOT_QUIET = -1

export type OpenWarning = {
  warning_id: string
  /** Code of the highest severity so far. */
  severity: number
  /** As-of time of the opening, UTC milliseconds. */
  opened_at: number
}

/** What the decision remembers of a borrower. It is a fold of the output rows, so that rebuilding never scores. */
export type DecisionState = {
  /** Per slot (rules in order, then the model) the code of the last outcome that was not inconclusive. */
  readonly outcomes: Uint8Array
  warning: OpenWarning | null
  /** Business day on which the last signal at yellow or worse went off while a warning is open, else NOT_QUIET. */
  quiet_since: number
}

export function createDecisionState(slots: readonly Slot[]): DecisionState {
  return { outcomes: new Uint8Array(slots.length), warning: null, quiet_since: NOT_QUIET }
}

/** Whether any signal at yellow or worse is active. */
export function isAlarmed(outcomes: Uint8Array): boolean {
  for (let slot = 0; slot < outcomes.length; slot++) if ((outcomes[slot] as number) >= YELLOW) return true
  return false
}

/** Whether nothing is to be remembered: no signal is active and no warning open. */
export function isBlank({ outcomes, warning, quiet_since }: DecisionState): boolean {
  return warning === null && quiet_since === NOT_QUIET && outcomes.every((code) => code === NONE)
}

export type SignalChange = Pick<SignalRow, 'signal' | 'severity' | 'time'>
export type FeedChange = Pick<WarningRow, 'type' | 'warning_id' | 'severity' | 'time'>

/**
 * Brings the state of one borrower on by output rows, in the order of their places (partition's offset, then seq). Signals and
 * feed events of a stretch of the log may be given one after the other; `settle` ends the stretch, at the end of an
 * evaluation, and only then does the state say what was decided. Signals that are no longer among the slots are left out: a
 * decision with other rules starts without them.
 */
export type DecisionFold = {
  /** `dayOf` gives the business day of a row's time in the tenant's zone, as it was at that row. */
  signal(state: DecisionState, row: SignalChange, dayOf: (time: number) => number): void
  warning(state: DecisionState, row: FeedChange): void
  settle(state: DecisionState): void
}

export function createDecisionFold(slots: readonly Slot[]): DecisionFold {
  const slotOf = new Map(slots.map((slot, index) => [slot.signal, index]))
  return {
    signal(state, row, dayOf) {
      const index = slotOf.get(row.signal)
      if (index === undefined) return
      state.outcomes[index] = severityCode(row.severity)
      // Inside one evaluation this may pass through a quiet moment; the later rows of the same evaluation end it again.
      if (isAlarmed(state.outcomes)) state.quiet_since = NOT_QUIET
      else if (state.quiet_since === NOT_QUIET) state.quiet_since = dayOf(row.time)
    },
    warning(state, row) {
      if (row.type === 'cleared') state.warning = null
      else if (row.type === 'opened') {
        state.warning = { warning_id: row.warning_id, severity: severityCode(row.severity), opened_at: row.time }
      } else if (state.warning !== null) state.warning.severity = severityCode(row.severity)
    },
    settle(state) {
      // A warning opens with a signal that ends any quiet time, so what was counted without one is not missed.
      if (state.warning === null) state.quiet_since = NOT_QUIET
    },
  }
}
