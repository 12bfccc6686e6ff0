import type { AnalystAnswer, AnalystStatement } from '../sql/analyst/statements.ts'
import type { DeadLetterFilter } from '../sql/queries/dead-letters.ts'
import type { TapeMap } from '../sql/tapes/map.ts'
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

/** A statement and who asks. `holder` is the same for all requests of one key. */
export type SqlRequest = AnalystStatement & { readonly holder: string }

/** Dead letters that are to be sent again. */
export type RedriveRequest = {
  readonly filter: DeadLetterFilter
  readonly limit: number
  readonly dryRun: boolean
}

/** A month-end tape, a file of this machine, that is to be loaded as a data set. */
export type ImportRequest = {
  readonly file: string
  readonly map: TapeMap
  readonly tenant: string
  readonly dataset: string
  readonly replace: boolean
  readonly check: boolean
}

/** One of the scheduled jobs, for one tenant and business date (`YYYY-MM-DD`). */
export type NamedJob = { readonly name: string; readonly tenant: string; readonly date: string }

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
  /** Runs a reading statement, a tenant's over the tenant's rows alone. `signal` fires when the caller has gone. */
  readonly sql: (request: SqlRequest, signal: AbortSignal) => Promise<AnalystAnswer>
  /**
   * Long jobs of the operator's: NDJSON lines until the job ends or `signal` fires. Absent where this process does not hold
   * what they work on; the routes are then absent too.
   */
  readonly jobs?: {
    verify(tenant: string | undefined, signal: AbortSignal): AsyncIterable<string>
    verifyLedger(tenant: string | undefined, signal: AbortSignal): AsyncIterable<string>
    backfill(features: readonly string[], signal: AbortSignal): AsyncIterable<string>
    redrive(wanted: RedriveRequest, signal: AbortSignal): AsyncIterable<string>
    importTape(wanted: ImportRequest, signal: AbortSignal): AsyncIterable<string>
    run(wanted: NamedJob, signal: AbortSignal): AsyncIterable<string>
  }
  /** Bearer token of the local command line: may name any tenant, sees all of them by `/sql`, and alone may use `/jobs`. */
  readonly operatorToken: string
  /** What Prometheus is told; nothing in it names a borrower or a tenant. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  readonly readiness: () => { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }
}
