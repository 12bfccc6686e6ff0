import { quoteString, type Sql } from '../client.ts'
import type { Hash64 } from '../native.ts'
import { type KnownId, knownIdRows } from './known-ids.ts'
import { IS_REFUSED, type RecentIdRows, recentIdRows } from './recent-ids.ts'

/** What one partition's worker must remember of the log up to a place, to tell repeats. */

/** The largest position of each source partition whose positions rise, among what was stored or refused as a conflict. */
export function readPartitionPositions(
  sql: Sql,
  partition: number,
  offset: number,
): Promise<{ readonly source_partition: string; readonly position: number }[]> {
  const where = `partition = ${partition} AND offset <= ${offset} AND startsWith(source_partition, 'kafka/')`
  return sql.query(
    `SELECT source_partition, max(source_position) AS position FROM (
       SELECT source_partition, source_position FROM events WHERE ${where}
       UNION ALL
       SELECT source_partition, source_position FROM dead_letters WHERE ${where} AND step = 'intake'
     ) GROUP BY source_partition ORDER BY source_partition`,
  )
}

/** Ids of a tenant's events in a partition up to a place, received or dated since an instant (UTC ms), and of its configuration. */
export async function readPartitionIds(
  sql: Sql,
  { tenant, partition, offset, since }: { tenant: string; partition: number; offset: number; since: number },
): Promise<RecentIdRows> {
  return recentIdRows(
    await sql.bytes(
      `SELECT id_hash, content_hash, toFloat64(toUnixTimestamp64Milli(time)), toFloat64(toUnixTimestamp64Milli(received_at)),
         ${IS_REFUSED}
       FROM events
       WHERE partition = ${partition} AND offset <= ${offset}
         AND tenant = ${quoteString(tenant)} AND source_partition != 'foreshock'
         AND (received_at >= fromUnixTimestamp64Milli(${since}) OR time >= fromUnixTimestamp64Milli(${since}))`,
      'RowBinary',
    ),
  )
}

/** Which of these ids `events` holds in a partition below a place, not refused, each with the hash of what its event says. */
export function findKnownIdsBelow(
  sql: Sql,
  partition: number,
  below: number,
  ids: readonly Hash64[],
): Promise<KnownId[]> {
  return knownIdRows(sql, ids, `partition = ${partition} AND offset < ${below}`)
}
