import { EVENT_BYTES_MAX, EVENT_DEPTH_MAX } from '../../features/events/decode.ts'

/**
 * Cuts the body of a request into its events without changing a byte of them: what is refused is kept as it was sent,
 * and decoding sees what a second parse would hide (`__proto__`, repeated keys, invalid UTF-8).
 */

export type Split =
  | { readonly ok: true; readonly items: readonly Uint8Array[] }
  | { readonly ok: false; readonly reason: 'empty' | 'not_json' | 'too_many'; readonly detail: string }

const NEWLINE = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const ARRAY_START = 0x5b
const ARRAY_END = 0x5d
/** Brackets and braces differ in one bit. */
const isOpening = (byte: number) => (byte | 0x20) === 0x7b
const isClosing = (byte: number) => (byte | 0x20) === 0x7d
const WHITE = new Set([0x20, 0x09, 0x0a, 0x0d])
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** One item per line that is not blank. A line that is no JSON is an item too, for decoding to refuse. */
export function splitLines(body: Uint8Array, itemsMax: number): Split {
  const bytes = withoutByteOrderMark(body)
  const items: Uint8Array[] = []
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline === -1 ? bytes.length : newline
    const line = trim(bytes, start, end)
    if (line.length > 0) items.push(line)
    if (items.length > itemsMax) return tooMany(itemsMax)
    start = end + 1
  }
  if (items.length === 0) return { ok: false, reason: 'empty', detail: 'The body holds no event.' }
  return { ok: true, items }
}

/** The elements of a JSON array, or the one event that the body is. */
export function splitJson(body: Uint8Array, itemsMax: number): Split {
  const all = withoutByteOrderMark(body)
  const bytes = trim(all, 0, all.length)
  if (bytes.length === 0) return { ok: false, reason: 'empty', detail: 'The body is empty.' }
  if (bytes[0] === ARRAY_START) return splitArray(bytes, itemsMax)
  const flaw = flawOf(bytes, depthOf(bytes))
  return flaw === undefined ? { ok: true, items: [bytes] } : notJson(flaw)
}

/** Cuts at the commas between the outermost brackets; what lies between them must be JSON, each by itself. */
function splitArray(bytes: Uint8Array, itemsMax: number): Split {
  const items: Uint8Array[] = []
  let depth = 0
  let deepest = 0
  let start = 1
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
      continue
    }
    if (byte === QUOTE) inString = true
    else if (isOpening(byte)) deepest = Math.max(deepest, ++depth)
    else if (isClosing(byte)) depth--
    const isLast = depth === 0
    if (!isLast && !(byte === COMMA && depth === 1)) continue

    const item = trim(bytes, start, i)
    const isEmptyArray = isLast && items.length === 0 && item.length === 0
    if (!isEmptyArray) {
      const flaw = flawOf(item, deepest - 1)
      if (flaw !== undefined) return notJson(`event ${items.length}: ${flaw}`)
      items.push(item)
      if (items.length > itemsMax) return tooMany(itemsMax)
    }
    if (isLast) {
      return byte === ARRAY_END && i === bytes.length - 1 ? { ok: true, items } : notJson('it goes on after its end')
    }
    start = i + 1
    deepest = 0
  }
  return notJson('it ends too early')
}

/**
 * Why a value is not JSON. What decoding refuses anyway, too long or too deep, is not parsed: ten megabytes of brackets
 * take JSON.parse eight seconds, in which nobody else is served.
 */
function flawOf(bytes: Uint8Array, depth: number): string | undefined {
  if (bytes.length > EVENT_BYTES_MAX || depth > EVENT_DEPTH_MAX) return undefined
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function depthOf(bytes: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (isOpening(byte)) deepest = Math.max(deepest, ++depth)
    else if (isClosing(byte)) depth--
  }
  return deepest
}

function trim(bytes: Uint8Array, from: number, to: number): Uint8Array {
  let start = from
  let end = to
  while (start < end && WHITE.has(bytes[start]!)) start++
  while (end > start && WHITE.has(bytes[end - 1]!)) end--
  return bytes.subarray(start, end)
}

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte) ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes
}

function notJson(flaw: string): Split {
  return { ok: false, reason: 'not_json', detail: `The body is not JSON: ${flaw}`.slice(0, 300) }
}

function tooMany(itemsMax: number): Split {
  return { ok: false, reason: 'too_many', detail: `A request takes at most ${itemsMax} events.` }
}
