import type { Sql } from '../client.ts'

/** Where intake stopped, as the log tells it. */

export type PartitionEnd = { readonly partition: number; readonly offset: number }

/** The last offset of each partition that has one. */
export function readPartitionEnds(sql: Sql): Promise<PartitionEnd[]> {
  return sql.query<PartitionEnd>(
    'SELECT partition, max(offset) AS offset FROM events GROUP BY partition ORDER BY partition',
  )
}

export type SourcePosition = { readonly tenant: string; readonly source_partition: string; readonly position: number }

/** The largest position of each tenant's source partitions, foreshock's own records left out. */
export function readSourcePositions(sql: Sql): Promise<SourcePosition[]> {
  return sql.query<SourcePosition>(
    `SELECT tenant, source_partition, max(source_position) AS position FROM events
     WHERE source_partition != 'foreshock' GROUP BY tenant, source_partition ORDER BY tenant, source_partition`,
  )
}

export type TenantTime = {
  readonly tenant: string
  /** Time reached by sources without a clock: UTC ms, 0 for none. */
  readonly reached: number
  /** Largest event time of theirs. */
  readonly largest: number
  /** When time was reached first, by them or live. */
  readonly since: number
  /** Event times of theirs from before any was reached. */
  readonly first: readonly number[]
  /** Live events it ever had. */
  readonly live: number
}

/** How far each tenant's time has come. Live sources are those whose partition begins with `http`. */
export function readTenantTimes(sql: Sql): Promise<TenantTime[]> {
  return sql.query<TenantTime>(
    `SELECT tenant,
       toUnixTimestamp64Milli(maxIf(received_at, NOT startsWith(source_partition, 'http'))) AS reached,
       toUnixTimestamp64Milli(maxIf(time, NOT startsWith(source_partition, 'http'))) AS largest,
       toUnixTimestamp64Milli(minIf(received_at, toUnixTimestamp64Milli(received_at) > 0)) AS since,
       groupUniqArrayIf(toUnixTimestamp64Milli(time),
         toUnixTimestamp64Milli(received_at) = 0 AND NOT startsWith(source_partition, 'http')) AS first,
       countIf(startsWith(source_partition, 'http')) AS live
     FROM events
     WHERE type NOT IN ('tenant.configured', 'day.closed', 'definitions.published')
     GROUP BY tenant ORDER BY tenant`,
  )
}

export type ClosedSlices = { readonly tenant: string; readonly date: string; readonly pieces: number }

/** Per tenant the last two days that have closed slices, the latest first, and in how many pieces: a slice in one partition each. */
export function readClosedSlices(sql: Sql): Promise<ClosedSlices[]> {
  return sql.query<ClosedSlices>(
    `SELECT tenant, JSONExtractString(data, 'date') AS date, uniqExact(partition, JSONExtractUInt(data, 'slice')) AS pieces
     FROM events WHERE type = 'day.closed'
     GROUP BY tenant, date ORDER BY tenant, date DESC LIMIT 2 BY tenant`,
  )
}

/** The latest data of a control event, as canonical JSON, by tenant ('' for the installation's). */
export function readLatestControl(
  sql: Sql,
  type: 'tenant.configured' | 'definitions.published',
): Promise<{ readonly tenant: string; readonly data: string }[]> {
  return sql.query(
    `SELECT tenant, argMax(data, offset) AS data FROM events WHERE type = '${type}' AND partition = 0 GROUP BY tenant ORDER BY tenant`,
  )
}

export type RefusedPosition = SourcePosition & { readonly step: 'decode' | 'intake' }

/** Positions that intake refused, by tenant and source partition; requests have none. */
export function readRefusedPositions(sql: Sql): Promise<RefusedPosition[]> {
  return sql.query<RefusedPosition>(
    `SELECT tenant, source_partition, source_position AS position, step FROM dead_letters
     WHERE partition IS NULL AND NOT startsWith(source_partition, 'http/')
     ORDER BY tenant, source_partition, position, step`,
  )
}
