import type { Chunks } from './source.ts'

/**
 * Boundaries of the frames of a zstd file (RFC 8878 §3.1). A file may be several frames one after the other (`cat`,
 * `pzstd`, appended logs), also
 * skippable ones without content. Node's decompressor stops without a word at the end of
 * a frame that lies inside a write, and what follows would be lost; so the bytes are cut here where frames end.
 */

export const MAGIC_BYTES = 4
const FRAME_MAGIC = 0xfd2fb528
/** Sixteen magic numbers, 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE_MAGIC = 0x184d2a50

/** True for content that begins with a zstd frame, skippable or not. */
export function isZstdMagic(head: Buffer): boolean {
  return head.length >= MAGIC_BYTES && beginFrame(head.readUInt32LE(0)) !== undefined
}

/**
 * The stored bytes, each piece within one frame. Bytes that begin no frame are a failure, and so is an end inside one.
 */
export async function* zstdPieces(stored: Chunks, name: string): Chunks {
  let frame: Frame | undefined
  /** Less than a magic number, between frames. */
  let pending = Buffer.alloc(0)
  try {
    for (;;) {
      const next = await stored.next()
      if (next.done === true) {
        if (next.value !== undefined || (frame === undefined && pending.length === 0)) return next.value
        return truncated(name)
      }
      let rest: Buffer = pending.length === 0 ? next.value : Buffer.concat([pending, next.value])
      pending = Buffer.alloc(0)
      while (rest.length > 0) {
        if (frame === undefined) {
          if (rest.length < MAGIC_BYTES) {
            pending = Buffer.from(rest)
            break
          }
          frame = beginFrame(rest.readUInt32LE(0))
          if (frame === undefined) {
            return {
              reason: 'corrupt',
              detail: `${name} has bytes after its zstd data that are none: fetch it again, then run again`,
            }
          }
        }
        const bytes = frame.take(rest)
        yield rest.subarray(0, bytes)
        rest = rest.subarray(bytes)
        if (frame.hasEnded()) frame = undefined
      }
    }
  } finally {
    await stored.return(undefined)
  }
}

/** The failure of a compressed file that ends too early, whatever its format. */
export function truncated(name: string): { readonly reason: 'truncated'; readonly detail: string } {
  return {
    reason: 'truncated',
    detail: `${name} ends in the middle of its compressed data: fetch it again, then run again; it goes on from here`,
  }
}

type Frame = {
  /** How many of the bytes belong to the frame. The first bytes it is given are its magic number. */
  take(bytes: Buffer): number
  hasEnded(): boolean
}

function beginFrame(magic: number): Frame | undefined {
  if (magic === FRAME_MAGIC) return createFrame(true)
  return (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC ? createFrame(false) : undefined
}

/** The parts of a frame, in order; `skip` is a skippable frame's content. */
type Part = 'magic' | 'descriptor' | 'header' | 'block_header' | 'block' | 'checksum' | 'skip_size' | 'skip' | 'end'

function createFrame(hasContent: boolean): Frame {
  let part: Part = 'magic'
  /** Bytes of this part still to come. */
  let missing = MAGIC_BYTES
  /** The part's bytes so far as a little-endian number, for the parts that decide what follows. */
  let value = 0
  let valueBytes = 0
  let hasChecksum = false
  let isLastBlock = false

  function enter(next: Part, bytes: number): void {
    part = next
    missing = bytes
    value = 0
    valueBytes = 0
  }

  function enterNext(): void {
    switch (part) {
      case 'magic':
        return hasContent ? enter('descriptor', 1) : enter('skip_size', 4)
      case 'descriptor':
        hasChecksum = (value & 0x04) !== 0
        return enter('header', headerBytes(value))
      case 'header':
        return enter('block_header', 3)
      case 'block_header':
        isLastBlock = (value & 1) !== 0
        // A run-length block stores one byte, whatever its size.
        return enter('block', ((value >>> 1) & 3) === 1 ? 1 : value >>> 3)
      case 'block':
        if (!isLastBlock) return enter('block_header', 3)
        return hasChecksum ? enter('checksum', 4) : enter('end', 0)
      case 'skip_size':
        return enter('skip', value)
      default:
        return enter('end', 0)
    }
  }

  function take(bytes: Buffer): number {
    let taken = 0
    while (taken < bytes.length && !hasEnded()) {
      const step = Math.min(missing, bytes.length - taken)
      if (part === 'descriptor' || part === 'block_header' || part === 'skip_size') {
        for (let i = 0; i < step; i++) value += bytes[taken + i]! * 2 ** (8 * valueBytes++)
      }
      taken += step
      missing -= step
      while (missing === 0 && !hasEnded()) enterNext()
    }
    return taken
  }

  function hasEnded(): boolean {
    return part === 'end'
  }

  return { take, hasEnded }
}

/** Bytes of a frame header after its descriptor: window, dictionary id, content size. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0
  const contentSizeFlag = descriptor >>> 6
  const contentSize = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** contentSizeFlag
  return (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + contentSize
}
