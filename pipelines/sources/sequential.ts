import type { FileHandle } from 'node:fs/promises'
import { fileChunks, type Meter } from './chunks.ts'
import { decompress } from './decompress.ts'
import { createContentTracker } from './file-identity.ts'
import { createLineReader } from './lines.ts'
import type { Chunks, FileEntry, Source } from './source.ts'

/** How standard input is named among files. */
export const STANDARD_INPUT_NAME = '-'

/** An open file; sources read it by position, so one handle serves every pass. */
export type OpenFile = { readonly handle: FileHandle; readonly size_bytes: number; readonly name: string }

/** The decompressed content of a file, from its beginning. */
export function fileContent(file: OpenFile, meter: Meter = { bytes: 0 }): Chunks {
  return decompress(fileChunks(file.handle, file.size_bytes, file.name, meter), file.name)
}

export type FileSourceOptions = {
  readonly source_partition: string
  /** Lines up to this number are passed over: they are in the log. */
  readonly resumeAfter: number
  /** An entry that already covers more than will have been read for a while. */
  readonly floor?: FileEntry
}

/** A file read in its own order: the position is the line. Closing the source closes the file. */
export function createFileSource(file: OpenFile, options: FileSourceOptions): Source {
  const meter: Meter = { bytes: 0 }
  const tracker = createContentTracker(options.floor)
  const reader = createLineReader(fileContent(file, meter), {
    skipThrough: options.resumeAfter,
    onChunk: tracker.update,
  })
  return {
    name: file.name,
    source_partition: options.source_partition,
    live: false,
    size_bytes: file.size_bytes,
    consumedBytes: () => meter.bytes,
    read: reader.read,
    progressEntry: () => tracker.entry(options.source_partition, reader.lines()),
    async close() {
      await reader.close()
      await file.handle.close()
    },
  }
}
