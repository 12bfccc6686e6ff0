import type { DeadLetterFilter } from '../sql/queries/dead-letters.ts'
import type { KeyStore } from './keys.ts'
import type { BorrowerView, FeedRow } from './rows.ts'

/**
 * What the API needs from the rest of foreshock. The API owns these interfaces; the composition root implements them.
 * A rejected promise is a bug or a broken disk: the caller gets a 500 without details, and `reportError` the error.
 */

/** What became of one posted event. `reason` and `detail` are there when it was refused. */
export type EventResult = {
  /** The event's own id, null where it could not be read. */
  readonly id: string | null
  readonly status: 'accepted' | 'repeat' | 'refused'
  readonly reason?: string
  readonly detail?: string
}

export type Feed = {
  /** Number of log partitions; fixed with the log. */
  readonly partitions: number
  /**
   * For each partition, in order, the contiguous run of the tenant's rows with `feed_seq` after `after[partition]`
   * (0: from the first), at most `limit` rows each, stopping at a hole. Shorter than `limit` means: no more for now.
   */
  read(tenant: string, after: readonly number[], limit: number): Promise<readonly (readonly FeedRow[])[]>
  /** Calls `listener` after rows of a tenant became readable. Returns the function that ends it. */
  onRows(listener: (tenant: string) => void): () => void
}

/** `status` is the HTTP status that fits: 400 wrong statement, 403 not allowed, 408 too slow, 413 too large … */
export type SqlAnswer =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly contentType: string }
  | { readonly ok: false; readonly message: string; readonly status: SqlFailureStatus }
export type SqlFailureStatus = 400 | 403 | 404 | 408 | 413 | 503

/** Dead letters that are to be sent again. */
export type RedriveRequest = {
  readonly filter: DeadLetterFilter
  readonly limit: number
  readonly dryRun: boolean
}

export type Dependencies = {
  /**
   * Takes the bytes of single events, as they were sent, and resolves when what was accepted is durable: one result
   * per item, in order. `request` is unique and names where they came from (`request` and index in dead letters).
   * 'busy': nothing was taken, try again.
   */
  readonly submit: (
    tenant: string,
    items: readonly Uint8Array[],
    request: string,
    /** W3C trace context of the request, if it had one: for the log lines of the warnings that follow. */
    traceparent?: string,
  ) => Promise<readonly EventResult[] | 'busy'>
  readonly feed: Feed
  readonly borrower: (tenant: string, borrower: string) => Promise<BorrowerView | undefined>
  /** The feed row with this `id`. */
  readonly warning: (tenant: string, id: string) => Promise<FeedRow | undefined>
  readonly keys: KeyStore
  /** Runs a read-only statement over all tenants. `signal` fires when the caller has gone or waited too long. */
  readonly sql: (statement: string, format: string | undefined, signal: AbortSignal) => Promise<SqlAnswer>
  /**
   * Long jobs of the operator's: NDJSON lines until the job ends or `signal` fires. Absent where this process does not hold
   * what they work on; the routes are then absent too.
   */
  readonly jobs?: {
    verify(tenant: string | undefined, signal: AbortSignal): AsyncIterable<string>
    verifyLedger(tenant: string | undefined, signal: AbortSignal): AsyncIterable<string>
    backfill(features: readonly string[], signal: AbortSignal): AsyncIterable<string>
    redrive(wanted: RedriveRequest, signal: AbortSignal): AsyncIterable<string>
  }
  /** Bearer token of the local command line: may name any tenant, and is the only one that may use `/sql` and `/jobs`. */
  readonly operatorToken: string
  /** What Prometheus is told; nothing in it names a borrower or a tenant. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly readiness: () => { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }
}
