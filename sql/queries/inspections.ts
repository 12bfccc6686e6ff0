import { quoteString, type Sql } from '../client.ts'

export type InspectionCount = { readonly check: string; readonly status: string; readonly loans: number }

/** A tenant's loans by the inspection that is next at `date` and by its status; undefined where the schema has no such view. */
export async function readInspectionCounts(
  sql: Sql,
  tenant: string,
  date: string,
): Promise<InspectionCount[] | undefined> {
  const views = await sql.query(
    "SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = 'post_loan_checks'",
  )
  if (views.length === 0) return undefined
  return sql.query<InspectionCount>(
    `SELECT check, status, toInt64(count()) AS loans FROM post_loan_checks(date = ${quoteString(date)})
     WHERE tenant = ${quoteString(tenant)} GROUP BY check, status ORDER BY check, status`,
  )
}
