import {
  type Decoded,
  decodeBytes,
  decodeText,
  EVENT_BYTES_MAX,
  SHALLOW_BYTES_MAX,
} from '../../features/events/decode.ts'

/**
 * What every source of events has in common: items in the source's own order, read in batches, and failures as
 * values. Nothing here knows the log; nothing is read ahead by more than one batch.
 */

/** Most items of one batch, unless the caller asks for fewer. */
export const BATCH_ITEMS_MAX = 4096
/** Most bytes of one batch that is gathered line by line. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024

/** Bytes of a source as they come. The value that ends them says what went wrong, or nothing. */
export type Chunks = AsyncGenerator<Buffer, SourceFailure | undefined, void>

/** Why reading ended before the end. `detail` is one line that says what and what to do. */
export type SourceFailure = {
  readonly reason: 'truncated' | 'corrupt' | 'unreadable'
  readonly detail: string
}

/** How long a line was that is longer than an event may be, and the SHA-256 (hex) of all of it. */
export type Oversized = { readonly bytes: number; readonly sha256: string }

/** One line of a source. */
export type SourceItem = {
  /** Its place in the source: the line, or with `--sort` the rank. Counted from 1, gaps where lines are empty. */
  readonly position: number
  /** Line number in the content, from 1; empty lines count. */
  readonly line: number
  /** Where `bytes` begin in the decompressed content. */
  readonly offset: number
  /** The line without its end and without a byte order mark. A view: it keeps alive the block it was read into. */
  readonly bytes: Uint8Array
  /** The same as text, where that came for nothing: of lines in a block that is all ASCII. */
  readonly text?: string | undefined
  /** True for a last line without a line end: the file was cut, or is still being written, or just ends so. */
  readonly unterminated: boolean
  /** Set when the line is longer than an event may be; `bytes` are then its beginning alone. */
  readonly oversized: Oversized | undefined
}

export type ReadOutcome =
  | { readonly kind: 'items'; readonly items: readonly SourceItem[] }
  | { readonly kind: 'end' }
  | ({ readonly kind: 'failed' } & SourceFailure)

/** What is known of a file that was read before: its content up to `bytes` has this SHA-256 (hex). */
export type FileEntry = {
  /** The source partition, `file:` and a hash of the beginning. */
  readonly file: string
  readonly bytes: number
  /** Lines taken from those bytes. For people; nothing is decided by it. */
  readonly lines: number
  readonly sha256: string
}

/** An opened source. One read at a time; `items` is never empty; after `end` or `failed` comes the same again. */
export type Source = {
  /** As the user named it. */
  readonly name: string
  /** Stable across runs for the same content; part of every record's place. */
  readonly source_partition: string
  /** True where the next line may be long in coming, so that nothing should wait for a full batch. */
  readonly live: boolean
  /** For a progress bar: the size as stored (compressed; of a sorted source that of its lines), unknown for a stream. */
  readonly size_bytes: number | undefined
  /** How much of that was consumed so far. */
  consumedBytes(): number
  read(itemsMax: number): Promise<ReadOutcome>
  /**
   * The registry entry that covers at least every byte of the items handed out; undefined for sources that need none.
   * Put it before the items are appended: then every position in the log is vouched for by a hash.
   */
  progressEntry(): FileEntry | undefined
  close(): Promise<void>
}

/** Decodes an item. The detail of a refusal also says when the line was too long to keep or had no end. */
export function decodeItem(item: SourceItem, tenant: string): Decoded {
  if (item.oversized !== undefined) {
    const { bytes, sha256 } = item.oversized
    const detail = `${bytes} bytes, at most ${EVENT_BYTES_MAX}; kept the first ${item.bytes.length}, sha256 ${sha256}`
    return { ok: false, reason: 'too_long', detail }
  }
  const { text } = item
  const isReady = text !== undefined && text.length <= SHALLOW_BYTES_MAX
  const decoded = isReady ? decodeText(text, tenant) : decodeBytes(item.bytes, tenant)
  if (decoded.ok || !item.unterminated) return decoded
  return {
    ...decoded,
    detail: `the last line has no end (cut off, or still being written): ${decoded.detail}`.slice(0, 300),
  }
}
