import type { Sql } from '../client.ts'
import type { ProgressRow } from '../tables/progress.ts'

/** The last `progress` row of each partition that has one, by partition. */
export function readProgress(sql: Sql): Promise<ProgressRow[]> {
  return sql.query<ProgressRow>('SELECT partition, offset, seq, feed_seqs FROM progress FINAL ORDER BY partition')
}
