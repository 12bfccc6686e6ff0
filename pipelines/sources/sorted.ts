import { createHash } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode } from './chunks.ts'
import { createLineReader } from './lines.ts'
import { readLines, type StoredLine } from './random-access.ts'
import {
  BATCH_BYTES_MAX,
  BATCH_ITEMS_MAX,
  type Chunks,
  type ReadOutcome,
  type Source,
  type SourceItem,
} from './source.ts'
import { createTimeIndex, eventTimeOf, type TimeIndex } from './time-index.ts'

/**
 * A file given in time order (`--sort`). One pass reads all of it and keeps, per line, the time, the place and the
 * length in typed arrays (28 bytes a line); then lines are read back by rank. The position is the rank, so the
 * identity is the hash of all of the content: one more line is another file, whose repeats are caught by event id.
 */

/** Most lines of a file that is sorted: 2.8 GB of index. */
export const SORTED_LINES_MAX = 100_000_000
const ID_HEX = 32

export type SortedOptions = {
  readonly name: string
  readonly content: Chunks
  /** Where the content can be read by position; without it (compressed, a stream) it is copied to a temporary file. */
  readonly handle: FileHandle | undefined
  /** The partition of a source without identity; else it is made of the hash. */
  readonly source_partition?: string
  readonly resumeAfter: (sourcePartition: string) => number | Promise<number>
  readonly temporaryDirectory?: string
}

export type SortedOutcome =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly reason: 'no_temporary_space' | 'too_many_lines'; readonly detail: string }

/** Reads all of the content and opens it in time order. When the content fails on the way, so does the source at its end. */
export async function openSorted(options: SortedOptions): Promise<SortedOutcome> {
  const spool = options.handle === undefined ? await openSpool(options.temporaryDirectory ?? tmpdir()) : undefined
  if (spool !== undefined && 'failed' in spool) return noSpace(spool.failed)
  const index = createTimeIndex(SORTED_LINES_MAX)
  const hash = createHash('sha256')
  const reader = createLineReader(spool === undefined ? options.content : spool.copy(options.content), {
    onChunk: (block) => {
      hash.update(block)
    },
  })
  let outcome: ReadOutcome
  for (;;) {
    outcome = await reader.read(BATCH_ITEMS_MAX)
    if (outcome.kind !== 'items') break
    for (const item of outcome.items) index.add(item, eventTimeOf(item))
    if (index.isFull()) {
      await reader.close()
      await spool?.close()
      const detail = `${options.name} has more than ${SORTED_LINES_MAX} lines: split it, or sort it by time beforehand`
      return { ok: false, reason: 'too_many_lines', detail }
    }
  }
  if (spool?.failure() !== undefined) {
    await spool.close()
    return noSpace(spool.failure()!)
  }
  const partition = options.source_partition ?? `sorted:${hash.digest('hex').slice(0, ID_HEX)}`
  const handle = options.handle ?? spool!.handle
  const source = createSortedSource(
    options.name,
    partition,
    handle,
    index,
    outcome,
    await options.resumeAfter(partition),
  )
  return { ok: true, source }
}

function createSortedSource(
  name: string,
  partition: string,
  handle: FileHandle,
  index: TimeIndex,
  last: ReadOutcome,
  resumeAfter: number,
): Source {
  index.sort()
  let rank = Math.min(resumeAfter, index.size())
  let consumed = 0
  for (let i = 0; i < rank; i++) consumed += index.lengthAt(i)
  let failed: ReadOutcome | undefined

  async function readRanks(from: number, to: number): Promise<readonly SourceItem[] | undefined> {
    const lines: StoredLine[] = []
    for (let i = from; i < to; i++) lines.push(index.lineAt(i))
    const contents = await readLines(handle, lines)
    if ('failed' in contents) {
      const detail = `cannot read ${name} again (${contents.failed}): it must not change while it is sorted; run again`
      failed = { kind: 'failed', reason: 'unreadable', detail }
      return undefined
    }
    return lines.map((line, i) => ({ ...line.item, position: from + i + 1, bytes: contents.bytes[i]! }))
  }

  async function read(itemsMax: number): Promise<ReadOutcome> {
    if (failed !== undefined) return failed
    if (rank === index.size()) return last
    let to = rank
    let bytes = 0
    while (to < index.size() && to - rank < itemsMax && (to === rank || bytes < BATCH_BYTES_MAX)) {
      bytes += index.lengthAt(to++)
    }
    const items = await readRanks(rank, to)
    if (items === undefined) return failed!
    rank = to
    consumed += bytes
    return { kind: 'items', items }
  }

  return {
    name,
    source_partition: partition,
    live: false,
    size_bytes: index.bytes(),
    consumedBytes: () => consumed,
    read,
    progressEntry: () => undefined,
    close: () => handle.close(),
  }
}

type Spool = {
  readonly handle: FileHandle
  copy(content: Chunks): Chunks
  failure(): string | undefined
  close(): Promise<void>
}

/** A temporary file without a name: it is gone when the process is, however that ends. */
async function openSpool(directory: string): Promise<Spool | { readonly failed: string }> {
  let handle: FileHandle
  try {
    const folder = await mkdtemp(join(directory, 'foreshock-sort-'))
    try {
      handle = await open(join(folder, 'content'), 'wx+', 0o600)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  } catch (error) {
    return { failed: errorCode(error) }
  }
  let failure: string | undefined

  async function* copy(content: Chunks): Chunks {
    try {
      for (;;) {
        const next = await content.next()
        if (next.done === true) return next.value
        try {
          await writeAll(handle, next.value)
        } catch (error) {
          failure = errorCode(error)
          return undefined
        }
        yield next.value
      }
    } finally {
      await content.return(undefined)
    }
  }

  return { handle, copy, failure: () => failure, close: () => handle.close() }
}

async function writeAll(handle: FileHandle, block: Buffer): Promise<void> {
  for (let written = 0; written < block.length; ) {
    written += (await handle.write(block, written, block.length - written)).bytesWritten
  }
}

function noSpace(code: string): SortedOutcome {
  const detail = `cannot copy the content to sort it (${code}): free some space in the temporary directory, or set TMPDIR`
  return { ok: false, reason: 'no_temporary_space', detail }
}
