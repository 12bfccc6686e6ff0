import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openEmbedded } from '../../sql/client.ts'

/** The embedded engine in a directory of its own. A process can hold one at a time, so a test file opens one. */
export type TestDatabase = { readonly database: Database; readonly directory: string; close(): Promise<void> }

export async function openTestDatabase(): Promise<TestDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'foreshock-sql-'))
  const database = await openEmbedded(directory)
  if ('locked' in database) throw new Error(`${directory} is locked`)
  return {
    database,
    directory,
    async close() {
      await database.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
