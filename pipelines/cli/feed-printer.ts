import { type FeedRow, feedRow } from '../../api/rows.ts'
import { decodeFeedCursor, encodeFeedCursor, type Positions } from './feed-cursor.ts'
import type { FeedReader } from './feed-reader.ts'
import { UsageError } from './output.ts'

/** So much text is gathered before it is written. */
const CHUNK_LENGTH = 65_536
/** How long a list of tenants is good. */
const TENANTS_MS = 2_000

export type FeedPrinterOptions = {
  readonly partitions: number
  /** The one tenant to print; without it all. */
  readonly tenant: string | undefined
  /** Who is told of where there is no row at all. */
  readonly tenantDefault: string
  readonly after: string | undefined
  readonly limit: number
  /** Takes whole lines; resolves when more may come. */
  readonly write: (text: string) => Promise<void>
}

type Run = { readonly tenant: string; rows: readonly FeedRow[]; next: number; more: boolean }

/**
 * Prints feeds as NDJSON, oldest first, from wherever they can be read, and knows how far it came: a reader that fails
 * in between is replaced by another one, and no row is printed twice.
 */
export class FeedPrinter {
  /** How far each tenant's feed has been printed. */
  positions: Positions = new Map()
  readonly #options: FeedPrinterOptions
  #left: number
  #hasBegun = false
  #reader: FeedReader | undefined
  #tenantsRead = Number.NEGATIVE_INFINITY

  constructor(options: FeedPrinterOptions) {
    this.#options = options
    this.#left = options.limit
  }

  /** As many rows were printed as were wanted. */
  get isFull(): boolean {
    return this.#left <= 0
  }

  get cursor(): string {
    return encodeFeedCursor(this.positions)
  }

  /** Prints what there is now, or less when the signal fires. */
  async drain(reader: FeedReader, signal?: AbortSignal): Promise<void> {
    await this.#begin(reader)
    const runs = [...this.positions.keys()].sort().map((tenant): Run => ({ tenant, rows: [], next: 0, more: true }))
    let text = ''
    try {
      while (!this.isFull && signal?.aborted !== true) {
        await this.#refill(reader, runs)
        const run = earliest(runs)
        if (run === undefined) break
        const row = run.rows[run.next++]!
        this.positions.get(run.tenant)![row.partition] = row.feed_seq
        this.#left--
        // Through the schema, as the API does it: the same bytes.
        text += `${JSON.stringify(feedRow.encode(row))}\n`
        if (text.length < CHUNK_LENGTH) continue
        const full = text
        text = ''
        await this.#options.write(full)
      }
    } finally {
      // What the positions tell of as printed must be.
      if (text !== '') await this.#options.write(text)
    }
  }

  async #refill(reader: FeedReader, runs: readonly Run[]): Promise<void> {
    for (const run of runs) {
      if (run.next < run.rows.length || !run.more) continue
      const page = await reader.page(run.tenant, this.positions.get(run.tenant)!, this.#left)
      run.rows = page.rows
      run.next = 0
      run.more = page.more
    }
  }

  /** Finds the tenants, where they may be others than the last time, and on the first call reads the cursor. */
  async #begin(reader: FeedReader): Promise<void> {
    const { tenant, tenantDefault, partitions, after } = this.#options
    const isFresh = reader === this.#reader && performance.now() - this.#tenantsRead < TENANTS_MS
    if (this.#hasBegun && (tenant !== undefined || isFresh)) return
    const tenants = tenant === undefined ? [...new Set([tenantDefault, ...(await reader.tenants())])] : [tenant]
    if (!this.#hasBegun && after !== undefined) {
      const decoded = decodeFeedCursor(after, tenants, partitions)
      if (!decoded.ok) throw new UsageError(`--after: ${decoded.detail}`)
      this.positions = decoded.positions
    }
    for (const one of tenants) {
      if (!this.positions.has(one)) this.positions.set(one, new Array<number>(partitions).fill(0))
    }
    this.#hasBegun = true
    this.#reader = reader
    this.#tenantsRead = performance.now()
  }
}

/** The run whose next row is the earliest; the first of them where times are equal. */
function earliest(runs: readonly Run[]): Run | undefined {
  let best: Run | undefined
  let bestTime = ''
  for (const run of runs) {
    const time = run.rows[run.next]?.time
    if (time === undefined || (best !== undefined && time >= bestTime)) continue
    best = run
    bestTime = time
  }
  return best
}
