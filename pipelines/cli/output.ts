/** How commands talk: results on standard output, everything else on standard error, one line per error. */

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}
/** An expected failure: its message is one line that says what and what to do. Exit code 1. */
export class Failure extends Error {}

/** A failure of which the line is written already; `cause` decides the exit code. */
export class Said extends Error {
  constructor(cause: unknown) {
    super('said', { cause })
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Writes to standard output and waits until it took it, so that a slow reader holds up the writer. */
export async function write(text: string | Uint8Array): Promise<void> {
  if (process.stdout.write(text)) return
  await new Promise((resolve) => process.stdout.once('drain', resolve))
}

/** A whole number with thin groups, for people. */
export function groupDigits(value: number): string {
  return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ')
}

/** Whether an error says that the disk is full, the operating system's or the engine's. */
export function isDiskFull(error: unknown): boolean {
  const message = error instanceof Error ? error.message : String(error)
  const code = (error as { code?: unknown } | null)?.code
  return code === 'ENOSPC' || /No space left on device|NOT_ENOUGH_SPACE|Cannot reserve/.test(message)
}

/** The one line for an error: what, and what to do about the kinds that users meet. */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const line = message.split('\n', 1)[0] ?? message
  const code = (error as { code?: unknown } | null)?.code
  if (isDiskFull(error)) {
    return `the disk is full: free some space and run the command again, it goes on where it stopped (${line})`
  }
  if (code === 'EACCES' || code === 'EPERM') return `${line}: check the permissions`
  if (code === 'EADDRINUSE') return `${line}: choose another port with --port`
  return line
}
