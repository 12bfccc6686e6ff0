import type { Sql } from '../../sql/client.ts'
import { createSourceFilesBlock } from '../../sql/tables/source-files.ts'
import type { FileRegistry } from '../sources/file-identity.ts'
import type { FileEntry } from '../sources/source.ts'

/** The files known to a data directory, in the table `source_files`. */
export function createFileRegistry(sql: Sql): FileRegistry {
  const block = createSourceFilesBlock()
  return {
    list: () => sql.query<FileEntry>('SELECT file, bytes, lines, sha256 FROM source_files ORDER BY file'),
    async put(entry) {
      block.clear()
      // A file is only ever read further, so the entry that reaches furthest is the latest.
      block.append({ ...entry, version: entry.bytes })
      await sql.insertBlock('source_files', block)
    },
  }
}
