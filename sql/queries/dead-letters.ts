import { quoteString } from '../client.ts'

/**
 * Dead letters with what came of sending them again, as statements for whatever can read: this process, the one that
 * holds the directory, or a server.
 */

export type DeadLetterFilter = {
  readonly tenant?: string | undefined
  readonly reason?: string | undefined
  readonly step?: string | undefined
  /** Type of the event. */
  readonly type?: string | undefined
  /** Recorded at or after, and before, these instants (UTC ms). */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** What the source partition begins with. */
  readonly source?: string | undefined
  readonly ids?: readonly string[] | undefined
  /** Those alone that nothing has come of yet. */
  readonly open?: boolean | undefined
}

/** Outcomes of sending a dead letter again. `refused` with a new place: the engine refused it there, where it has a dead letter of its own. `sent`: a cluster's log has it, and no worker had come to it. */
export const REDRIVE_OUTCOMES = ['accepted', 'repeat', 'refused', 'lost', 'sent'] as const
export type RedriveOutcome = (typeof REDRIVE_OUTCOMES)[number]

/** One dead letter, and its last attempt to be sent again. */
export type DeadLetter = {
  /** Hash of its key: 16 hexadecimal digits. */
  readonly id: string
  readonly tenant: string
  readonly source_partition: string
  readonly source_position: number
  readonly item: number
  readonly step: string
  readonly reason: string
  readonly detail: string
  readonly event_id: string
  readonly event_type: string
  readonly borrower: string
  readonly partition: number | null
  readonly offset: number | null
  readonly recorded_at: string
  readonly attempts: number
  /** '' before the first attempt. */
  readonly outcome: RedriveOutcome | ''
  readonly outcome_detail: string
  readonly new_partition: number | null
  readonly new_offset: number | null
}

/** What `deadletters list` calls a dead letter. */
export const DEAD_LETTER_ID = /^[0-9a-f]{16}$/

const KEY = ['tenant', 'source_partition', 'toString(source_position)', 'toString(item)', 'step']
const ID = `leftPad(lower(hex(sipHash64(concat(${KEY.join(", '\\0', ")})))), 16, '0')`
/** Nothing was done about it, or what was done left it where it is. */
const IS_OPEN = "(outcome IN ('', 'lost') OR (outcome = 'refused' AND new_offset IS NULL))"

const NO_REDRIVES =
  "(SELECT '' AS tenant, '' AS dead_letter, 0 AS attempts, '' AS outcome, '' AS outcome_detail, " +
  "CAST(NULL, 'Nullable(UInt16)') AS new_partition, CAST(NULL, 'Nullable(UInt64)') AS new_offset WHERE 0)"
const LAST_REDRIVES = `(SELECT tenant, dead_letter, max(attempt) AS attempts, argMax(outcome, attempt) AS outcome,
    argMax(detail, attempt) AS outcome_detail,
    tupleElement(argMax(tuple(partition), attempt), 1) AS new_partition,
    tupleElement(argMax(tuple(offset), attempt), 1) AS new_offset
  FROM redrives GROUP BY tenant, dead_letter)`

/** Whether somebody has sent anything again since there is such a thing: a directory of a release before has no table for it. */
export const HAS_REDRIVES =
  "SELECT count() AS n FROM system.tables WHERE database = currentDatabase() AND name = 'redrives'"

/** Those that match, in the order in which they were refused. */
export function deadLettersStatement(filter: DeadLetterFilter, limit: number, hasRedrives = true): string {
  return `SELECT id, tenant, source_partition, source_position, item, step, reason, detail, event_id, event_type, borrower,
    partition, offset, formatDateTime(recorded_at, '%Y-%m-%dT%H:%i:%S.', 'UTC') || leftPad(toString(toUnixTimestamp64Milli(recorded_at) % 1000), 3, '0') || 'Z' AS recorded_at,
    attempts, outcome, outcome_detail, new_partition, new_offset
  FROM ${matching(filter, hasRedrives)}
  ORDER BY matching.recorded_at, partition, offset, source_partition, source_position, item, tenant, step
  LIMIT ${limit}`
}

/** How many match, by step and reason, the most first. */
export function deadLetterCountsStatement(filter: DeadLetterFilter, hasRedrives = true): string {
  return `SELECT step, reason, count() AS count, countIf(${IS_OPEN}) AS open
  FROM ${matching(filter, hasRedrives)}
  GROUP BY step, reason ORDER BY count DESC, step, reason`
}

function matching(filter: DeadLetterFilter, hasRedrives: boolean): string {
  return `(SELECT * FROM
    (SELECT *, ${ID} AS id FROM dead_letters WHERE ${conditionsOf(filter).join(' AND ')}) AS letters
    GLOBAL LEFT JOIN ${hasRedrives ? LAST_REDRIVES : NO_REDRIVES} AS last
      ON letters.tenant = last.tenant AND letters.id = last.dead_letter
    WHERE ${filter.open === true ? IS_OPEN : '1'}) AS matching`
}

function conditionsOf(filter: DeadLetterFilter): string[] {
  const { tenant, reason, step, type, since, until, source, ids } = filter
  return [
    '1',
    ...(tenant === undefined ? [] : [`tenant = ${quoteString(tenant)}`]),
    ...(reason === undefined ? [] : [`reason = ${quoteString(reason)}`]),
    ...(step === undefined ? [] : [`step = ${quoteString(step)}`]),
    ...(type === undefined ? [] : [`event_type = ${quoteString(type)}`]),
    ...(since === undefined ? [] : [`recorded_at >= fromUnixTimestamp64Milli(${since})`]),
    ...(until === undefined ? [] : [`recorded_at < fromUnixTimestamp64Milli(${until})`]),
    ...(source === undefined ? [] : [`startsWith(source_partition, ${quoteString(source)})`]),
    ...(ids === undefined ? [] : [`${ID} IN (${["''", ...ids.map(quoteString)].join(', ')})`]),
  ]
}
