import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createGzip } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { eventLine, temporaryFolder } from './helpers.ts'

const folder = temporaryFolder()
const run = promisify(execFile)

/** How much more a file of 60 MB may cost at its peak than one of 20 MB, where collecting has found its level. */
const PEAK_DIFFERENCE_MB_MAX = 25
const ROUND = Array.from({ length: 1000 }, (_, i) => `${eventLine(`event-${i}`, i, 'x'.repeat(100))}\n`).join('')

async function writeEvents(name: string, megabytes: number): Promise<string> {
  const path = join(folder, name)
  const file = createWriteStream(path)
  const stream = new PassThrough()
  if (name.endsWith('.gz')) stream.pipe(createGzip({ level: 1 })).pipe(file)
  else stream.pipe(file)
  for (let bytes = 0; bytes < megabytes * 1_000_000; bytes += ROUND.length) {
    if (!stream.write(ROUND)) await once(stream, 'drain')
  }
  // One line as long as a third of it, which must not be held either.
  for (let i = 0; i < megabytes / 3; i++) stream.write('x'.repeat(1_000_000))
  stream.end()
  await finished(file)
  return path
}

/** What the process reads with: one source, or the merge, which decodes as well. */
type Reading = 'source' | 'merge'

/** Peak resident memory of a process that opens a file, reads it and counts. */
async function peakMegabytes(path: string, reading: Reading, sort: boolean) {
  const sources = new URL('../../../pipelines/sources/', import.meta.url).href
  const script = `
    const { openSources } = await import('${sources}open.ts')
    const { mergeSources } = await import('${sources}merge.ts')
    const registry = { list: async () => [], put: async () => {} }
    const outcome = await openSources(['${path}'], registry, { sort: ${sort} })
    const reader = ${reading === 'merge' ? "mergeSources(outcome.sources, 'default')" : 'outcome.sources[0]'}
    let items = 0
    for (;;) {
      const batch = await reader.read(4096)
      if (batch.kind !== 'items') break
      items += batch.items.length
    }
    await reader.close()
    console.log(JSON.stringify({ items, megabytes: process.resourceUsage().maxRSS / 1024 }))`
  const flags = ['--max-semi-space-size=2', '--max-old-space-size=64', '--input-type=module', '-e', script]
  const { stdout } = await run(process.execPath, flags)
  return JSON.parse(stdout) as { items: number; megabytes: number }
}

describe('memory stays flat while a file grows', () => {
  test.each([
    ['plain and decoded', '', 'merge', false],
    ['packed', '.gz', 'source', false],
    ['packed and sorted', '.gz', 'source', true],
  ] as const)('%s', { timeout: 120_000 }, async (_, ending, reading, sort) => {
    const small = await peakMegabytes(await writeEvents(`small${ending}`, 20), reading, sort)
    const large = await peakMegabytes(await writeEvents(`large${ending}`, 60), reading, sort)
    expect(large.items).toBeGreaterThan(200_000)
    expect(small.items).toBeLessThan(large.items / 2)
    expect(large.megabytes - small.megabytes).toBeLessThan(PEAK_DIFFERENCE_MB_MAX)
  })
})
