/** The checksum of Kafka's record batches, CRC-32 by Castagnoli. Node has none. */

const POLYNOMIAL = 0x82f63b78
/** Bytes that are taken at once, with a table for each. */
const STRIDE = 8
const TABLES = createTables()

/** Checksum of `bytes` from `from` up to `to`, as an unsigned number. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  const tables = TABLES
  let crc = -1
  let at = from
  for (; at + STRIDE <= to; at += STRIDE) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      tables[1792 + (crc & 0xff)]! ^
      tables[1536 + ((crc >>> 8) & 0xff)]! ^
      tables[1280 + ((crc >>> 16) & 0xff)]! ^
      tables[1024 + (crc >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!
  }
  for (; at < to; at++) crc = tables[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8)
  return (crc ^ -1) >>> 0
}

/** What a byte does to the checksum that `k` further bytes follow, 256 for each `k`. */
function createTables(): Int32Array {
  const tables = new Int32Array(256 * STRIDE)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL
    tables[byte] = crc
  }
  for (let i = 256; i < tables.length; i++) {
    const crc = tables[i - 256]!
    tables[i] = tables[crc & 0xff]! ^ (crc >>> 8)
  }
  return tables
}
