import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openEmbedded } from '../../../sql/embedded.ts'
import { readDigest } from '../../../sql/queries/digest.ts'
import { BEFORE, LACKING } from '../backfill/catalogues.ts'
import { toIncoming } from '../run/events.ts'
import { historyLines } from '../run/history.ts'
import { openAt } from '../run/open.ts'
import { foreshock, queryEvent, type Running, start, startRun, stop, temporaryFolder, until } from './support.ts'

/** `verify` and `backfill` as people use them: processes of their own, with and without a `run` that holds the directory. */

const folder = temporaryFolder()
const DYING = fileURLToPath(new URL('../faults/backfill/main.ts', import.meta.url))

/** Makes a directory under the release before, which lacked a feature. */
async function makeOld(name: string, borrowers: number, days: number): Promise<string> {
  const directory = join(folder, name)
  const pipeline = await openAt(directory, { catalogue: BEFORE, withoutModel: true })
  const lines = historyLines({ borrowers, days, seed: 5 })
  await pipeline.take(toIncoming(lines, { tenant: 'default', partition: 'file:x' }), undefined)
  await pipeline.close()
  return directory
}

/** Works with a directory that no process holds. */
async function inDirectory(directory: string, work: (sql: ReturnType<Opened['session']>) => Promise<unknown>) {
  const opened = await openEmbedded(directory)
  if ('locked' in opened) throw new Error('locked')
  try {
    return await work(opened.session())
  } finally {
    await opened.close()
  }
}
type Opened = Exclude<Awaited<ReturnType<typeof openEmbedded>>, { readonly locked: true }>

/** Posts queries of borrowers of its own until told to stop; tells how many were taken. */
function postEvents(directory: string, key: string, name: string): { stop(): Promise<number> } {
  const { url } = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { url: string }
  let isStopped = false
  let accepted = 0
  const posting = (async () => {
    for (let n = 0; !isStopped; n++) {
      const events = Array.from({ length: 20 }, (_, i) => queryEvent(`${name}-${i}`, n, Date.now()))
      const response = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(events),
      })
      const answer = (await response.json()) as { counts: { accepted: number } }
      accepted += answer.counts.accepted
    }
  })()
  return {
    async stop() {
      isStopped = true
      await posting
      return accepted
    },
  }
}

async function keyOf(directory: string): Promise<string> {
  return (await foreshock('keys', 'create', '--data', directory)).stdout.trim()
}

const verify = (directory: string, ...more: string[]) => foreshock('verify', '--data', directory, ...more)
const backfill = (directory: string, ...more: string[]) =>
  foreshock('backfill', '--features', LACKING, '--data', directory, ...more)

