import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Event, EventOf, EventType } from '../../../../features/events/contract.ts'
import { decodeText } from '../../../../features/events/decode.ts'
import { importBerka } from '../../../../pipelines/importers/berka/import.ts'

export const FIXTURE = fileURLToPath(new URL('../../../fixtures/berka', import.meta.url))
export const FIXTURE_TRANSACTIONS = 'trans_1995-01_truncated.asc'

/** Imports a folder that must be importable; every line must decode without losing a field. */
export async function imported(directory: string) {
  const lines: string[] = []
  const outcome = await importBerka({ directory, write: (line) => void lines.push(line) })
  if (!outcome.ok) throw new Error(`${outcome.reason}: ${outcome.detail}`)
  return { lines, events: lines.map(decoded), summary: outcome.summary }
}

export function decoded(line: string): Event {
  const result = decodeText(line, 'default')
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}: ${line}`)
  if (result.dropped_fields > 0) throw new Error(`a field was dropped: ${line}`)
  return result.event
}

export function ofType<Type extends EventType>(events: readonly Event[], type: Type): EventOf<Type>[] {
  return events.filter((event) => event.type === type) as unknown as EventOf<Type>[]
}

/** A copy of the fixture in a temporary folder, removed after the test. */
export async function copyOfFixture(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'berka-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await cp(FIXTURE, directory, { recursive: true })
  return directory
}

/** Changes one file of a folder. */
export async function edit(directory: string, file: string, change: (text: string) => string): Promise<void> {
  const path = join(directory, file)
  await writeFile(path, change(await readFile(path, 'latin1')), 'latin1')
}

/** Adds whole rows before the cut one of the fixture's transaction file. */
export function addRows(directory: string, ...rows: string[]): Promise<void> {
  return edit(directory, FIXTURE_TRANSACTIONS, (text) => {
    const end = text.lastIndexOf('\r\n') + 2
    return text.slice(0, end) + rows.map((row) => `${row}\r\n`).join('') + text.slice(end)
  })
}
