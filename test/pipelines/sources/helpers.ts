import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll } from 'vitest'
import type { FileRegistry } from '../../../pipelines/sources/file-identity.ts'
import type {
  Chunks,
  FileEntry,
  ReadOutcome,
  Source,
  SourceFailure,
  SourceItem,
} from '../../../pipelines/sources/source.ts'

/** A folder that is gone after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'foreshock-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Content cut at the given sizes, again and again. */
export async function* inChunks(content: Buffer, sizes: readonly number[], failure?: SourceFailure): Chunks {
  let at = 0
  for (let i = 0; at < content.length; i++) {
    const size = Math.max(1, sizes[i % sizes.length] ?? content.length)
    // Copies, so that a view which reaches over a block's end would show.
    yield Buffer.from(content.subarray(at, at + size))
    at += size
  }
  return failure
}

export type Drained = { readonly items: readonly SourceItem[]; readonly last: ReadOutcome }

/** Everything that a source or a line reader gives, read in batches of the given size. */
export async function drain(reader: { read(max: number): Promise<ReadOutcome> }, batch = 1000): Promise<Drained> {
  const items: SourceItem[] = []
  for (;;) {
    const outcome = await reader.read(batch)
    if (outcome.kind !== 'items') return { items, last: outcome }
    if (outcome.items.length === 0 || outcome.items.length > batch) throw new Error('a batch of a wrong size')
    items.push(...outcome.items)
  }
}

export async function drainAndClose(source: Source, batch?: number): Promise<Drained> {
  const drained = await drain(source, batch)
  await source.close()
  return drained
}

export const textOf = (item: { readonly bytes: Uint8Array }): string => Buffer.from(item.bytes).toString('utf8')

/** The registry as a map. */
export function createMemoryRegistry(): FileRegistry & { readonly entries: Map<string, FileEntry> } {
  const entries = new Map<string, FileEntry>()
  return {
    entries,
    list: async () => [...entries.values()],
    put: async (entry) => {
      entries.set(entry.file, entry)
    },
  }
}

export const TENANT = 'default'
export const TIME_START = Date.UTC(2024, 0, 1)

/** One event as a line; `time` is minutes after TIME_START. */
export function eventLine(id: string, minutes: number, padding = ''): string {
  return JSON.stringify({
    id,
    source: 'test',
    type: 'transaction.posted',
    time: TIME_START + minutes * 60_000,
    subject: 'b1',
    data: { account: 'a1', direction: 'in', currency: 'CNY', amount_minor: 1, ...(padding && { category: padding }) },
  })
}

export const pack = {
  plain: (content: Buffer) => content,
  gz: (content: Buffer) => gzipSync(content),
  zst: (content: Buffer) => zstdCompressSync(content),
} as const
export type Packing = keyof typeof pack
export const PACKINGS = Object.keys(pack) as Packing[]
