import type { TenantConfiguration } from '../../features/events/contract.ts'
import { MULTI_LENDER_FEATURES } from './bureau.ts'
import { CASH_FLOW_FEATURES } from './cashflow.ts'
import type { FeatureValues, History, Received } from './history.ts'
import { receive } from './reception.ts'
import { REPAYMENT_FEATURES } from './repayment.ts'
import { type Feature, viewOf } from './view.ts'

/**
 * The slow, obvious oracle: every feature of the catalogue, version 1, computed anew from the plain list of events at
 * every evaluation. It shares no code with the engine but the event types.
 */

const FEATURES: Record<string, Feature> = { ...CASH_FLOW_FEATURES, ...MULTI_LENDER_FEATURES, ...REPAYMENT_FEATURES }

/** Names of all features, without version. */
export const ORACLE_FEATURE_NAMES: readonly string[] = Object.keys(FEATURES)

/** One feature row: of an event, or of a tick that found the borrower exposed and not yet evaluated later. */
export type OracleEvaluation = {
  /** Place of the event or tick. */
  readonly offset: number
  /** T, UTC milliseconds. */
  readonly time: number
  /** T less the event's time; 0 for a tick. */
  readonly late_ms: number
  readonly values: FeatureValues
}

/** All evaluations of a history, in log order. */
export function oracleEvaluations(history: History, configuration: TenantConfiguration): OracleEvaluation[] {
  const evaluations: OracleEvaluation[] = []
  for (const { item, evaluated, received } of receive(history, configuration).receptions) {
    if (!evaluated) continue
    evaluations.push({
      offset: item.offset,
      time: received.time,
      late_ms: item.kind === 'tick' ? 0 : received.time - item.event.time,
      values: oracleValues(received, configuration),
    })
  }
  return evaluations
}

/** All feature values of what was received, at its T. */
export function oracleValues(received: Received, configuration: TenantConfiguration): FeatureValues {
  const view = viewOf(received, configuration)
  return Object.fromEntries(Object.entries(FEATURES).map(([name, feature]) => [name, feature(view)]))
}
