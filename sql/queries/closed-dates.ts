import type { Sql } from '../client.ts'

/** How far a tenant's business dates have come, as the tables show it. */
export type ClosedDate = {
  readonly tenant: string
  /** `tenant.configured` as canonical JSON, empty where there is none. */
  readonly configuration: string
  /** The last date of which every slice is closed in every partition and all that follows is in the tables; null: none. */
  readonly closed_through: string | null
}

/** Tenants by name with the last date that is closed, for a log of so many pieces (partitions times slices). */
export function closedDatesStatement(pieces: number): string {
  return `SELECT tenant, configuration, nullIf(closed_through, '') AS closed_through
FROM (
  SELECT tenant, argMax(data, offset) AS configuration
  FROM events FINAL
  WHERE type = 'tenant.configured' AND partition = 0
  GROUP BY tenant
) AS tenants
LEFT JOIN (
  SELECT tenant, max(date) AS closed_through
  FROM (
    SELECT e.tenant AS tenant, JSONExtractString(e.data, 'date') AS date,
      uniqExact(e.partition, JSONExtractUInt(e.data, 'slice')) AS closed
    FROM events AS e FINAL
    INNER JOIN progress AS p FINAL ON p.partition = e.partition
    WHERE e.type = 'day.closed' AND e.offset <= p.offset
    GROUP BY tenant, date
  )
  WHERE closed = ${pieces}
  GROUP BY tenant
) AS closed USING (tenant)
ORDER BY tenant`
}

export function readClosedDates(sql: Sql, pieces: number): Promise<ClosedDate[]> {
  return sql.query<ClosedDate>(closedDatesStatement(pieces))
}
