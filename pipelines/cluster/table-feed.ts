import type { Sql } from '../../sql/client.ts'
import { readFeed, readFeedEnds } from '../../sql/queries/feed.ts'
import type { FeedRow } from '../engine/outputs.ts'

/** How often the tables are asked for rows that somebody waits for. */
export const POLL_MS = 50

/**
 * The feed of a process that need not own any partition: all of it comes from the tables, which hold a warning a moment
 * after it was made. Who waits for rows is told of new ones.
 */
export class TableFeed {
  readonly partitions: number
  readonly #sql: Sql
  readonly #listeners = new Set<(tenant: string) => void>()
  /** Per tenant that was read since somebody waited, the largest number seen in each partition. */
  readonly #seen = new Map<string, number[]>()
  #timer: NodeJS.Timeout | undefined
  #polling: Promise<void> | undefined
  readonly #onError: (error: unknown) => void

  constructor(sql: Sql, partitions: number, onError: (error: unknown) => void) {
    this.#sql = sql
    this.partitions = partitions
    this.#onError = onError
  }

  /** Per partition the contiguous run of rows after `after[partition]`, at most `limit` of each. */
  async read(tenant: string, after: readonly number[], limit: number): Promise<FeedRow[][]> {
    const read = await Promise.all(
      Array.from({ length: this.partitions }, async (_, partition) => {
        const from = after[partition] ?? 0
        return contiguous(await readFeed(this.#sql, { tenant, partition, after: from, limit }), from)
      }),
    )
    const seen = this.#seen.get(tenant) ?? new Array<number>(this.partitions).fill(0)
    this.#seen.set(
      tenant,
      read.map((rows, partition) => Math.max(seen[partition] ?? 0, after[partition] ?? 0, rows.at(-1)?.feed_seq ?? 0)),
    )
    return read
  }

  /** Calls `listener` after rows of a tenant became readable. Returns the function that ends it. */
  onRows(listener: (tenant: string) => void): () => void {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => this.#pollSoon(), POLL_MS).unref()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#stopPolling()
    }
  }

  async close(): Promise<void> {
    this.#stopPolling()
    await this.#polling
  }

  #stopPolling(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#seen.clear()
  }

  #pollSoon(): void {
    this.#polling ??= this.#poll()
      .catch(this.#onError)
      .finally(() => {
        this.#polling = undefined
      })
  }

  async #poll(): Promise<void> {
    for (const [tenant, seen] of this.#seen) {
      let isNew = false
      for (const { partition, feed_seq } of await readFeedEnds(this.#sql, tenant, seen)) {
        isNew ||= feed_seq > (seen[partition] ?? 0)
        seen[partition] = Math.max(seen[partition] ?? 0, feed_seq)
      }
      if (isNew) for (const listener of this.#listeners) listener(tenant)
    }
  }
}

/** Rows up to the first hole: what is behind it is not wholly written. */
function contiguous(rows: readonly FeedRow[], after: number): FeedRow[] {
  let next = after + 1
  const run: FeedRow[] = []
  for (const row of rows) {
    if (row.feed_seq !== next++) break
    run.push(row)
  }
  return run
}
