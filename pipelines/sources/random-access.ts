import type { FileHandle } from 'node:fs/promises'
import { errorCode } from './chunks.ts'
import type { SourceItem } from './source.ts'

/** Lines that lie closer together than this are read with one read. */
const GAP_BYTES_MAX = 4096
/** Most bytes of one read that serves several lines. */
const READ_BYTES_MAX = 1024 * 1024
/** Reads under way at a time: as many as the thread pool takes by default. */
const READS_MAX = 4

/** A line by its place in a file. */
export type StoredLine = {
  readonly length: number
  readonly item: Pick<SourceItem, 'line' | 'offset' | 'unterminated' | 'oversized'>
}

type Group = { readonly first: number; readonly last: number; readonly from: number; readonly to: number }

/**
 * Reads lines that may lie anywhere in a file, in the order given. Memory is bounded by the caller's batch: the lines
 * themselves and at most GAP_BYTES_MAX between two of them.
 */
export async function readLines(
  handle: FileHandle,
  lines: readonly StoredLine[],
): Promise<{ readonly bytes: readonly Uint8Array[] } | { readonly failed: string }> {
  const order = lines.map((_, i) => i).sort((a, b) => lines[a]!.item.offset - lines[b]!.item.offset)
  const groups = groupNear(lines, order)
  const bytes = new Array<Uint8Array>(lines.length)
  let next = 0
  let failed: string | undefined

  async function work(): Promise<void> {
    while (failed === undefined && next < groups.length) {
      const group = groups[next++]!
      const block = Buffer.allocUnsafeSlow(group.to - group.from)
      const problem = await fill(handle, block, group.from)
      if (problem !== undefined) {
        failed = problem
        return
      }
      for (let i = group.first; i <= group.last; i++) {
        const line = lines[order[i]!]!
        bytes[order[i]!] = new Uint8Array(block.buffer, block.byteOffset + line.item.offset - group.from, line.length)
      }
    }
  }

  await Promise.all(Array.from({ length: READS_MAX }, work))
  return failed === undefined ? { bytes } : { failed }
}

function groupNear(lines: readonly StoredLine[], order: readonly number[]): Group[] {
  const groups: Group[] = []
  let first = 0
  while (first < order.length) {
    const from = lines[order[first]!]!.item.offset
    let to = from + lines[order[first]!]!.length
    let last = first
    while (last + 1 < order.length) {
      const { item, length } = lines[order[last + 1]!]!
      if (item.offset - to > GAP_BYTES_MAX || item.offset + length - from > READ_BYTES_MAX) break
      to = item.offset + length
      last++
    }
    groups.push({ first, last, from, to })
    first = last + 1
  }
  return groups
}

async function fill(handle: FileHandle, block: Buffer, from: number): Promise<string | undefined> {
  try {
    for (let filled = 0; filled < block.length; ) {
      const { bytesRead } = await handle.read(block, filled, block.length - filled, from + filled)
      if (bytesRead === 0) return 'it became shorter'
      filled += bytesRead
    }
  } catch (error) {
    return errorCode(error)
  }
  return undefined
}
