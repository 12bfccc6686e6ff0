import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('child/main.ts', import.meta.url))
const COMMAND_LINE = fileURLToPath(new URL('../../pipelines/cli/main.ts', import.meta.url))
const LOOK_AGAIN_MS = 50

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** A process of a cluster. */
export class Running {
  readonly #child: ChildProcess
  readonly exit: Promise<Exit>
  ended: Exit | undefined
  stderr = ''

  constructor(main: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'ignore', 'pipe'] })
    // Its end tells the child that this process is gone.
    this.#child.stdin?.on('error', () => {})
    this.exit = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => {
        this.ended = { code, signal }
        resolve(this.ended)
      })
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
  }

  /** Waits until it has said something. Throws when it ends without that. */
  async said(pattern: RegExp, msMax = 60_000): Promise<void> {
    await until(
      () => {
        if (pattern.test(this.stderr)) return true
        if (this.ended === undefined) return false
        throw new Error(`the process ended (${JSON.stringify(this.ended)}) before it said ${pattern}: ${this.stderr}`)
      },
      `it says ${pattern}`,
      msMax,
    )
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it at once, whatever it is at. */
  async end(): Promise<void> {
    this.kill('SIGCONT')
    this.kill('SIGKILL')
    await this.exit
  }

  /** Ends it as operators do, and gives how it ended. */
  async stop(): Promise<Exit> {
    this.kill('SIGTERM')
    return this.exit
  }

  /** Bytes of memory that it holds now. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
  }
}

/** A process with points at which it may die. */
export function startChild(args: readonly string[]): Running {
  return new Running(CHILD, args)
}

/** The command as operators run it. */
export function startCommand(args: readonly string[]): Running {
  return new Running(COMMAND_LINE, args)
}

/** Waits until something holds. A question that is not answered counts as one that is answered with no. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  msMax = 60_000,
  everyMs = LOOK_AGAIN_MS,
): Promise<void> {
  const late = new Error(`not within ${msMax} ms: ${what}`)
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(() => over.reject(late), msMax)
  try {
    while (!(await Promise.race([holds(), over.promise]))) await Promise.race([pause(everyMs), over.promise])
  } finally {
    clearTimeout(timer)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
