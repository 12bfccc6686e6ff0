import type { Sql } from '../client.ts'
import type { BackfillRow } from '../tables/backfills.ts'

/** All that was backfilled, by generation, feature and partition. */
export function readBackfills(sql: Sql): Promise<BackfillRow[]> {
  return sql.query<BackfillRow>(
    'SELECT generation, feature, partition, until, next_offset FROM backfills ORDER BY generation, feature, partition',
  )
}

/** Per partition the last place that has a row of this generation: a block may be there and not be on record yet. */
export function readReached(sql: Sql, generation: number): Promise<{ partition: number; offset: number }[]> {
  return sql.query(
    `SELECT partition, max(offset) AS offset FROM features WHERE generation = ${generation} GROUP BY partition`,
  )
}
