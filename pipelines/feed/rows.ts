import type { WarningSignal } from '../../models/decision/rows.ts'
import type { StoredFeedRow } from '../../sql/queries/feed.ts'

/** A feed row as outsiders get it. */
export type OutsideFeedRow = Omit<StoredFeedRow, 'time' | 'signals'> & {
  /** UTC, ISO 8601 with milliseconds. */
  readonly time: string
  readonly signals: WarningSignal[]
}

/** Rows that stay in memory are asked for again and again; each is converted once. */
const converted = new WeakMap<StoredFeedRow, OutsideFeedRow>()

/** A feed row as outsiders get it, by HTTP and on the command line: instants as ISO 8601, `signals` parsed. */
export function toApiRow(row: StoredFeedRow): OutsideFeedRow {
  let answer = converted.get(row)
  if (answer === undefined) {
    answer = convert(row)
    converted.set(row, answer)
  }
  return answer
}

function convert(row: StoredFeedRow): OutsideFeedRow {
  return {
    tenant: row.tenant,
    partition: row.partition,
    feed_seq: row.feed_seq,
    id: row.id,
    warning_id: row.warning_id,
    type: row.type,
    severity: row.severity,
    borrower: row.borrower,
    loan: row.loan,
    time: new Date(row.time).toISOString(),
    offset: row.offset,
    seq: row.seq,
    decision: row.decision,
    model: row.model,
    score: row.score,
    trigger_source: row.trigger_source,
    trigger_id: row.trigger_id,
    trigger_date: row.trigger_date,
    signals: JSON.parse(row.signals) as WarningSignal[],
  }
}
