import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { transaction } from '../run/events.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const COMMAND_LINE = fileURLToPath(new URL('../../../pipelines/cli/main.ts', import.meta.url))
const EVENTS = 2000
const TEST_MS_MAX = 120_000
const folder = temporaryFolder()
const lines = Array.from(
  { length: EVENTS },
  (_, i) => `${JSON.stringify(transaction(`t-${i}`, Date.UTC(2024, 0, 1) + i * 60_000, `b-${i % 7}`))}\n`,
).join('')
const file = join(folder, 'events.ndjson')
writeFileSync(file, lines)
let directories = 0

function ingest(source: string): string[] {
  return [COMMAND_LINE, 'ingest', source, '--data', join(folder, `data-${directories++}`), '--json', '--no-model']
}

async function eventsOf({ stdout, stderr }: ChildProcess): Promise<unknown> {
  if (stdout === null || stderr === null) throw new Error('its output is read')
  const [said, complaint] = await Promise.all([text(stdout), text(stderr)])
  return said === '' ? complaint : (JSON.parse(said) as { events: number }).events
}

// The embedded engine reads descriptor 0 whenever it inserts, and takes what it finds for rows.
it.concurrent.each(['a pipe', 'a pipe of which some was read', 'a file', 'a socket'])(
  'all that comes through %s is taken, though it waits there before the engine is ready',
  async (way) => {
    const quoted = ingest('-')
      .map((word) => `'${word}'`)
      .join(' ')
    const shell = (script: string) => spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    const node = `'${process.execPath}' ${quoted}`
    if (way === 'a pipe') expect(await eventsOf(shell(`cat '${file}' | ${node}`))).toBe(EVENTS)
    else if (way === 'a file') {
      const child = spawn(process.execPath, ingest('-'), { stdio: [openSync(file, 'r'), 'pipe', 'pipe'] })
      expect(await eventsOf(child)).toBe(EVENTS)
    } else if (way === 'a socket') {
      const child = spawn(process.execPath, ingest('-'), { stdio: ['pipe', 'pipe', 'pipe'] })
      child.stdin.end(lines)
      expect(await eventsOf(child)).toBe(EVENTS)
    } else expect(await eventsOf(shell(`cat '${file}' | { read line; ${node}; }`))).toBe(EVENTS - 1)
  },
  TEST_MS_MAX,
)
