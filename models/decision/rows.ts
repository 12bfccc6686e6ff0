import type { Severity } from '../severity.ts'
import type { FeedEventType } from './identity.ts'

/** One change of one signal: a row of `signals` without its place, which the caller adds. */
export type SignalRow = {
  tenant: string
  /** Counts the rows of one evaluation from 0. */
  seq: number
  borrower: string
  loan: string
  /** As-of time T of the evaluation, UTC milliseconds. */
  time: number
  /** `name@version` of the rule or model. */
  signal: string
  family: string
  /** `none` when the signal went off. */
  severity: Severity
  previous_severity: Severity
  /** `name@version` of the feature, or `score`. */
  feature: string
  value: number | null
  /** Bounds of the band that holds the value; null is open. */
  lower: number | null
  upper: number | null
}

/** One feed event: a row of `warnings` without its place and `feed_seq`, which the caller adds. */
export type WarningRow = {
  tenant: string
  /** One evaluation makes one feed event at most, so this is 0. */
  seq: number
  id: string
  /** Id of the event that opened the episode. */
  warning_id: string
  type: FeedEventType
  /** Opened and escalated: the severity reached. Cleared: the highest that the episode had. */
  severity: Severity
  borrower: string
  loan: string
  time: number
  /** `name@version` of the decision. */
  decision: string
  /** `name@version` of the model, '' without one. */
  model: string
  score: number | null
  trigger_source: string
  trigger_id: string
  /** `YYYY-MM-DD` of the tick, '' where an event was the trigger. */
  trigger_date: string
  /** JSON array of `WarningSignal`: all active signals, the worst first, then by name. */
  signals: string
}

/** One active signal as a warning carries it; a null value has gone missing since the signal fired. */
export type WarningSignal = {
  signal: string
  family: string
  severity: Severity
  feature: string
  value: number | null
  lower: number | null
  upper: number | null
  reason_zh: string
  reason_en: string
}
