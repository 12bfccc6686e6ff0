import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../../sql/client.ts'
import { openEmbedded } from '../../../sql/embedded.ts'
import { foreshock, queryEvent, start, startRun, stop, temporaryFolder, until, writeQueries } from './support.ts'

const folder = temporaryFolder()
const data = join(folder, 'data')

beforeAll(async () => {
  writeQueries(join(folder, 'first.ndjson'), 'first', 1)
  const { code, stderr } = await foreshock('ingest', join(folder, 'first.ndjson'), '--data', data, '--no-model')
  expect(code, stderr).toBe(0)
})

/** This process holds the directory, as any command does that does not serve it. */
async function hold(): Promise<Database> {
  const opened = await openEmbedded(data)
  if ('locked' in opened) throw new Error('locked')
  return opened
}

let database: Database | undefined
afterEach(() => database?.close())

const sql = () => foreshock('sql', 'SELECT 1', '--data', data)

/** The cursor is the last line. Where two processes open at the same instant the engine may say so before it. */
const CURSOR_LAST = /(?:^|\n)cursor \S+\n$/

describe('a directory that another process holds', () => {
  it('is tried for 5 s, then exit 1 and one line; a stranger at the address in an old run.json is told nothing', async () => {
    const requests: string[] = []
    const stranger = createServer((request, response) => {
      requests.push(request.url ?? '')
      response.end('{}')
    })
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    database = await hold()
    // A run that was killed left it; the holder is another process now.
    const url = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    writeFileSync(join(data, 'run.json'), JSON.stringify({ pid: process.pid + 1, url, operator_token: 'secret' }))
    const started = performance.now()
    const { code, stdout, stderr } = await sql()
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe(`another process holds ${data}: stop it, or choose another directory with --data\n`)
    expect(performance.now() - started).toBeGreaterThan(5000)
    expect(requests).toEqual([])
    stranger.close()
  })

  it('is read as soon as it is let go', async () => {
    database = await hold()
    writeFileSync(join(data, 'run.json'), 'nonsense')
    const asked = sql()
    await sleep(2000)
    await database.close()
    expect(await asked).toEqual({ code: 0, stdout: '1\n', stderr: '' })
  })

  it('is read through a run that does not answer yet, once it does', async () => {
    database = await hold()
    const server = createServer((request, response) => {
      response.end(request.url === '/livez' ? 'ok' : `${request.headers.authorization}\n`)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    server.close()
    const run = { pid: process.pid, url: `http://127.0.0.1:${port}`, operator_token: 'secret' }
    writeFileSync(join(data, 'run.json'), JSON.stringify(run))
    const asked = sql()
    await sleep(2000)
    server.listen(port, '127.0.0.1')
    expect(await asked).toEqual({ code: 0, stdout: 'Bearer secret\n', stderr: '' })
    server.close()
  })
})

describe('a run that was killed', () => {
  it('leaves a directory that can be read at once, its run.json notwithstanding', async () => {
    const running = await startRun(data)
    running.child.kill('SIGKILL')
    await running.outcome
    expect(await sql()).toEqual({ code: 0, stdout: '1\n', stderr: '' })
  })
})

describe('a run that stops while it is followed', () => {
  it('does not end the following', async () => {
    const running = await startRun(data)
    const following = start('feed', '--follow', '--data', data)
    // The row of the first file has come, so it asks the run by now.
    await until(() => following.output.stdout !== '', 'the first row')
    await stop(running)
    await sleep(1500)
    expect(following.child.exitCode).toBeNull()
    following.child.kill('SIGINT')
    const { code, stderr } = await following.outcome
    expect(code).toBe(0)
    expect(stderr).toMatch(CURSOR_LAST)
  })
})

describe('feed --follow', () => {
  it('shows what comes, whoever writes it, each row once, until Ctrl-C', async () => {
    const file = join(folder, 'queries.ndjson')
    const following = start('feed', '--follow', '--data', data)
    const rows = () =>
      following.output.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { id: string; tenant: string; borrower: string })

    // Nobody holds the directory; then an ingest does for a while.
    writeQueries(file, 'file', 2)
    expect((await foreshock('ingest', file, '--data', data, '--no-model')).code).toBe(0)
    await until(() => rows().filter(({ borrower }) => borrower.startsWith('file-')).length >= 4, 'the rows of the file')

    // Then a run, which takes events by HTTP.
    const running = await startRun(data)
    const { url } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as { url: string }
    const key = (await foreshock('keys', 'create', '--data', data, '--tenant', 'live')).stdout.trim()
    const post = async (query: number) => {
      const response = await fetch(`${url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(queryEvent('live-0', query, Date.now())),
      })
      expect(response.status, await response.text()).toBe(200)
    }
    for (let query = 0; query < 16; query++) await post(query)
    // A second later, so that the tables have what came before.
    await sleep(1100)
    await post(16)
    await until(() => rows().some(({ tenant }) => tenant === 'live'), 'the row of the event by HTTP')
    following.child.kill('SIGINT')
    const { code, stderr } = await following.outcome
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(CURSOR_LAST) as string })
    expect((await stop(running)).code).toBe(0)

    const ids = rows().map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const cursor = /^cursor (\S+)$/m.exec(stderr)?.[1] ?? ''
    expect(await foreshock('feed', '--data', data, '--after', cursor)).toMatchObject({ code: 0, stdout: '' })
  })
})
