import type { Decoded } from '../../features/events/decode.ts'
import {
  BATCH_ITEMS_MAX,
  decodeItem,
  type FileEntry,
  type Source,
  type SourceFailure,
  type SourceItem,
} from './source.ts'

/**
 * Several sources as one, by event time, then order of the arguments, then line. Each source keeps its own order: the
 * next item is always the one with the smallest key among the first unread items of all sources, so a line that goes
 * back in time follows its predecessor at once. A line that does not decode has the time of the line before it in its
 * source (before any: it comes first), so it keeps its place.
 *
 * Resuming. The log holds the accepted items of a beginning of the merged order. When every source is resumed after its
 * last item in the log, the accepted items that are left come in the order of an undisturbed run. Why: because of lines
 * that go back in time, the order is that of (largest time so far in the own source, source, line), and resuming
 * forgets the largest time of the skipped part. Let x be before y, of different sources, both accepted and not in the
 * log. Forgetting can only lower keys, so it could only go wrong by lowering y's. Then y's largest time was reached by
 * an item z of its source that is in the log, and x, being before y and of another source, was before z as well: but
 * the accepted items before z are in the log. Refused items after the last logged one of their source are merged once
 * more, perhaps elsewhere between the others; their dead letters have the same source and position as before.
 */

/** Most sources at a time: each has a file open and a batch in memory. */
export const SOURCES_MAX = 256
/** Fewest items a source is asked for at once, however many sources share BATCH_ITEMS_MAX. */
const LANE_ITEMS_MIN = 64

/** One line of a source, decoded. */
export type MergedItem = {
  /** Which of the sources, from 0. */
  readonly source: number
  readonly source_partition: string
  /** The line, or with `--sort` the rank. */
  readonly source_position: number
  readonly line: number
  /** The line as it stood, without its end; of a line that was too long its beginning. */
  readonly bytes: Uint8Array
  readonly unterminated: boolean
  readonly decoded: Decoded
}

export type MergeOutcome =
  | { readonly kind: 'items'; readonly items: readonly MergedItem[] }
  | { readonly kind: 'end' }
  | ({ readonly kind: 'failed'; readonly source: number; readonly name: string } & SourceFailure)

export type MergedSources = {
  /**
   * The next items in order. `failed` comes where the next item of a source would have to be known and cannot be, once
   * per source: a caller that stops there has a log from which a mended file goes on as if nothing had been; one that
   * reads on gets the other sources' items without it.
   */
  read(itemsMax: number): Promise<MergeOutcome>
  /** The entries that changed since they were last asked for; put them before the items that were read are appended. */
  progressEntries(): readonly FileEntry[]
  close(): Promise<void>
}

type Lane = {
  readonly index: number
  readonly source: Source
  items: readonly SourceItem[]
  decoded: Decoded[]
  /** Order keys of `items`. */
  times: number[]
  next: number
  hasEnded: boolean
  /** Time of the last line. */
  time: number
  entryBytes: number
  entryLines: number
}

/** Merges opened sources. Items are decoded here, once, for `tenant`. */
export function mergeSources(sources: readonly Source[], tenant: string): MergedSources {
  const lanes = sources.map(createLane)
  const laneItemsMax = Math.max(LANE_ITEMS_MIN, Math.floor(BATCH_ITEMS_MAX / Math.max(1, lanes.length)))
  const failures: MergeOutcome[] = []

  async function refill(lane: Lane): Promise<void> {
    const outcome = await lane.source.read(laneItemsMax)
    lane.next = 0
    lane.times.length = 0
    lane.decoded.length = 0
    lane.items = outcome.kind === 'items' ? outcome.items : []
    for (const item of lane.items) {
      const decoded = decodeItem(item, tenant)
      if (decoded.ok) lane.time = decoded.event.time
      lane.decoded.push(decoded)
      lane.times.push(lane.time)
    }
    if (outcome.kind === 'items') return
    lane.hasEnded = true
    if (outcome.kind === 'failed') failures.push({ ...outcome, source: lane.index, name: lane.source.name })
  }

  async function read(itemsMax: number): Promise<MergeOutcome> {
    const items: MergedItem[] = []
    for (;;) {
      const empty = lanes.find((lane) => lane.next === lane.items.length && !lane.hasEnded)
      if (empty !== undefined) {
        // What is known goes out before something that may be long in coming is waited for.
        if (empty.source.live && items.length > 0) break
        await refill(empty)
        continue
      }
      if (failures.length > 0 || items.length >= itemsMax || !take(lanes, items, itemsMax)) break
    }
    if (items.length > 0) return { kind: 'items', items }
    return failures.shift() ?? { kind: 'end' }
  }

  function progressEntries(): readonly FileEntry[] {
    const changed: FileEntry[] = []
    for (const lane of lanes) {
      const entry = lane.source.progressEntry()
      // Inside a block only the count of lines grows: it is told once more at the end.
      const isKnown = entry?.bytes === lane.entryBytes && (!lane.hasEnded || entry.lines === lane.entryLines)
      if (entry === undefined || isKnown) continue
      lane.entryBytes = entry.bytes
      lane.entryLines = entry.lines
      changed.push(entry)
    }
    return changed
  }

  async function close(): Promise<void> {
    for (const lane of lanes) await lane.source.close()
  }

  return { read, progressEntries, close }
}

/** Takes items from the lane whose turn it is until another's turn comes or its items are used up; false when all ended. */
function take(lanes: readonly Lane[], items: MergedItem[], itemsMax: number): boolean {
  let first: Lane | undefined
  let second: Lane | undefined
  for (const lane of lanes) {
    if (lane.next === lane.items.length) continue
    if (first === undefined || comesBefore(lane, first)) {
      second = first
      first = lane
    } else if (second === undefined || comesBefore(lane, second)) {
      second = lane
    }
  }
  if (first === undefined) return false
  const { index, source } = first
  do {
    const item = first.items[first.next]!
    items.push({
      source: index,
      source_partition: source.source_partition,
      source_position: item.position,
      line: item.line,
      bytes: item.bytes,
      unterminated: item.unterminated,
      decoded: first.decoded[first.next]!,
    })
    first.next++
  } while (
    first.next < first.items.length &&
    items.length < itemsMax &&
    (second === undefined || comesBefore(first, second))
  )
  return true
}

function comesBefore(a: Lane, b: Lane): boolean {
  const timeA = a.times[a.next]!
  const timeB = b.times[b.next]!
  return timeA < timeB || (timeA === timeB && a.index < b.index)
}

function createLane(source: Source, index: number): Lane {
  return {
    index,
    source,
    items: [],
    decoded: [],
    times: [],
    next: 0,
    hasEnded: false,
    time: Number.NEGATIVE_INFINITY,
    entryBytes: 0,
    entryLines: 0,
  }
}
