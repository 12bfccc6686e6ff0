import { createHash } from 'node:crypto'

/**
 * Feed cursors: opaque to outsiders, one number per partition, bound to the tenant, with a checksum against nonsense.
 * Layout (base64url): format byte, 8 bytes of SHA-256 of the tenant, then per partition a varint (low 7 bits first),
 * then 6 bytes of SHA-256 of all before them. The numbers are the tenant's own, so there is nothing to keep secret.
 */

const FORMAT = 1
const TENANT_BYTES = 8
const CHECKSUM_BYTES = 6
/** Beyond it no cursor of ours can be: 1,024 partitions of 8 bytes each. */
const CURSOR_LENGTH_MAX = 11_000

export type DecodedCursor =
  | { readonly ok: true; readonly positions: number[] }
  | { readonly ok: false; readonly detail: string }

/** `positions[partition]` is the `feed_seq` that was read last, 0 before the first. */
export function encodeCursor(tenant: string, positions: readonly number[]): string {
  const bytes = [FORMAT, ...tenantHash(tenant)]
  for (const position of positions) {
    let rest = position
    while (rest >= 128) {
      bytes.push((rest % 128) + 128)
      rest = Math.floor(rest / 128)
    }
    bytes.push(rest)
  }
  const body = Buffer.from(bytes)
  return Buffer.concat([body, checksum(body)]).toString('base64url')
}

/** Reads a cursor of this tenant over `partitions` partitions; anything else is told what is wrong with it. */
export function decodeCursor(tenant: string, partitions: number, cursor: string): DecodedCursor {
  const bytes = Buffer.from(cursor.slice(0, CURSOR_LENGTH_MAX), 'base64url')
  const body = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_BYTES))
  // Encoding again finds what Node's lenient decoder skips: other characters, padding, loose last bits, a cut tail.
  if (bytes.toString('base64url') !== cursor || !checksum(body).equals(bytes.subarray(body.length))) {
    return { ok: false, detail: 'This is not a cursor, or a part of it got lost; `after` takes `next` of an answer.' }
  }
  if (body[0] !== FORMAT || !tenantHash(tenant).equals(body.subarray(1, 1 + TENANT_BYTES))) {
    return { ok: false, detail: 'The cursor belongs to another feed.' }
  }
  const positions = readVarints(body.subarray(1 + TENANT_BYTES))
  if (positions === undefined || positions.length !== partitions) {
    return { ok: false, detail: 'The cursor belongs to another feed.' }
  }
  return { ok: true, positions }
}

function readVarints(bytes: Uint8Array): number[] | undefined {
  const numbers: number[] = []
  let value = 0
  let scale = 1
  for (const byte of bytes) {
    value += (byte % 128) * scale
    if (!Number.isSafeInteger(value)) return undefined
    if (byte >= 128) scale *= 128
    else {
      numbers.push(value)
      value = 0
      scale = 1
    }
  }
  return scale === 1 ? numbers : undefined
}

function tenantHash(tenant: string): Buffer {
  return createHash('sha256').update(tenant).digest().subarray(0, TENANT_BYTES)
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update('foreshock cursor').update(body).digest().subarray(0, CHECKSUM_BYTES)
}
