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
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])
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
  try {
    // Only whether it is JSON at all: with that known, cutting needs no more than brackets and quotes.
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch (error) {
    return { ok: false, reason: 'not_json', detail: `The body is not JSON: ${(error as Error).message}`.slice(0, 300) }
  }
  if (bytes[0] !== 0x5b) return { ok: true, items: [bytes] }
  const items = splitArray(bytes, itemsMax)
  return items === undefined ? tooMany(itemsMax) : { ok: true, items }
}

/** Elements of an array that is known to be valid JSON; undefined when there are more than `itemsMax`. */
function splitArray(bytes: Uint8Array, itemsMax: number): Uint8Array[] | undefined {
  const items: Uint8Array[] = []
  let depth = 0
  let start = 1
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (inString) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) inString = false
    } else if (byte === QUOTE) inString = true
    else if (OPENING.has(byte)) depth++
    else if (CLOSING.has(byte)) depth--
    const ends = !inString && ((byte === COMMA && depth === 1) || depth === 0)
    if (!ends) continue
    const item = trim(bytes, start, i)
    if (item.length > 0) items.push(item)
    if (items.length > itemsMax) return undefined
    start = i + 1
  }
  return items
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

function tooMany(itemsMax: number): Split {
  return { ok: false, reason: 'too_many', detail: `A request takes at most ${itemsMax} events.` }
}
