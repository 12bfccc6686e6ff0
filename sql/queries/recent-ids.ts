import type { Sql } from '../client.ts'
import { REFUSED_PLACES } from './known-ids.ts'

/** One id that was received: its hashes as four unsigned 32-bit halves, and the two instants that bound its keeping. */
export type RecentIdRows = {
  readonly rows: number
  /** Per row: id high, id low, content high, content low. */
  readonly hashes: Uint32Array
  readonly times: Float64Array
  readonly received_at: Float64Array
  /** 1 where the engine refused it. */
  readonly refused: Float64Array
}

/** 1 where the engine refused the record of a row of `events`. */
export const IS_REFUSED = `toFloat64((partition, offset) GLOBAL IN ${REFUSED_PLACES})`
const ROW_BYTES = 40

/** Ids of a tenant's events received or dated since an instant (UTC ms), and of its configuration. */
export async function readRecentIds(sql: Sql, tenant: string, since: number): Promise<RecentIdRows> {
  const bytes = await sql.bytes(
    `SELECT id_hash, content_hash, toFloat64(toUnixTimestamp64Milli(time)), toFloat64(toUnixTimestamp64Milli(received_at)),
       ${IS_REFUSED}
     FROM events
     WHERE tenant = '${tenant.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}' AND source_partition != 'foreshock'
       AND (received_at >= fromUnixTimestamp64Milli(${since}) OR time >= fromUnixTimestamp64Milli(${since})
         OR type = 'tenant.configured')`,
    'RowBinary',
  )
  return recentIdRows(bytes)
}

/** The rows of an answer in RowBinary: two hashes, two instants, whether it was refused. */
export function recentIdRows(bytes: Uint8Array): RecentIdRows {
  const rows = bytes.length / ROW_BYTES
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const answer = {
    rows,
    hashes: new Uint32Array(rows * 4),
    times: new Float64Array(rows),
    received_at: new Float64Array(rows),
    refused: new Float64Array(rows),
  }
  for (let row = 0; row < rows; row++) {
    const at = row * ROW_BYTES
    answer.hashes[row * 4] = view.getUint32(at + 4, true)
    answer.hashes[row * 4 + 1] = view.getUint32(at, true)
    answer.hashes[row * 4 + 2] = view.getUint32(at + 12, true)
    answer.hashes[row * 4 + 3] = view.getUint32(at + 8, true)
    answer.times[row] = view.getFloat64(at + 16, true)
    answer.received_at[row] = view.getFloat64(at + 24, true)
    answer.refused[row] = view.getFloat64(at + 32, true)
  }
  return answer
}
