import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const MAIN = new URL('../../../pipelines/cli/main.ts', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'foreshock-start-'))
const TIMEOUT_MS = 120_000
const SMALL = ['--source', 'simulator', '--borrowers', '60', '--months', '3', '--day-seconds', '0.1']

afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Started = { readonly child: ChildProcess; readonly text: () => string; readonly log: () => string }

function start(args: readonly string[]): Started {
  const child = spawn(process.execPath, [MAIN, 'run', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  let log = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString()
  })
  return { child, text: () => text, log: () => log }
}

async function until(what: () => boolean, started: Started): Promise<void> {
  while (!what()) {
    if (started.child.exitCode !== null) throw new Error(`ended with ${started.child.exitCode}: ${started.log()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function stop({ child }: Started): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode
  child.kill('SIGINT')
  await once(child, 'close')
  return child.exitCode
}

/** Does what a printed curl line does. */
async function paste(line: string): Promise<Response> {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  const url = words.find((word) => word.startsWith('http')) ?? ''
  const header = words[words.indexOf('-H') + 1] ?? ''
  const [name, value] = header.split(/: ?/, 2) as [string, string]
  return fetch(url, { headers: { [name]: value } })
}

describe('npm start', () => {
  it(
    'shows history, a summary and lines that work when pasted; time runs on; the next start goes on from there',
    async () => {
      const args = ['--data', join(folder, 'data'), '--port', '0', ...SMALL]
      const first = start(args)
      await until(() => first.text().includes('/v1/warnings/stream'), first)
      for (const word of ['borrowers', 'events', 'warnings', 'dead letters']) expect(first.log()).toContain(word)
      const [warnings, ...others] = first
        .text()
        .split('\n')
        .filter((line) => line.startsWith('curl '))
      const answer = await paste(warnings as string)
      expect(answer.status).toBe(200)
      expect(Object.keys((await answer.json()) as object)).toEqual(expect.arrayContaining(['warnings', 'next']))
      for (const line of others) {
        const response = await paste(line)
        expect(response.status, line).toBe(200)
        await response.body?.cancel()
      }
      await until(() => /2024-04-02 {2}/.test(first.log()), first)
      expect(await stop(first)).toBe(0)
      const lastDay = [...first.log().matchAll(/(\d{4}-\d{2}-\d{2}) {2}/g)].at(-1)?.[1] as string

      const second = start(args)
      await until(() => /\d{4}-\d{2}-\d{2} {2}/.test(second.log()), second)
      expect(await stop(second)).toBe(0)
      // No key is shown again, and no day passes twice.
      expect(second.text()).not.toMatch(/fsk_\w{8}/)
      const nextDay = /(\d{4}-\d{2}-\d{2}) {2}/.exec(second.log())?.[1] as string
      expect(nextDay > lastDay).toBe(true)
    },
    TIMEOUT_MS,
  )
})

describe('run', () => {
  it(
    'takes events by HTTP, answers when they are durable, and shows the warning they make at once',
    async () => {
      const started = start(['--data', join(folder, 'http'), '--port', '0'])
      await until(() => started.text().includes('/v1/warnings/stream'), started)
      const url = /listens on (\S+)/.exec(started.text())?.[1] as string
      const key = /fsk_\w+/.exec(started.text())?.[0] as string
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const now = Date.now()
      const enforcement = {
        id: 'e-1',
        source: 'court',
        type: 'signal.reported',
        time: now,
        subject: 'b-1',
        data: { kind: 'enforcement', reported_at: now },
      }
      const tooFar = { ...enforcement, id: 'e-2', time: now + 3 * 86_400_000 }
      const body = JSON.stringify([enforcement, { ...enforcement, id: 'e-3', data: {} }, tooFar])
      const posted = await fetch(`${url}/v1/events`, { method: 'POST', headers, body })
      expect(await posted.json()).toMatchObject({
        results: [
          { id: 'e-1', status: 'accepted' },
          { status: 'refused', reason: 'invalid_field' },
          { id: 'e-2', status: 'refused', reason: 'future' },
        ],
      })
      const again = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: JSON.stringify(enforcement) })
      expect(await again.json()).toMatchObject({ results: [{ id: 'e-1', status: 'repeat' }] })
      const page = (await (await fetch(`${url}/v1/warnings?wait=10`, { headers })).json()) as {
        warnings: { borrower: string; signals: { signal: string }[] }[]
      }
      expect(page.warnings.map((row) => row.borrower)).toEqual(['b-1'])
      const view = (await (await fetch(`${url}/v1/borrowers/b-1`, { headers })).json()) as {
        features: Record<string, number | null>
      }
      expect(view.features).toMatchObject({ enforcement_count_365d: 1, balance_last: null })
      expect(await stop(started)).toBe(0)
    },
    TIMEOUT_MS,
  )

  it(
    'says in one line that the port is taken, and leaves nothing that the next start trips over',
    async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      const data = join(folder, 'port')
      const taken = start(['--data', data, '--port', `${port}`])
      await once(taken.child, 'close')
      expect(taken.child.exitCode).toBe(1)
      expect(taken.log()).toMatch(/EADDRINUSE.*--port/)
      expect(taken.log().trim().split('\n')).toHaveLength(1)
      server.close()
      const free = start(['--data', data, '--port', '0'])
      await until(() => free.text().includes('listens on'), free)
      expect(await stop(free)).toBe(0)
    },
    TIMEOUT_MS,
  )

  it(
    'says in one line that another process holds the directory',
    async () => {
      const data = join(folder, 'held')
      const holder = start(['--data', data, '--port', '0'])
      await until(() => holder.text().includes('listens on'), holder)
      const second = start(['--data', data, '--port', '0'])
      await once(second.child, 'close')
      expect(second.child.exitCode).toBe(1)
      expect(second.log().trim().split('\n')).toHaveLength(1)
      expect(second.log()).toContain('another process holds')
      expect(await stop(holder)).toBe(0)
    },
    TIMEOUT_MS,
  )

  it(
    'ends with 2 on wrong usage',
    async () => {
      const wrong = start(['--data', join(folder, 'usage'), '--port', 'x'])
      await once(wrong.child, 'close')
      expect(wrong.child.exitCode).toBe(2)
      expect(wrong.log()).toContain('--port')
    },
    TIMEOUT_MS,
  )
})
