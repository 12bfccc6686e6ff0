import type { Feed } from '../dependencies.ts'
import type { FeedRow } from '../rows.ts'

/** Rows looked at for one page, so that a rare filter over a long feed cannot hold the process. */
export const PAGE_ROWS_SCANNED_MAX = 20_000
/** Rows read at a time and partition while a filter looks for its rows. */
const FILTER_READ_ROWS = 1_000

/** What a reader wants of the feed; an empty filter passes everything. */
export type Filter = {
  readonly severity?: readonly string[] | undefined
  readonly type?: readonly string[] | undefined
  readonly borrower?: string | undefined
  /** Least `time`, ISO 8601 in the form of the rows. */
  readonly since?: string | undefined
}

export type Page = {
  readonly rows: readonly FeedRow[]
  /** Where to go on, one number per partition. Moves over rows that the filter left out too. */
  readonly positions: readonly number[]
  /** There may be more at once: the page was full, or its scan reached its bound. */
  readonly more: boolean
}

/**
 * One page: the partitions' contiguous runs after `after`, merged by (time, partition) with each run kept in its order.
 * Whatever order the merge takes, a position only ever moves over rows that it has seen, so no page can skip one.
 */
export async function readPage(
  feed: Feed,
  tenant: string,
  after: readonly number[],
  filter: Filter,
  limit: number,
  rowsScannedMax: number = PAGE_ROWS_SCANNED_MAX,
): Promise<Page> {
  const filtered = isFiltered(filter)
  const positions = [...after]
  const rows: FeedRow[] = []
  let scanned = 0
  while (scanned < rowsScannedMax) {
    // Without a filter one row more than is wanted tells whether there is another page.
    const depth = filtered ? Math.min(FILTER_READ_ROWS, rowsScannedMax - scanned) : limit - rows.length + 1
    const runs = await feed.read(tenant, positions, depth)
    checkRuns(runs, tenant, positions, depth)
    const heads = runs.map(() => 0)
    for (;;) {
      const partition = earliest(runs, heads)
      if (partition === undefined) return { rows, positions, more: false }
      if (rows.length === limit || scanned === rowsScannedMax) return { rows, positions, more: true }
      const row = runs[partition]![heads[partition]!]!
      heads[partition]!++
      positions[partition] = row.feed_seq
      scanned++
      if (!filtered || passes(row, filter)) rows.push(row)
      // A run read to its full depth may go on, and its next row may be the earliest: read again from here.
      if (heads[partition] === depth) break
    }
  }
  return { rows, positions, more: true }
}

export function passes(row: FeedRow, filter: Filter): boolean {
  return (
    (filter.severity?.includes(row.severity) ?? true) &&
    (filter.type?.includes(row.type) ?? true) &&
    (filter.borrower === undefined || row.borrower === filter.borrower) &&
    (filter.since === undefined || row.time >= filter.since)
  )
}

function isFiltered(filter: Filter): boolean {
  return (
    filter.severity !== undefined ||
    filter.type !== undefined ||
    filter.borrower !== undefined ||
    filter.since !== undefined
  )
}

/** The partition whose next row is the earliest; the lowest of them where times are equal. */
function earliest(runs: readonly (readonly FeedRow[])[], heads: readonly number[]): number | undefined {
  let best: number | undefined
  let bestTime = ''
  for (let partition = 0; partition < runs.length; partition++) {
    const row = runs[partition]![heads[partition]!]
    if (row === undefined || (best !== undefined && row.time >= bestTime)) continue
    best = partition
    bestTime = row.time
  }
  return best
}

/** A run with a hole, or with another tenant's row, must not leave the house: better a failed request. */
function checkRuns(
  runs: readonly (readonly FeedRow[])[],
  tenant: string,
  after: readonly number[],
  depth: number,
): void {
  if (runs.length !== after.length) throw new Error(`the feed has ${runs.length} partitions, expected ${after.length}`)
  runs.forEach((run, partition) => {
    if (run.length > depth) throw new Error(`partition ${partition} gave ${run.length} rows, at most ${depth}`)
    run.forEach((row, index) => {
      const expected = after[partition]! + 1 + index
      if (row.tenant !== tenant || row.partition !== partition || row.feed_seq !== expected) {
        throw new Error(`partition ${partition} gave feed_seq ${row.feed_seq} of ${row.tenant}, expected ${expected}`)
      }
    })
  })
}
