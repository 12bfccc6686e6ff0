import { isAscii } from 'node:buffer'
import { createHash } from 'node:crypto'
import { EVENT_BYTES_MAX } from '../../features/events/decode.ts'
import type { Chunks, ReadOutcome, SourceItem } from './source.ts'

/** What is kept of a line that is longer than an event may be. */
export const OVERSIZED_KEPT_BYTES = 4096

const LF = 10
const CR = 13
const BOM = Buffer.from([0xef, 0xbb, 0xbf])
/** Beyond this a line is too long whatever its first three bytes (a byte order mark) and its last (CR) are. */
const HELD_BYTES_MAX = EVENT_BYTES_MAX + BOM.length + 1

export type LineReader = {
  /** The next lines, at most `linesMax`: those that the present block has, so that a slow stream is not waited for. */
  read(linesMax: number): Promise<ReadOutcome>
  /** Lines taken so far, empty and skipped ones too. */
  lines(): number
  close(): Promise<void>
}

export type LineOptions = {
  /** Lines up to this number are counted but not handed out. */
  readonly skipThrough?: number
  /** Sees each block of content before its lines are taken. */
  readonly onChunk?: (chunk: Buffer) => void
}

/**
 * Splits content into lines ended by LF or CR LF. A byte order mark before the first line is dropped, empty lines are
 * counted but not handed out. A line longer than EVENT_BYTES_MAX is never held in memory: it becomes an item with its
 * beginning, length and hash, and the next line is read as usual. When the content fails, the lines up to there come
 * first, the broken one as `unterminated`.
 */
export function createLineReader(chunks: Chunks, options: LineOptions = {}): LineReader {
  const skipThrough = options.skipThrough ?? 0
  let chunk: Buffer = Buffer.alloc(0)
  /** The block as text, where it is ASCII: at once, which costs a tenth of what it does line by line. */
  let chunkText: string | undefined
  let cursor = 0
  /** Offset in the content of the block's first byte. */
  let chunkOffset = 0
  let line = 0
  let begun: BegunLine | undefined
  let outcome: ReadOutcome | undefined

  function scan(linesMax: number): SourceItem[] {
    const items: SourceItem[] = []
    while (cursor < chunk.length && items.length < linesMax) {
      const feed = chunk.indexOf(LF, cursor)
      if (feed === -1) {
        begun ??= createBegunLine(chunkOffset + cursor)
        begun.add(chunk.subarray(cursor))
        cursor = chunk.length
        break
      }
      line++
      let item: SourceItem | undefined
      if (begun !== undefined) {
        begun.add(chunk.subarray(cursor, feed))
        item = begun.finish(line, false)
        begun = undefined
      } else if (line > skipThrough) {
        item = toItem(chunk, cursor, feed, chunkOffset + cursor, line, false, chunkText)
      }
      cursor = feed + 1
      if (item !== undefined && line > skipThrough) items.push(item)
    }
    return items
  }

  async function read(linesMax: number): Promise<ReadOutcome> {
    for (;;) {
      while (cursor < chunk.length) {
        const items = scan(linesMax)
        if (items.length > 0) return { kind: 'items', items }
      }
      if (outcome !== undefined) return outcome
      chunkOffset += chunk.length
      const next = await chunks.next()
      cursor = 0
      if (next.done !== true) {
        chunk = next.value
        chunkText = isAscii(chunk) ? chunk.toString('latin1') : undefined
        options.onChunk?.(chunk)
        continue
      }
      chunk = Buffer.alloc(0)
      outcome = next.value === undefined ? { kind: 'end' } : { kind: 'failed', ...next.value }
      if (begun !== undefined) {
        const item = begun.finish(++line, true)
        begun = undefined
        if (item !== undefined && line > skipThrough) return { kind: 'items', items: [item] }
      }
    }
  }

  return {
    read,
    lines: () => line,
    close: async () => {
      await chunks.return(undefined)
    },
  }
}

/** The item of the line in `block` from `from` to its end at `to`, or nothing where it is empty. */
function toItem(
  block: Buffer,
  from: number,
  to: number,
  lineOffset: number,
  line: number,
  unterminated: boolean,
  blockText?: string,
): SourceItem | undefined {
  let start = from
  let end = to
  if (end > start && block[end - 1] === CR) end--
  if (line === 1 && end - start >= BOM.length && BOM.equals(block.subarray(start, start + BOM.length))) {
    start += BOM.length
  }
  const length = end - start
  if (length === 0) return undefined
  const offset = lineOffset + (start - from)
  if (length > EVENT_BYTES_MAX) {
    const overlong = createOverlong()
    overlong.add(block.subarray(start, to))
    return overlong.finish(offset, line, unterminated)
  }
  const bytes = new Uint8Array(block.buffer, block.byteOffset + start, length)
  const text = blockText?.slice(start, end)
  return { position: line, line, offset, bytes, text, unterminated, oversized: undefined }
}

type BegunLine = {
  add(part: Buffer): void
  finish(line: number, unterminated: boolean): SourceItem | undefined
}

/** A line whose parts lie in several blocks. Holds at most HELD_BYTES_MAX and one block. */
function createBegunLine(offset: number): BegunLine {
  let parts: Buffer[] = []
  let bytes = 0
  let bomBytes = 0
  let overlong: Overlong | undefined

  function add(part: Buffer): void {
    if (overlong !== undefined) return overlong.add(part)
    parts.push(part)
    bytes += part.length
    if (bytes <= HELD_BYTES_MAX) return
    const held = Buffer.concat(parts)
    parts = []
    bomBytes = offset === 0 && BOM.equals(held.subarray(0, BOM.length)) ? BOM.length : 0
    overlong = createOverlong()
    overlong.add(held.subarray(bomBytes))
  }

  function finish(line: number, unterminated: boolean): SourceItem | undefined {
    if (overlong !== undefined) return overlong.finish(offset + bomBytes, line, unterminated)
    const held = Buffer.concat(parts)
    return toItem(held, 0, held.length, offset, line, unterminated)
  }

  return { add, finish }
}

type Overlong = {
  add(part: Buffer): void
  finish(offset: number, line: number, unterminated: boolean): SourceItem
}

/** Beginning, length and hash of a line that is too long to hold. A CR counts only when something follows it. */
function createOverlong(): Overlong {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  let keptBytes = 0
  let bytes = 0
  let endsInCr = false

  function take(part: Buffer): void {
    hash.update(part)
    bytes += part.length
    if (keptBytes === OVERSIZED_KEPT_BYTES) return
    // A copy, so that the dead letter does not keep whole blocks alive.
    const copy = Buffer.from(part.subarray(0, OVERSIZED_KEPT_BYTES - keptBytes))
    kept.push(copy)
    keptBytes += copy.length
  }

  function add(part: Buffer): void {
    if (part.length === 0) return
    if (endsInCr) take(Buffer.of(CR))
    endsInCr = part[part.length - 1] === CR
    take(endsInCr ? part.subarray(0, -1) : part)
  }

  function finish(offset: number, line: number, unterminated: boolean): SourceItem {
    const oversized = { bytes, sha256: hash.digest('hex') }
    return { position: line, line, offset, bytes: Buffer.concat(kept), unterminated, oversized }
  }

  return { add, finish }
}
