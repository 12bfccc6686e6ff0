import { z } from 'zod'
import { SEVERITIES as ALL_SEVERITIES, type Severity } from '../models/severity.ts'

/**
 * What the API answers with: feed rows and borrower views, as schemas. Instants are ISO 8601 in UTC with milliseconds,
 * always 24 characters, so that they sort as text.
 */

/** What a filter can ask for. */
export const SEVERITIES = ['blue', 'yellow', 'orange', 'red'] as const satisfies readonly Severity[]
export const WARNING_TYPES = ['opened', 'escalated', 'cleared'] as const

const severity = z.enum(ALL_SEVERITIES)
const instant = z.string().meta({ format: 'date-time' }).describe('UTC, ISO 8601 with milliseconds')
const value = z.number().nullable().describe('null when it is missing or has no bound')

const feedSignal = z.object({
  signal: z.string().describe('rule or model band, name@version'),
  family: z.string(),
  severity,
  feature: z.string().describe('name@version'),
  value,
  lower: value,
  upper: value,
  reason_zh: z.string(),
  reason_en: z.string(),
})

/** One row of the table `warnings`, which is one event of the feed; `signals` is parsed. */
export const feedRow = z
  .object({
    tenant: z.string(),
    partition: z.int().min(0),
    feed_seq: z.int().min(1).describe('consecutive per tenant and partition, from 1'),
    id: z.string().describe('of this feed event: the same however often it is read or computed again'),
    warning_id: z.string().describe('of the episode: shared by its opened, escalated and cleared events'),
    type: z.enum(WARNING_TYPES),
    severity,
    borrower: z.string(),
    loan: z.string().describe('empty when the warning is of the borrower'),
    time: instant,
    offset: z.int().min(0),
    seq: z.int().min(0),
    decision: z.string().describe('name@version'),
    model: z.string().describe('name@version, empty without a model'),
    score: z.number().nullable(),
    trigger_source: z.string(),
    trigger_id: z.string(),
    trigger_date: z.string().describe('the closed day when a tick triggered it, else empty'),
    signals: z.array(feedSignal).describe('the values that made it, with their thresholds'),
  })
  .meta({ id: 'Warning' })
export type FeedRow = z.output<typeof feedRow>

/** What is known of one borrower after its last evaluation. */
export const borrowerView = z
  .object({
    borrower: z.string(),
    evaluated_at: instant.describe('the time T that the features were evaluated at'),
    features: z.record(z.string(), z.number().nullable()).describe('name → value, null where it is missing'),
    score: z
      .object({ model: z.string().describe('name@version'), score: z.number(), band: z.string() })
      .nullable()
      .describe('null before the first score'),
    warnings: z.array(feedRow).describe('of each open warning its latest feed row'),
  })
  .meta({ id: 'Borrower' })
export type BorrowerView = z.output<typeof borrowerView>
