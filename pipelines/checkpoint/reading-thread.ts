/** Runs in a thread of its own: reads and checks chunks while another builds what they say. */
import { parentPort, workerData } from 'node:worker_threads'
import { CheckedFiles, type ChunkRead } from './chunk-read.ts'

/** What the thread is given. */
export type ReadingPlan = {
  readonly folder: string
  /** Chunks in the order in which they are wanted. */
  readonly reads: readonly ChunkRead[]
  /** Chunk k is put into room k mod their number, as soon as the one there before is done with. */
  readonly rooms: readonly SharedArrayBuffer[]
  /** One number: chunks that are done with. */
  readonly done: Int32Array
  /** Memory to have at hand: the system gives it page by page at the first touch, which takes as long as reading. */
  readonly memory: readonly SharedArrayBuffer[]
}

/** What it says of each chunk, in order. After one that is not as it was written it stops. */
export type ReadingNews = { readonly ok: boolean }

const WORDS_PER_SYSTEM_PAGE = 1024

function run({ folder, reads, rooms, done, memory }: ReadingPlan): void {
  const files = new CheckedFiles(folder)
  const untouched = memory.values()
  for (const [number, read] of reads.entries()) {
    const isFree = () => number - Atomics.load(done, 0) < rooms.length
    while (!isFree()) if (!touchNext(untouched)) Atomics.wait(done, 0, number - rooms.length)
    const ok = files.read(read, rooms[number % rooms.length] as SharedArrayBuffer)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    parentPort?.postMessage({ ok } satisfies ReadingNews)
    if (!ok) return
  }
}

/** Touches a piece of memory and leaves what somebody may have written there meanwhile. False when none is left. */
function touchNext(untouched: Iterator<SharedArrayBuffer>): boolean {
  const piece = untouched.next()
  if (piece.done === true) return false
  const words = new Int32Array(piece.value)
  for (let k = 0; k < words.length; k += WORDS_PER_SYSTEM_PAGE) Atomics.or(words, k, 0)
  return true
}

run(workerData as ReadingPlan)
