/**
 * Hashes of identifiers. State keeps numbers instead of strings: two 32-bit lanes of the cyrb family
 * (multiply and xor per character), finished as in MurmurHash3.
 */

let high = 0
let low = 0

function mix(text: string, seed: number): void {
  let h1 = 0xdeadbeef ^ seed
  let h2 = 0x41c6ce57 ^ seed
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    h1 = Math.imul(h1 ^ code, 2654435761)
    h2 = Math.imul(h2 ^ code, 1597334677)
  }
  finish(h1, h2)
}

/** The same of the texts joined by U+0000. To join them first would take longer than all the rest. */
function mixJoined(texts: readonly string[], seed: number): void {
  let h1 = 0xdeadbeef ^ seed
  let h2 = 0x41c6ce57 ^ seed
  for (let t = 0; t < texts.length; t++) {
    const text = texts[t] as string
    if (t > 0) {
      h1 = Math.imul(h1, 2654435761)
      h2 = Math.imul(h2, 1597334677)
    }
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      h1 = Math.imul(h1 ^ code, 2654435761)
      h2 = Math.imul(h2 ^ code, 1597334677)
    }
  }
  finish(h1, h2)
}

function finish(first: number, second: number): void {
  let h1 = first
  let h2 = second
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909)
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909)
  high = h2 >>> 0
  low = h1 >>> 0
}

/** 53 bits of a string as an exact integer, never 0, so that 0 can mean absent. */
export function hash53(text: string): number {
  mix(text, 0)
  return (high & 0x1fffff) * 4294967296 + low || 1
}

/** 64 bits of a string, as two unsigned 32-bit halves written to `out[at]` (high) and `out[at + 1]` (low). */
export function hash64(text: string, out: Uint32Array, at: number): void {
  mix(text, 1)
  out[at] = high
  out[at + 1] = low
}

/** `hash64` of the texts joined by U+0000. */
export function hash64Joined(texts: readonly string[], out: Uint32Array, at: number): void {
  mixJoined(texts, 1)
  out[at] = high
  out[at + 1] = low
}

/** Where a borrower's records go: `hash % partitions`, and inside it `floor(hash / partitions) % slices`. */
export function borrowerHash(tenant: string, borrower: string): number {
  return hash53(`${tenant}\u0000${borrower}`)
}

/** 48 bits of a string as an exact integer, never 0: what one borrower's parties, accounts and institutions are told apart by. */
export function hash48(text: string): number {
  mix(text, 0)
  return (high & 0xffff) * 4294967296 + low || 1
}
