import type { Sql } from '../../sql/client.ts'
import { readFeed, readWarnedBorrower } from '../../sql/queries/feed.ts'
import type { FeedRow } from '../engine/outputs.ts'

/** Newest rows kept in memory per tenant and partition; older ones are read from the table. */
export const TAIL_ROWS_MAX = 2000

type Tail = { first: number; rows: FeedRow[] }

/**
 * The feed as it is read: the newest rows from memory as soon as their log record is durable, the others from the table.
 * The engine makes the same row again after a crash, so nothing that was shown here can change.
 */
export class FeedTail {
  readonly #sql: Sql
  readonly #partitions: number
  readonly #tails = new Map<string, Tail[]>()
  readonly #listeners = new Set<(tenant: string) => void>()
  readonly #announced = new Set<string>()

  constructor(sql: Sql, partitions: number) {
    this.#sql = sql
    this.#partitions = partitions
  }

  get partitions(): number {
    return this.#partitions
  }

  /** Takes a row that the engine has just made. */
  add(row: FeedRow): void {
    const tail = this.#tailsOf(row.tenant)[row.partition] as Tail
    if (tail.rows.length === 0) tail.first = row.feed_seq
    tail.rows.push(row)
    if (tail.rows.length > TAIL_ROWS_MAX * 2) {
      tail.rows = tail.rows.slice(-TAIL_ROWS_MAX)
      tail.first = (tail.rows[0] as FeedRow).feed_seq
    }
    this.#announced.add(row.tenant)
  }

  /** Tells the listeners of the tenants that got rows since the last call: once per batch, not per row. */
  announce(): void {
    for (const tenant of this.#announced) for (const listener of this.#listeners) listener(tenant)
    this.#announced.clear()
  }

  /** Per partition the contiguous run of rows after `after[partition]`, at most `limit` of each. */
  async read(tenant: string, after: readonly number[], limit: number): Promise<FeedRow[][]> {
    return Promise.all(
      Array.from({ length: this.#partitions }, (_, partition) =>
        this.#readPartition(tenant, partition, after[partition] ?? 0, limit),
      ),
    )
  }

  /** A row that is still in memory, by its id. */
  find(tenant: string, id: string): FeedRow | undefined {
    for (const { rows } of this.#tailsOf(tenant)) {
      const row = rows.findLast((one) => one.id === id)
      if (row !== undefined) return row
    }
    return undefined
  }

  /** A borrower that has a warning, for an example: of the newest row in memory, or else in the table. */
  async exampleBorrower(tenant: string): Promise<string | undefined> {
    const [newest] = this.#tailsOf(tenant)
      .flatMap(({ rows }) => rows.slice(-1))
      .toSorted((a, b) => b.time - a.time)
    return newest?.borrower ?? readWarnedBorrower(this.#sql, tenant)
  }

  onRows(listener: (tenant: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #readPartition(tenant: string, partition: number, after: number, limit: number): Promise<FeedRow[]> {
    const known = this.#tailsOf(tenant)[partition] as Tail
    if (known.rows.length > 0 && after + 1 >= known.first) return this.#fromMemory(known, after, limit)
    const rows = contiguous(await readFeed(this.#sql, { tenant, partition, after, limit }), after)
    if (rows.length >= limit) return rows
    const last = rows.at(-1)?.feed_seq ?? after
    // The tail may have begun while the table was read.
    const tail = this.#tailsOf(tenant)[partition] as Tail
    if (tail.rows.length === 0 || last + 1 < tail.first) return rows
    return [...rows, ...this.#fromMemory(tail, last, limit - rows.length)]
  }

  #fromMemory(tail: Tail, after: number, limit: number): FeedRow[] {
    const from = Math.max(0, after + 1 - tail.first)
    return tail.rows.slice(from, from + limit)
  }

  #tailsOf(tenant: string): Tail[] {
    let tails = this.#tails.get(tenant)
    if (tails === undefined) {
      tails = Array.from({ length: this.#partitions }, () => ({ first: 0, rows: [] }))
      this.#tails.set(tenant, tails)
    }
    return tails
  }
}

/** Rows up to the first hole. */
function contiguous(rows: readonly FeedRow[], after: number): FeedRow[] {
  let next = after + 1
  const run: FeedRow[] = []
  for (const row of rows) {
    if (row.feed_seq !== next++) break
    run.push(row)
  }
  return run
}
