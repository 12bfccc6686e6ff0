import { createHash } from 'node:crypto'

/** What made an evaluation: the event, or for a tick its date. */
export type Trigger = { readonly source: string; readonly id: string } | { readonly date: string }

export type FeedEventType = 'opened' | 'escalated' | 'cleared'

const ID_HEX_DIGITS = 32

/**
 * Id of a feed event: the first 32 hex digits of the SHA-256 of the canonical JSON of what identifies it. Nothing of it
 * depends on the partition, the offset or a clock, so the same input gives the same id in any installation.
 * `decision` is `name@version`; the trigger is [source, id] of the event, or [date] of the tick.
 */
export function feedEventId(
  tenant: string,
  borrower: string,
  loan: string,
  type: FeedEventType,
  decision: string,
  trigger: Trigger,
): string {
  const cause = 'date' in trigger ? [trigger.date] : [trigger.source, trigger.id]
  const text = JSON.stringify([tenant, borrower, loan, type, decision, cause])
  return createHash('sha256').update(text).digest('hex').slice(0, ID_HEX_DIGITS)
}
