import { readFileSync } from 'node:fs'
import type { Sql } from '../client.ts'

const STATEMENT = new URL('./training-set.sql', import.meta.url)

/** The rows of `training-set.sql` for a tenant, whole, in a ClickHouse format such as Parquet or CSVWithNames. */
export function readTrainingSet(sql: Sql, tenant: string, format: string): Promise<Uint8Array> {
  return sql.bytes(readFileSync(STATEMENT, 'utf8'), format, { params: { tenant } })
}
