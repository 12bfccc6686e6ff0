import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, vi } from 'vitest'

/** The command line as people use it: a process of its own. */

const MAIN = fileURLToPath(new URL('../../../pipelines/cli/main.ts', import.meta.url))
const RUN_READY_MS_MAX = 30_000

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type Running = {
  readonly child: ChildProcess
  /** What it wrote so far. */
  readonly output: { stdout: string; stderr: string }
  readonly outcome: Promise<Outcome>
}

// Every command is a process, which takes a second to start, and several where the machine is busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** A test that failed must not leave its processes behind. */
const alive = new Set<ChildProcess>()
afterAll(() => {
  for (const child of alive) child.kill('SIGKILL')
})

/** Starts a command and leaves it running. */
export function start(...args: readonly string[]): Running {
  return startNode(MAIN, ...args)
}

/** Starts Node itself, with the command line of another copy or a script. */
export function startNode(...args: readonly string[]): Running {
  return follow(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
}

function follow(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Running {
  alive.add(child)
  child.once('close', () => alive.delete(child))
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const outcome = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  return { child, output, outcome }
}

/** Runs a command to its end. */
export function foreshock(...args: readonly string[]): Promise<Outcome> {
  return start(...args).outcome
}

/** Runs a command to its end, with this on its standard input. */
export function foreshockReading(input: string, ...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  return follow(child).outcome
}

/** Waits until something is so. */
export async function until(condition: () => boolean, what: string, limitMs = RUN_READY_MS_MAX): Promise<void> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`)
    await sleep(20)
  }
}

/** Starts `run` on a free port and waits until it answers; `main` is the command line of another copy. */
export async function startRun(directory: string, main = MAIN): Promise<Running> {
  const runFile = join(directory, 'run.json')
  const running = startNode(main, 'run', '--data', directory, '--port', '0', '--no-model')
  try {
    const isServed = () => existsSync(runFile) && readFileSync(runFile, 'utf8').includes(`"pid":${running.child.pid},`)
    await until(() => isServed() || running.child.exitCode !== null, 'run.json')
    if (running.child.exitCode !== null) throw new Error(running.output.stderr)
  } catch (error) {
    running.child.kill('SIGKILL')
    throw error
  }
  return running
}

/** Stops it as Ctrl-C does. */
export async function stop(running: Running): Promise<Outcome> {
  running.child.kill('SIGINT')
  return running.outcome
}

/** A folder that goes when the file's tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'foreshock-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const DAY_MS = 86_400_000
const FIRST_MS = Date.UTC(2024, 2, 1, 4)

/**
 * Writes a file of events: each borrower is asked about by another lender day after day, which opens a warning and
 * raises it. Borrowers begin one after the other, so that warnings of different borrowers alternate.
 */
export function writeQueries(path: string, prefix: string, borrowers: number, shiftMs = 0): void {
  const events: { time: number }[] = []
  for (let borrower = 0; borrower < borrowers; borrower++) {
    for (let query = 0; query < 16; query++) {
      const time = FIRST_MS + query * DAY_MS + borrower * 60_000 + shiftMs
      events.push(queryEvent(`${prefix}-${borrower}`, query, time))
    }
  }
  const lines = events.sort((a, b) => a.time - b.time).map((event) => JSON.stringify(event))
  writeFileSync(path, `${lines.join('\n')}\n`)
}

export function queryEvent(borrower: string, query: number, time: number) {
  return {
    id: `${borrower}-${query}`,
    source: 'bureau',
    type: 'bureau.queried',
    time,
    subject: borrower,
    data: { institution: `lender-${query}`, institution_type: 'online', reason: 'loan_approval', queried_at: time },
  }
}
