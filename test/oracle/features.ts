import type { TenantConfiguration } from '../../features/events/contract.ts'
import { BALANCE_FEATURES } from './balance.ts'
import { MULTI_LENDER_FEATURES } from './bureau.ts'
import { CASH_FLOW_FEATURES } from './cashflow.ts'
import { CASH_OUT_FEATURES } from './cashout.ts'
import { ENVIRONMENT_FEATURES } from './environment.ts'
import { EXPOSURE_FEATURES } from './exposure.ts'
import type { FeatureValues, History, Received } from './history.ts'
import { INCOME_FEATURES } from './income.ts'
import { PROCEEDS_FEATURES } from './proceeds.ts'
import { receive } from './reception.ts'
import { REPAYMENT_FEATURES } from './repayment.ts'
import { REPAYMENT_MONEY_FEATURES } from './repayment-money.ts'
import { STATEMENT_FEATURES } from './statements.ts'
import { type Feature, viewOf } from './view.ts'

/**
 * The slow, obvious oracle: every feature of the catalogue, version 1, computed anew from the plain list of events at
 * every evaluation. It shares no code with the engine but the event types.
 */

const FEATURES: Record<string, Feature> = {
  ...CASH_FLOW_FEATURES,
  ...INCOME_FEATURES,
  ...BALANCE_FEATURES,
  ...CASH_OUT_FEATURES,
  ...PROCEEDS_FEATURES,
  ...REPAYMENT_MONEY_FEATURES,
  ...MULTI_LENDER_FEATURES,
  ...REPAYMENT_FEATURES,
  ...EXPOSURE_FEATURES,
  ...ENVIRONMENT_FEATURES,
  ...STATEMENT_FEATURES,
}

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
  const values: FeatureValues = {}
  for (const name of ORACLE_FEATURE_NAMES) values[name] = FEATURES[name]!(view)
  return values
}