describe('verify', () => {
  const directory = join(folder, 'live')

  it('finds nothing after a live run, while it goes on, and after it was killed and started again', async () => {
    let running: Running = await startRun(directory)
    const key = await keyOf(directory)
    let posting = postEvents(directory, key, 'first')
    await until(() => readFileSync(join(directory, 'run.json'), 'utf8') !== '', 'the run')
    const during = await verify(directory)
    expect({ code: during.code, stderr: during.stderr }).toMatchObject({ code: 0 })
    expect(during.stdout).toMatch(/^table +rows +cells +differing +missing +extra\n(.+\n){11}.* 0 rows differ; /)
    running.child.kill('SIGKILL')
    await posting.stop().catch(() => 0)
    await running.outcome

    // Without a restart: what was written beyond `progress` is not looked at.
    expect(await verify(directory)).toMatchObject({ code: 0 })
    running = await startRun(directory)
    posting = postEvents(directory, key, 'second')
    const json = await verify(directory, '--json', '--tenant', 'default')
    expect(json.code, json.stderr).toBe(0)
    expect(JSON.parse(json.stdout)).toMatchObject({ rows_differing: 0, differences: [] })
    expect(await posting.stop()).toBeGreaterThan(0)
    expect((await stop(running)).code).toBe(0)
    const after = await verify(directory)
    expect(after.code, after.stdout).toBe(0)
  })

  it('names a flipped cell and exits 1, and cleans up after one that was killed', async () => {
    await inDirectory(directory, (sql) =>
      sql.command(
        `ALTER TABLE features UPDATE hard_query_count_7d = 1000 WHERE borrower = 'second-3' AND offset IN
         (SELECT max(offset) FROM features WHERE borrower = 'second-3') SETTINGS mutations_sync = 2`,
      ),
    )
    const killed = start('verify', '--data', directory)
    await until(() => existsSync(join(directory, 'metadata', 'verify_recomputed')), 'the verify to begin')
    killed.child.kill('SIGKILL')
    expect((await killed.outcome).code).toBeNull()
    expect(existsSync(join(directory, 'metadata', 'verify_recomputed'))).toBe(true)
    const { code, stdout, stderr } = await verify(directory)
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^features tenant=default borrower=second-3 partition=\d offset=\d+ hard_query_count_7d: stored 1000, recomputed \d+\n/,
    )
    expect(stdout).toMatch(/ 1 rows differ; /)
    expect(stderr).toMatch(/1 row differs from what the log says/)
    const left = await foreshock(
      'sql',
      "SELECT name FROM system.databases WHERE name LIKE 'verify%'",
      '--data',
      directory,
    )
    expect(left).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('says what to do about a directory that is none', async () => {
    expect(await verify(join(folder, 'nothing'))).toMatchObject({ code: 1, stdout: '' })
    expect(await verify(directory, '--tenant', 'with blanks')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('backfill', () => {
  it('is handed to the run that holds the directory, which goes on taking events', async () => {
    const directory = await makeOld('held', 40, 90)
    // Nobody has started this release on it yet.
    const early = await backfill(directory)
    expect(early).toMatchObject({ code: 1, stdout: '' })
    expect(early.stderr).toMatch(/is not in force yet: start/)

    const running = await startRun(directory)
    const posting = postEvents(directory, await keyOf(directory), 'live')
    const { code, stdout, stderr } = await backfill(directory, '--json')
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ features: [LACKING], already_done: [], generation: 1 })
    expect(await posting.stop()).toBeGreaterThan(100)
    expect(await verify(directory)).toMatchObject({ code: 0 })
    const again = await backfill(directory)
    expect(again).toMatchObject({ code: 0, stdout: '' })
    expect(again.stderr).toContain('all rows have it already')
    expect((await stop(running)).code).toBe(0)
  })

  it('goes on after a kill -9 and comes to the rows of one that was not killed', async () => {
    const directory = await makeOld('killed', 40, 90)
    const undisturbed = join(folder, 'undisturbed')
    const empty = join(folder, 'empty.ndjson')
    writeFileSync(empty, '')
    expect((await foreshock('ingest', empty, '--data', directory, '--no-model')).code).toBe(0)
    cpSync(directory, undisturbed, { recursive: true })
    for (const records of [500, 2500]) {
      const child = spawn(process.execPath, [DYING, directory, LACKING, String(records)], { stdio: 'ignore' })
      expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
    }
    expect(await verify(directory)).toMatchObject({ code: 0 })
    for (const one of [directory, undisturbed]) expect(await backfill(one)).toMatchObject({ code: 0, stdout: '' })
    expect(await verify(directory)).toMatchObject({ code: 0 })
    const digests: unknown[] = []
    for (const one of [directory, undisturbed]) {
      digests.push(
        await inDirectory(one, async (sql) => {
          const lacking = 'SELECT count() AS rows FROM features WHERE generation = 0'
          expect(await sql.query(lacking)).toEqual([{ rows: 0 }])
          return (await readDigest(sql)).filter(({ table }) => table === 'features')
        }),
      )
    }
    expect(digests[0]).toEqual(digests[1])
  })

  it.each([
    [['--features', 'no_such@1'], 1, /no feature no_such@1/],
    [['--features', 'no version'], 2, /name@version/],
    [[], 2, /--features/],
  ] as const)('%j: exit %i and one line', async (args, code, reason) => {
    const outcome = await foreshock('backfill', ...args, '--data', join(folder, 'held'))
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(reason)
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
