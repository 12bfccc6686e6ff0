import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { WordBuffer } from '../../features/state/words.ts'
import type { Chunk } from './manifest.ts'

/** Words that are written at once; a borrower with more has a chunk of its own. */
export const CHUNK_WORDS = 1024 * 1024
/** Chunks that may wait to be written while another is being filled; whoever makes more of them must wait. */
export const CHUNKS_WAITING_MAX = 2

/** Writes chunks one after the other behind the back of whoever fills them. Memory is bounded by those who wait in `room`. */
export class ChunkWriter {
  readonly #chunks: Chunk[] = []
  readonly #spare: WordBuffer[] = []
  readonly #file: Promise<FileHandle>
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#file = open(path, 'w')
    this.#file.catch(() => {})
  }

  /** A buffer to fill, with room for a chunk. */
  take(): WordBuffer {
    const buffer = this.#spare.pop() ?? new WordBuffer(new Uint32Array(CHUNK_WORDS))
    buffer.at = 0
    return buffer
  }

  /** Chunks that wait to be written. */
  get waiting(): number {
    return this.#waiting
  }

  /** Writes what a buffer holds, which is not the caller's any more. */
  add(kind: Chunk['kind'], buffer: WordBuffer): void {
    const bytes = buffer.written()
    if (bytes.length === 0) return
    this.#chunks.push({ kind, bytes: bytes.length, crc32: crc32(bytes) })
    this.#waiting++
    this.#last = this.#last.then(async () => {
      await writeAll(await this.#file, bytes)
      this.#waiting--
      if (buffer.words.length === CHUNK_WORDS) this.#spare.push(buffer)
    })
    // Whoever waits for it next sees the failure; until then it must not count as unhandled.
    this.#last.catch(() => {})
  }

  /** Waits until there is room for another chunk. Fails where writing has failed. */
  async room(): Promise<void> {
    if (this.#waiting > CHUNKS_WAITING_MAX) await this.#last
  }

  /** Makes all chunks durable and says what they are. */
  async finish(): Promise<Chunk[]> {
    await this.#last
    await (await this.#file).sync()
    return this.#chunks
  }

  /** Lets the file go, finished or not. */
  async close(): Promise<void> {
    await this.#last.catch(() => {})
    await this.#file.then(
      (file) => file.close(),
      () => {},
    )
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
}
