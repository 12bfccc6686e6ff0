import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const INGEST = fileURLToPath(new URL('ingest/main.ts', import.meta.url))
const COMMAND_LINE = fileURLToPath(new URL('../../../pipelines/cli/main.ts', import.meta.url))

/** Whether a process should die now: asked each time it has taken more lines (−1: it has only just been started). */
export type Executioner = (lines: number) => { readonly afterMs: number } | undefined

export type Ended = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** Lines that it said it had taken. */
  readonly lines: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the ingesting process, and kills it where the executioner says so. */
export function runIngest(file: string, directory: string, executioner: Executioner): Promise<Ended> {
  return run([INGEST, file, directory], executioner)
}

/** Runs the command as users do. */
export function runCommand(...args: string[]): Promise<Ended> {
  return run([COMMAND_LINE, ...args], () => undefined)
}

function run(args: readonly string[], executioner: Executioner): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    let lines = 0
    let isSentenced = false
    function ask(taken: number): void {
      const sentence = isSentenced ? undefined : executioner(taken)
      if (sentence === undefined) return
      isSentenced = true
      setTimeout(() => child.kill('SIGKILL'), sentence.afterMs)
    }
    ask(-1)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      lines = Number(/(\d+)\n[^\n]*$/.exec(stdout)?.[1] ?? 0)
      ask(lines)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, lines, stdout, stderr }))
  })
}
