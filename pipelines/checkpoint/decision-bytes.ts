import type { ByteReader, ByteWriter } from '../../features/state/bytes.ts'
import type { DecisionState } from '../../models/decision/state.ts'

/** What was decided of one borrower, as bytes. */
export function writeDecision(state: DecisionState | undefined, writer: ByteWriter): void {
  writer.u8(state === undefined ? 0 : 1)
  if (state === undefined) return
  writer.bytes(state.outcomes)
  writer.f64(state.quiet_since)
  writer.string(state.warning?.warning_id ?? '')
  if (state.warning === null) return
  writer.u8(state.warning.severity)
  writer.f64(state.warning.opened_at)
}

export function readDecision(reader: ByteReader): DecisionState | undefined {
  if (reader.u8() === 0) return undefined
  const outcomes = reader.bytes()
  const quiet_since = reader.f64()
  const warning_id = reader.string()
  const warning = warning_id === '' ? null : { warning_id, severity: reader.u8(), opened_at: reader.f64() }
  return { outcomes, quiet_since, warning }
}
