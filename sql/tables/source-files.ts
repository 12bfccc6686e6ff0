import { createBlock, type RowBlock } from '../native.ts'

/** One row per source file that intake has read, as of the latest reading. */
export const SOURCE_FILES_COLUMNS = {
  file: 'String',
  bytes: 'UInt64',
  lines: 'UInt64',
  sha256: 'String',
  version: 'UInt64',
} as const

export type SourceFilesBlock = RowBlock<typeof SOURCE_FILES_COLUMNS>

/** An empty block for `insertBlock('source_files', …)`. */
export function createSourceFilesBlock(): SourceFilesBlock {
  return createBlock(SOURCE_FILES_COLUMNS)
}
