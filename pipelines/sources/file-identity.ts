import { createHash } from 'node:crypto'
import type { Chunks, FileEntry } from './source.ts'

/**
 * Which file this is. A file is known by the SHA-256 of its decompressed content up to where it was last read, not by
 * its name: a renamed, moved, recompressed or grown file is the same, and one with another beginning is another.
 *
 * - A file that has grown still begins with the known content: it keeps its id, and reading goes on after the last
 *   position in the log. The known content may end inside a line (the file was cut there, or was being written): the
 *   line is read again as a whole, because reading resumes by position and never at the entry's last byte.
 * - A file that is shorter than the known content cannot be told from one that differs further on, because only the
 *   hash of the longer content is kept. It is taken as another file: nothing is lost, and what was read before is
 *   caught by event id. When the whole file comes again, the longest known content that it begins with decides.
 * - An unterminated last line is part of the known content. If it was accepted and is then replaced, the file is
 *   another one and the new line is read, where its position alone would have hidden it.
 * - A file without a single byte has no entry, so once it has content it is a new file.
 */

/** How much of the beginning the id is made of. */
export const BEGINNING_BYTES = 64 * 1024
const ID_HEX = 16
export const FILE_PREFIX = 'file:'

/** Where the known files are kept. `put` replaces the entry of the same `file`. */
export type FileRegistry = {
  list(): Promise<readonly FileEntry[]>
  put(entry: FileEntry): Promise<void>
}

export type ContentHashes = {
  /** SHA-256 of the first bytes, at those of the wanted lengths that the content reaches. */
  readonly at: ReadonlyMap<number, string>
  /** Length and SHA-256 of what was read: all of the content when asked for, else up to the last wanted length. */
  readonly bytes: number
  readonly sha256: string
}

/** Hashes content at given lengths, in one pass that ends as soon as it can unless `whole`. */
export async function hashContent(chunks: Chunks, lengths: Iterable<number>, whole: boolean): Promise<ContentHashes> {
  const wanted = [...new Set(lengths)].sort((a, b) => a - b)
  const hash = createHash('sha256')
  const at = new Map<number, string>()
  let bytes = 0
  let next = 0
  try {
    while (whole || next < wanted.length) {
      const read = await chunks.next()
      if (read.done === true) break
      let rest = read.value
      while (next < wanted.length && wanted[next]! <= bytes + rest.length) {
        const length = wanted[next++]!
        hash.update(rest.subarray(0, length - bytes))
        rest = rest.subarray(length - bytes)
        bytes = length
        at.set(length, hash.copy().digest('hex'))
      }
      if (!whole && next === wanted.length) break
      hash.update(rest)
      bytes += rest.length
    }
  } finally {
    await chunks.return(undefined)
  }
  return { at, bytes, sha256: hash.digest('hex') }
}

export type Identity = {
  /** Known files whose content this one begins with, the longest first. */
  readonly matches: readonly FileEntry[]
  /** The id that a new file of this beginning gets, before a suffix. */
  readonly base: string
}

/** Reads content as far as the known entries reach, at least its beginning, and says which of them it continues. */
export async function identify(chunks: Chunks, known: readonly FileEntry[]): Promise<Identity> {
  const entries = known.filter((entry) => entry.file.startsWith(FILE_PREFIX) && entry.bytes > 0)
  const hashes = await hashContent(chunks, [BEGINNING_BYTES, ...entries.map((entry) => entry.bytes)], false)
  const beginning = hashes.at.get(BEGINNING_BYTES) ?? hashes.sha256
  return {
    matches: entries
      .filter((entry) => hashes.at.get(entry.bytes) === entry.sha256)
      .sort((a, b) => b.bytes - a.bytes || (a.file < b.file ? -1 : 1)),
    base: FILE_PREFIX + beginning.slice(0, ID_HEX),
  }
}

/** The first id of `base`, `base-2`, `base-3` … that no other file has. */
export function freeId(base: string, isTaken: (id: string) => boolean): string {
  let id = base
  for (let n = 2; isTaken(id); n++) id = `${base}-${n}`
  return id
}

export type ContentTracker = {
  update(block: Buffer): void
  entry(file: string, lines: number): FileEntry | undefined
}

/** Hashes content as it is read, to say at any time what was read. `floor` is an entry to start from at least. */
export function createContentTracker(floor?: FileEntry): ContentTracker {
  const hash = createHash('sha256')
  let bytes = 0
  return {
    update(block) {
      hash.update(block)
      bytes += block.length
    },
    entry(file, lines) {
      if (floor !== undefined && floor.bytes > bytes) return floor
      return bytes === 0 ? undefined : { file, bytes, lines, sha256: hash.copy().digest('hex') }
    },
  }
}
