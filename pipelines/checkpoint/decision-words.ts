import type { WordBuffer } from '../../features/state/words.ts'
import type { DecisionState } from '../../models/decision/state.ts'

const NUMBERS_MAX = 8

/** What was decided of one borrower, as words. */
export function writeDecision(state: DecisionState | undefined, to: WordBuffer): void {
  to.reserve(NUMBERS_MAX)
  to.put(state === undefined ? 0 : 1)
  if (state === undefined) return
  to.putDouble(state.quiet_since)
  to.putBytes(state.outcomes)
  to.putText(state.warning?.warning_id ?? '', 'utf8')
  if (state.warning === null) return
  to.reserve(NUMBERS_MAX)
  to.put(state.warning.severity)
  to.putDouble(state.warning.opened_at)
}

export function readDecision(from: WordBuffer): DecisionState | undefined {
  if (from.get() === 0) return undefined
  const quiet_since = from.getDouble()
  const outcomes = from.getBytes()
  const warning_id = from.getText('utf8')
  const warning = warning_id === '' ? null : { warning_id, severity: from.get(), opened_at: from.getDouble() }
  return { outcomes, quiet_since, warning }
}
