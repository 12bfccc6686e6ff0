import { spawn } from 'node:child_process'
import { closeSync, constants, createReadStream, fstatSync, openSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { isatty } from 'node:tty'

const DESCRIPTOR = 0
const OURS = `/proc/self/fd/${DESCRIPTOR}`

/**
 * Keeps standard input from the embedded engine. Whenever that inserts, it looks at descriptor 0 by itself and takes what waits
 * there for rows (a terminal it leaves alone). So the descriptor is made to lead nowhere, and `process.stdin`, where it is
 * wanted, to another one. To be called before anything else uses either.
 */
export function moveStandardInput(isWanted: boolean): void {
  if (isatty(DESCRIPTOR)) return
  const open = isWanted ? moved() : undefined
  closeSync(DESCRIPTOR)
  // The system gives the lowest number that is free.
  if (openSync('/dev/null', 'r') !== DESCRIPTOR) throw new Error('standard input could not be put aside')
  if (open === undefined) return
  const stream = open()
  Object.defineProperty(process, 'stdin', { configurable: true, enumerable: true, get: () => stream })
}

/** Whether a command line names standard input. */
export function wantsStandardInput(argv: readonly string[]): boolean {
  return argv.some((argument) => argument === '-' || argument.endsWith('=-'))
}

/** Takes hold of what descriptor 0 leads to; what it gives makes the stream of it once the descriptor is another. */
function moved(): () => Readable {
  const kind = fstatSync(DESCRIPTOR)
  if (kind.isFIFO()) {
    // A pipe whose writer has gone already must not be waited for.
    const fd = openSync(OURS, constants.O_RDONLY | constants.O_NONBLOCK)
    return () => new Socket({ fd, readable: true, writable: false })
  }
  if (kind.isFile()) {
    // Opened anew it begins at its beginning: whoever had it before may have read some of it.
    const start = Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${DESCRIPTOR}`, 'utf8'))?.[1] ?? 0)
    const fd = openSync(OURS, 'r')
    return () => createReadStream('', { fd, start })
  }
  // A socket cannot be opened by name; a process that is given it passes on what comes.
  const { stdout } = spawn('cat', { stdio: ['inherit', 'pipe', 'inherit'] })
  return () => stdout
}
