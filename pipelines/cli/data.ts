import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SqlError } from '../../sql/client.ts'
import { type EmbeddedDatabase, openEmbedded } from '../../sql/embedded.ts'
import { LOCK_WAIT_MS_MAX } from '../config.ts'
import { findHolder, type Holder, HolderGone } from './holder.ts'
import { Failure } from './output.ts'

/** Reading a data directory: by opening it, or through the `run` that holds it. */

const RETRY_MS = 250
/** What ClickHouse makes: the first with the first table, the second as long as a process has the directory open. */
const ENGINE_ENTRIES = ['metadata', 'status']

/** The two ways of doing the same. Each may be called again after the holder went: `held` threw `HolderGone`. */
export type DataUse<Result> = {
  opened(database: EmbeddedDatabase): Promise<Result>
  held(holder: Holder): Promise<Result>
}

/** Fails when there is nothing to read, so that reading never makes a directory. */
export function requireData(directory: string): void {
  const stat = statSync(directory, { throwIfNoEntry: false })
  if (stat === undefined) throw new Failure(`there is no data directory ${directory}: name one with --data`)
  if (!stat.isDirectory()) throw new Failure(`${directory} is not a directory: name one with --data`)
  if (!ENGINE_ENTRIES.some((name) => existsSync(join(directory, name)))) {
    throw new Failure(`${directory} holds no data yet: ingest or run something with --data ${directory}`)
  }
}

/** One attempt: `busy` when another process holds the directory and cannot be asked. */
export async function tryData<Result>(
  directory: string,
  use: DataUse<Result>,
  { makes }: { readonly makes?: true } = {},
): Promise<{ readonly busy: true } | { readonly busy: false; readonly result: Result }> {
  if (makes !== true) requireData(directory)
  try {
    const opened = await openEmbedded(directory)
    if (!('locked' in opened)) {
      try {
        return { busy: false, result: await use.opened(opened) }
      } finally {
        await opened.close()
      }
    }
    const holder = await findHolder(directory)
    return holder === undefined ? { busy: true } : { busy: false, result: await use.held(holder) }
  } catch (error) {
    if (error instanceof HolderGone) return { busy: true }
    throw error instanceof SqlError ? new Failure(describeSqlError(error)) : error
  }
}

/** Tries for a while: whoever holds the directory may be about to end, or to answer. */
export async function withData<Result>(
  directory: string,
  use: DataUse<Result>,
  options: { readonly makes?: true } = {},
): Promise<Result> {
  const until = performance.now() + LOCK_WAIT_MS_MAX
  for (;;) {
    const attempt = await tryData(directory, use, options)
    if (!attempt.busy) return attempt.result
    if (performance.now() >= until) {
      throw new Failure(`another process holds ${directory}: stop it, or choose another directory with --data`)
    }
    await sleep(RETRY_MS)
  }
}

/** The engine's message in one line, without what it says twice. */
function describeSqlError(error: SqlError): string {
  return error.message
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/Code: \d+\. DB::Exception: /g, '')
    .replaceAll(/ \(version [^)]*\)/g, '')
    .replaceAll(/(\([A-Z_]+\))(?:\.? \1)+/g, '$1')
    .replace(/^default: /, '')
}
