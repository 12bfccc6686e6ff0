import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { errorCode } from './chunks.ts'
import type { Chunks, SourceFailure } from './source.ts'
import { isZstdMagic, MAGIC_BYTES, truncated, zstdPieces } from './zstd-frames.ts'

export type Format = 'plain' | 'gzip' | 'zstd'

/** Bytes per block of decompressed content. */
const BLOCK_BYTES = 128 * 1024

/** Formats that people also send, recognised so that they get an answer instead of a dead letter per line. */
const UNSUPPORTED: readonly { readonly name: string; readonly magic: Buffer }[] = [
  { name: 'xz', magic: Buffer.of(0xfd, 0x37, 0x7a, 0x58) },
  { name: 'bzip2', magic: Buffer.from('BZh') },
  { name: 'zip', magic: Buffer.of(0x50, 0x4b, 0x03, 0x04) },
]

/**
 * The format of content that begins with `head` (MAGIC_BYTES, fewer where the content is shorter). The magic bytes
 * decide; without them a name that ends in `.gz` or `.zst` does, unless the content begins like text: so a cut or
 * damaged archive is a failure, and not lines of garbage, and a text that was misnamed is still read.
 */
export function detectFormat(head: Buffer, name: string): Format | { readonly unsupported: string } {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (isZstdMagic(head)) return 'zstd'
  const unsupported = UNSUPPORTED.find(({ magic }) => magic.equals(head.subarray(0, magic.length)))
  if (unsupported !== undefined) return { unsupported: unsupported.name }
  const first = head[0]
  const beginsLikeText = first !== undefined && (first === 0xef || first === 0x7b || first === 0x5b || isBlank(first))
  if (beginsLikeText) return 'plain'
  if (name.endsWith('.gz')) return 'gzip'
  if (name.endsWith('.zst')) return 'zstd'
  return 'plain'
}

/**
 * Decompresses stored bytes by what they are. A truncated stream gives everything that can be decoded, then its
 * failure; of a corrupt one up to a block (128 KiB) before the damage is not given either. Decompression goes on only
 * as the content is taken, so a small file that unpacks to a large one costs no memory.
 */
export async function* decompress(stored: Chunks, name: string): Chunks {
  const peeked = await peek(stored)
  const format = detectFormat(peeked.head, name)
  const all = prepend(peeked.chunks, stored, peeked.failure)
  if (format === 'plain') return yield* all
  if (format === 'gzip') return yield* inflate(all, createGunzip({ chunkSize: BLOCK_BYTES, ...ONE_BLOCK }), name)
  if (format === 'zstd') {
    return yield* inflate(zstdPieces(all, name), createZstdDecompress({ chunkSize: BLOCK_BYTES, ...ONE_BLOCK }), name)
  }
  await stored.return(undefined)
  return { reason: 'corrupt', detail: `${name} is packed with ${format.unsupported}: give it plain, as .gz or as .zst` }
}

/** With this the decompressor works on the next block only when the last was taken: an error then loses none. */
const ONE_BLOCK = { readableHighWaterMark: 1 }

async function* inflate(stored: Chunks, transform: Transform, name: string): Chunks {
  let failure: SourceFailure | undefined
  let storedFailure: SourceFailure | undefined
  const feeding = feed()
  try {
    for await (const block of transform as AsyncIterable<Buffer>) yield block
  } catch (error) {
    failure = describe(error, name)
  } finally {
    transform.destroy()
    await stored.return(undefined)
    await feeding
  }
  // What ended the stored bytes is why the decompressor found them cut.
  return storedFailure ?? failure

  async function feed(): Promise<void> {
    for (;;) {
      const next = await stored.next()
      if (next.done === true) {
        storedFailure = next.value
        break
      }
      await write(transform, next.value)
      if (transform.destroyed) return
    }
    // Only now: a decompressor that knows its end while it works on the last bytes drops them when they are cut.
    transform.end()
  }
}

/** Waits until the bytes were taken, or will never be: the stream failed, or ended before them. */
function write(transform: Transform, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      transform.off('close', settle)
      resolve()
    }
    transform.once('close', settle)
    transform.write(bytes, settle)
  })
}

function describe(error: unknown, name: string): SourceFailure {
  const code = errorCode(error)
  if (code === 'Z_BUF_ERROR') return truncated(name)
  return {
    reason: 'corrupt',
    detail: `${name} is damaged (${(error as Error).message}): fetch it again, then run again; it goes on from here`,
  }
}

async function peek(stored: Chunks): Promise<{ head: Buffer; chunks: Buffer[]; failure: SourceFailure | undefined }> {
  const chunks: Buffer[] = []
  let bytes = 0
  let failure: SourceFailure | undefined
  while (bytes < MAGIC_BYTES) {
    const next = await stored.next()
    if (next.done === true) {
      failure = next.value
      break
    }
    chunks.push(next.value)
    bytes += next.value.length
  }
  return { head: Buffer.concat(chunks).subarray(0, MAGIC_BYTES), chunks, failure }
}

async function* prepend(first: Buffer[], rest: Chunks, failure: SourceFailure | undefined): Chunks {
  try {
    for (const chunk of first) yield chunk
    if (failure !== undefined) return failure
    return yield* rest
  } finally {
    await rest.return(undefined)
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
