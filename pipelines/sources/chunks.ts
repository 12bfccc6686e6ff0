import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Chunks } from './source.ts'

/** Bytes per read of a file. Lines are views into these blocks. */
export const CHUNK_BYTES = 256 * 1024

/** Counts stored bytes as they are consumed. */
export type Meter = { bytes: number }

/**
 * The first `size` bytes of a file, block by block. What is appended meanwhile is left for the next time, so that
 * reading a growing file ends. Reads by position: the handle may be shared.
 */
export async function* fileChunks(handle: FileHandle, size: number, name: string, meter: Meter): Chunks {
  let position = 0
  while (position < size) {
    const block = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, size - position))
    let bytesRead: number
    try {
      bytesRead = (await handle.read(block, 0, block.length, position)).bytesRead
    } catch (error) {
      return {
        reason: 'unreadable',
        detail: `cannot read ${name} (${errorCode(error)}): check the disk, then run again`,
      }
    }
    if (bytesRead === 0) {
      return { reason: 'truncated', detail: `${name} became shorter while it was read: run again when it is whole` }
    }
    position += bytesRead
    meter.bytes += bytesRead
    yield block.subarray(0, bytesRead)
  }
  return undefined
}

/** The bytes of a stream such as standard input. */
export async function* streamChunks(stream: Readable, name: string, meter: Meter): Chunks {
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array | string>) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : asBuffer(chunk)
      meter.bytes += bytes.length
      if (bytes.length > 0) yield bytes
    }
  } catch (error) {
    return {
      reason: 'unreadable',
      detail: `cannot read ${name} (${errorCode(error)}): run again, repeats are recognised`,
    }
  }
  return undefined
}

/** The same memory as a Buffer, whose `indexOf` is the quicker one. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The system's code of an error (`EACCES`), or its message. */
export function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? (error as Error).message
}
