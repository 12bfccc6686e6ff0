import { Worker } from 'node:worker_threads'
import { WordBuffer } from '../../features/state/words.ts'
import { CheckedFiles, type ChunkRead } from './chunk-read.ts'
import { bytesOf, type Chunk, type StateFile } from './manifest.ts'
import type { ReadingNews, ReadingPlan } from './reading-thread.ts'

/** Chunks that may be read ahead of who takes them. */
export const ROOMS = 4
/** Fewer bytes are read sooner than a thread has started. */
export const THREAD_BYTES_MIN = 32 * 1024 * 1024
const THREAD = new URL('./reading-thread.ts', import.meta.url)

/** The file is not as it was written. */
export class DamagedFile extends Error {}

/** The chunks of one kind of a file, in its order. */
export function readsOf({ name, chunks }: StateFile, kind: Chunk['kind']): ChunkRead[] {
  let at = 0
  return chunks.flatMap((chunk) => {
    const read = { file: name, at, bytes: chunk.bytes, crc32: chunk.crc32 }
    at += chunk.bytes
    return chunk.kind === kind ? [read] : []
  })
}

export type ChunkReader = {
  /** The next chunk, valid until the one after it is asked for. Throws `DamagedFile` where it is not as it was written. */
  next(): Promise<WordBuffer>
  close(): Promise<void>
}

/**
 * Gives the chunks of `reads`, which must be all of the files', one after the other, each checked. Where they are many a
 * thread reads ahead, and makes `memory` ready where it has nothing to read: what is built from the chunks goes there.
 * Throws `DamagedFile` where a file is missing or of another size.
 */
export function readChunks(
  folder: string,
  files: readonly StateFile[],
  reads: readonly ChunkRead[],
  memory: readonly SharedArrayBuffer[],
  threadBytesMin: number = THREAD_BYTES_MIN,
): ChunkReader {
  const checked = new CheckedFiles(folder)
  const sizes = files.map((file) => ({ name: file.name, bytes: bytesOf(file) }))
  const damaged = checked.damagedOf(sizes)
  if (damaged !== undefined) throw new DamagedFile(damaged)
  const largest = reads.reduce((most, { bytes }) => Math.max(most, bytes), 0)
  if (reads.length === 0 || sizes.reduce((sum, { bytes }) => sum + bytes, 0) < threadBytesMin) {
    return readHere(checked, reads, new SharedArrayBuffer(largest))
  }
  const rooms = Array.from({ length: Math.min(ROOMS, reads.length) }, () => new SharedArrayBuffer(largest))
  return new ThreadReader({ folder, reads, rooms, done: new Int32Array(new SharedArrayBuffer(4)), memory })
}

function readHere(files: CheckedFiles, reads: readonly ChunkRead[], room: SharedArrayBuffer): ChunkReader {
  const pending = reads.values()
  return {
    next: async () => {
      const read = pending.next().value as ChunkRead
      if (!files.read(read, room)) throw new DamagedFile(read.file)
      return wordsIn(room, read)
    },
    close: async () => files.close(),
  }
}

class ThreadReader implements ChunkReader {
  readonly #plan: ReadingPlan
  readonly #thread: Worker
  /** Chunks that were read, and those that were given. */
  #read = 0
  #given = 0
  #failure: Error | undefined
  #wake: () => void = () => {}

  constructor(plan: ReadingPlan) {
    this.#plan = plan
    this.#thread = new Worker(THREAD, { workerData: plan })
    this.#thread.on('message', ({ ok }: ReadingNews) => {
      if (ok) this.#read++
      else this.#failure = new DamagedFile(plan.reads[this.#read]?.file)
      this.#wake()
    })
    this.#thread.on('error', (error) => {
      this.#failure = error as Error
      this.#wake()
    })
  }

  async next(): Promise<WordBuffer> {
    const { done, reads, rooms } = this.#plan
    Atomics.store(done, 0, this.#given)
    Atomics.notify(done, 0)
    while (this.#read <= this.#given) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const number = this.#given++
    return wordsIn(rooms[number % rooms.length] as SharedArrayBuffer, reads[number] as ChunkRead)
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
  }
}

function wordsIn(room: SharedArrayBuffer, { bytes }: ChunkRead): WordBuffer {
  return new WordBuffer(new Uint32Array(room, 0, bytes / Uint32Array.BYTES_PER_ELEMENT))
}
