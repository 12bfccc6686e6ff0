import { instant } from '../../features/events/fields.ts'
import type { StoredLine } from './random-access.ts'
import type { Oversized, SourceItem } from './source.ts'

/** Time, place and length of every line of a file, in typed arrays; sorted by time, then line. */
export type TimeIndex = {
  /** `time` is undefined for a line that has none: it takes that of the line before. */
  add(item: SourceItem, time: number | undefined): void
  isFull(): boolean
  size(): number
  /** Sum of the lengths of the lines. */
  bytes(): number
  sort(): void
  /** The line at a place of the order, from 0. */
  lineAt(place: number): StoredLine
  lengthAt(place: number): number
}

const FIRST_CAPACITY = 4096

export function createTimeIndex(linesMax: number): TimeIndex {
  let times = new Float64Array(FIRST_CAPACITY)
  let offsets = new Float64Array(FIRST_CAPACITY)
  let lengths = new Uint32Array(FIRST_CAPACITY)
  let lines = new Uint32Array(FIRST_CAPACITY)
  /** Undefined while the lines are in order as they stand. */
  let order: Uint32Array | undefined
  /** Too long lines by index: at most one for every EVENT_BYTES_MAX bytes of the file. */
  const oversized = new Map<number, Oversized>()
  let size = 0
  let bytes = 0
  let isSorted = true
  let lastIsUnterminated = false

  function grow(): void {
    const capacity = times.length * 2
    const grown = { times, offsets, lengths, lines }
    times = new Float64Array(capacity)
    offsets = new Float64Array(capacity)
    lengths = new Uint32Array(capacity)
    lines = new Uint32Array(capacity)
    times.set(grown.times)
    offsets.set(grown.offsets)
    lengths.set(grown.lengths)
    lines.set(grown.lines)
  }

  function add(item: SourceItem, time: number | undefined): void {
    if (size === times.length) grow()
    const before = size === 0 ? Number.NEGATIVE_INFINITY : times[size - 1]!
    times[size] = time ?? before
    if (times[size]! < before) isSorted = false
    offsets[size] = item.offset
    lengths[size] = item.bytes.length
    lines[size] = item.line
    if (item.oversized !== undefined) oversized.set(size, item.oversized)
    lastIsUnterminated = item.unterminated
    bytes += item.bytes.length
    size++
  }

  function sort(): void {
    if (isSorted) return
    order = new Uint32Array(size)
    for (let i = 0; i < size; i++) order[i] = i
    // The difference of two lines without any time before them is NaN, so those too fall to the order of lines.
    order.sort((a, b) => times[a]! - times[b]! || a - b)
  }

  function at(place: number): number {
    return order === undefined ? place : order[place]!
  }

  return {
    add,
    isFull: () => size > linesMax,
    size: () => size,
    bytes: () => bytes,
    sort,
    lengthAt: (place) => lengths[at(place)]!,
    lineAt(place) {
      const i = at(place)
      return {
        length: lengths[i]!,
        item: {
          line: lines[i]!,
          offset: offsets[i]!,
          unterminated: lastIsUnterminated && i === size - 1,
          oversized: oversized.get(i),
        },
      }
    },
  }
}

/**
 * The time that a line is sorted by: its `time`, read as the contract reads it. Of a line that is no event this is
 * asked as well, and nothing else of it: a later version of the contract that accepts more lines must not change the
 * ranks of a file that was half read. Undefined without a valid time.
 */
export function eventTimeOf(item: SourceItem): number | undefined {
  if (item.oversized !== undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(item.bytes.buffer, item.bytes.byteOffset, item.bytes.length).toString('utf8'))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const parsed = instant.safeParse((value as Record<string, unknown>)['time'])
  return parsed.success ? parsed.data : undefined
}
