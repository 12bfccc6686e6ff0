import { createReadStream, createWriteStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { crc32, createInflateRaw } from 'node:zlib'

/**
 * The one file of a ZIP archive, as data sets are handed about. Node has the decompression and the checksum; what is left is
 * to find the file in the archive's directory, which stands at the end (APPNOTE.TXT of PKWARE, 4.3.12 and 4.3.16).
 */

const END_SIGNATURE = 0x06054b50
const END_BYTES = 22
const COMMENT_BYTES_MAX = 65_535
const ENTRY_SIGNATURE = 0x02014b50
const ENTRY_BYTES = 46
const LOCAL_BYTES = 30
const STORED = 0
const DEFLATED = 8
const IS_ENCRYPTED = 1
/** In the place of a size: it stands elsewhere, in a form for archives above 4 GB. */
const ELSEWHERE = 0xff_ff_ff_ff

type Entry = {
  readonly name: string
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly unpacked: number
  readonly at: number
}

export type Unzipped = { readonly ok: true; readonly name: string } | { readonly ok: false; readonly detail: string }

/** Unpacks the only file of an archive whose name ends as `wanted` says to `target`. Checks its size and checksum. */
export async function unzipOnly(archive: string, wanted: RegExp, target: string): Promise<Unzipped> {
  const entries = await readEntries(archive)
  if (entries === undefined) return { ok: false, detail: `${archive} is not a whole ZIP archive: fetch it again` }
  const fitting = entries.filter(({ name }) => wanted.test(name))
  const [entry] = fitting
  if (entry === undefined || fitting.length > 1) {
    const names = entries
      .map(({ name }) => name)
      .slice(0, 5)
      .join(', ')
    const found = entry === undefined ? 'no tape' : `${fitting.length} tapes`
    return { ok: false, detail: `${archive} holds ${found} (${names}): unpack it and name one` }
  }
  const { flags, method, packed, unpacked } = entry
  if (
    (flags & IS_ENCRYPTED) !== 0 ||
    ![STORED, DEFLATED].includes(method) ||
    packed === ELSEWHERE ||
    unpacked === ELSEWHERE
  ) {
    return {
      ok: false,
      detail: `${entry.name} in ${archive} is packed in a way that is not read here: unpack it first`,
    }
  }
  const isWhole = await unpack(archive, entry, target)
  if (!isWhole) return { ok: false, detail: `${entry.name} in ${archive} is damaged: fetch the archive again` }
  return { ok: true, name: entry.name }
}

async function unpack(archive: string, entry: Entry, target: string): Promise<boolean> {
  const start = await dataStart(archive, entry)
  let checksum = 0
  let size = 0
  const check = new Transform({
    transform(piece: Buffer, _encoding, done) {
      checksum = crc32(piece, checksum)
      size += piece.length
      // A file that says it is small and is not must not fill the disk.
      if (size > entry.unpacked) done(new Error('longer than its directory says'))
      else done(null, piece)
    },
  })
  // Node takes an `end` before the `start` for a mistake: an empty file is read as one byte of what comes after it.
  const packed = createReadStream(archive, { start, end: start + Math.max(entry.packed, 1) - 1 })
  const file = createWriteStream(target)
  try {
    if (entry.method === DEFLATED) await pipeline(packed, createInflateRaw(), check, file)
    else await pipeline(packed, check, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error
    return false
  }
  return size === entry.unpacked && checksum === entry.crc
}

/** Where a file's bytes begin: its local header has a name and extras of lengths of its own. */
async function dataStart(archive: string, { at }: Entry): Promise<number> {
  const header = await readBytes(archive, at, LOCAL_BYTES)
  return at + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28)
}

async function readEntries(archive: string): Promise<Entry[] | undefined> {
  const size = await sizeOf(archive)
  const tailStart = Math.max(0, size - END_BYTES - COMMENT_BYTES_MAX)
  const tail = await readBytes(archive, tailStart, size - tailStart)
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue
    const bytes = tail.readUInt32LE(at + 12)
    const start = tail.readUInt32LE(at + 16)
    if (start + bytes > size) return undefined
    return parseDirectory(await readBytes(archive, start, bytes))
  }
  return undefined
}

function parseDirectory(directory: Buffer): Entry[] | undefined {
  const entries: Entry[] = []
  for (let at = 0; at + ENTRY_BYTES <= directory.length; ) {
    if (directory.readUInt32LE(at) !== ENTRY_SIGNATURE) return undefined
    const nameEnd = at + ENTRY_BYTES + directory.readUInt16LE(at + 28)
    entries.push({
      name: directory.toString('utf8', at + ENTRY_BYTES, nameEnd),
      flags: directory.readUInt16LE(at + 8),
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      packed: directory.readUInt32LE(at + 20),
      unpacked: directory.readUInt32LE(at + 24),
      at: directory.readUInt32LE(at + 42),
    })
    at = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32)
  }
  return entries
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path)
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function readBytes(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const buffer = Buffer.alloc(length)
    const { bytesRead } = await file.read(buffer, 0, length, position)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
