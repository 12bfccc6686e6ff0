import type { Headers } from '../kafka/port.ts'

/** A header's value as bytes; the first where it is given several times. */
export function headerBytes(headers: Headers, name: string): Uint8Array | undefined {
  const value = headers[name]
  const first = Array.isArray(value)
    ? (value as readonly (Buffer | string)[])[0]
    : (value as Buffer | string | undefined)
  return typeof first === 'string' ? Buffer.from(first) : first
}

/** A header's value as text. */
export function headerText(headers: Headers, name: string): string | undefined {
  const bytes = headerBytes(headers, name)
  return bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
