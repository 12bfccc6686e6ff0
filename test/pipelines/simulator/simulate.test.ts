import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SimulateProgress, simulate } from '../../../pipelines/simulator/simulate.ts'
import { linesOf } from './replay.ts'

const PORTFOLIO = { seed: 2, borrowers: 20, start: '2024-01-31' }
/** To 2024-03-30, the day before two months have passed. */
const DAYS = 60

describe('writing a simulated portfolio', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'foreshock-simulate-'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true })
  })

  it('writes whole months, plain or compressed by the name, and leaves nothing else', async () => {
    const expected = linesOf(PORTFOLIO, DAYS)
    const out = (name: string) => join(directory, name)
    const progress: SimulateProgress[] = []
    const summary = await simulate({
      ...PORTFOLIO,
      months: 2,
      out: out('events.ndjson'),
      onProgress: (one) => progress.push(one),
    })
    expect(summary).toMatchObject({ days: DAYS, bytes: expected.length, events: expected.split('\n').length - 1 })
    expect(progress).toHaveLength(DAYS)
    expect(progress.at(-1)).toMatchObject({
      days_done: DAYS,
      days: DAYS,
      events: summary.events,
      day: summary.last_day,
    })
    await simulate({ ...PORTFOLIO, months: 2, out: out('events.ndjson.gz') })
    await simulate({ ...PORTFOLIO, months: 2, out: out('events.ndjson.zst') })
    expect(await readFile(out('events.ndjson'), 'utf8')).toBe(expected)
    expect(gunzipSync(await readFile(out('events.ndjson.gz'))).toString()).toBe(expected)
    expect(zstdDecompressSync(await readFile(out('events.ndjson.zst'))).toString()).toBe(expected)
    expect((await readdir(directory)).sort()).toEqual(['events.ndjson', 'events.ndjson.gz', 'events.ndjson.zst'])
  })

  it('fails with the system’s error where it cannot write, without a trace', async () => {
    const missing = join(directory, 'missing', 'events.ndjson')
    await expect(simulate({ ...PORTFOLIO, months: 1, out: missing })).rejects.toMatchObject({ code: 'ENOENT' })
    // The device that is always full.
    const full = simulate({ ...PORTFOLIO, borrowers: 200, months: 3, out: '/dev/full' })
    await expect(full).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  it('refuses a number of months that is none', async () => {
    await expect(simulate({ ...PORTFOLIO, months: 0 })).rejects.toThrow('months')
  })

  it('writes to standard output without a name, and says so when nobody reads on', async () => {
    const run = (borrowers: number) => {
      const module = new URL('../../../pipelines/simulator/simulate.ts', import.meta.url).href
      const options = JSON.stringify({ ...PORTFOLIO, borrowers, months: 2 })
      const script =
        `import { simulate } from ${JSON.stringify(module)}\n` +
        `await simulate(${options}).catch((error) => { console.error(error.code); process.exitCode = 1 })`
      return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
    }
    const whole = run(PORTFOLIO.borrowers)
    let text = ''
    whole.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    expect(await once(whole, 'close')).toEqual([0, null])
    expect(text).toBe(linesOf(PORTFOLIO, DAYS))

    const cut = run(500)
    let said = ''
    cut.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
    cut.stdout.once('data', () => cut.stdout.destroy())
    expect(await once(cut, 'close')).toEqual([1, null])
    expect(said).toContain('EPIPE')
  })
})
