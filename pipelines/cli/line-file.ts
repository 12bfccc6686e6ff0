import { once } from 'node:events'
import { createWriteStream, statSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import { write } from './output.ts'

/** So much text is gathered before it is handed on. */
const CHUNK_LENGTH = 65_536

/** Lines on their way to a file or to standard output. */
export type LineFile = {
  /** Resolves when more may be written. Throws the system's error when the output cannot be written. */
  write(line: string): Promise<void>
  /** Makes the file appear under its name. */
  finish(): Promise<void>
  /** Leaves no trace of a file that was not finished. */
  abandon(): Promise<void>
}

/**
 * Opens `-`, standard output, or a file, compressed when its name ends in `.gz` or `.zst`. A regular file is written
 * beside its name and renamed once it is whole; what else there is (a pipe, a device) is written to directly.
 */
export async function openLineFile(path: string): Promise<LineFile> {
  if (path === '-') return gather(write, ignore, ignore)
  const isRegular = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
  const part = isRegular ? `${path}.part` : path
  const file = createWriteStream(part)
  await once(file, 'open')
  const compressor = path.endsWith('.gz') ? createGzip() : path.endsWith('.zst') ? createZstdCompress() : undefined
  const entry = compressor ?? file
  let failure: Error | undefined
  const fail = (error: Error) => {
    failure ??= error
    // Whoever waits for room must wake up.
    entry.destroy(error)
    file.destroy(error)
  }
  file.on('error', fail)
  compressor?.on('error', fail).pipe(file)

  async function send(text: string): Promise<void> {
    if (failure !== undefined) throw failure
    if (!entry.write(text)) await once(entry, 'drain')
  }
  async function finish(): Promise<void> {
    if (failure !== undefined) throw failure
    entry.end()
    await finished(file)
    if (isRegular) await rename(part, path)
  }
  async function abandon(): Promise<void> {
    entry.destroy()
    file.destroy()
    if (!file.closed) await once(file, 'close')
    if (isRegular) await rm(part, { force: true })
  }
  return gather(send, finish, abandon)
}

/** Hands lines on in larger chunks. */
function gather(
  send: (text: string) => Promise<void>,
  finish: () => Promise<void> | void,
  abandon: () => Promise<void> | void,
): LineFile {
  let chunk = ''
  return {
    async write(line) {
      chunk += `${line}\n`
      if (chunk.length < CHUNK_LENGTH) return
      const full = chunk
      chunk = ''
      await send(full)
    },
    async finish() {
      if (chunk !== '') await send(chunk)
      await finish()
    },
    abandon: async () => abandon(),
  }
}

function ignore(): void {}
