import type { WarningRow } from '../../models/decision/rows.ts'
import type { Sql } from '../client.ts'
import { quoteString } from '../client.ts'

/** A row of `warnings` as it was written; `signals` is JSON text and `time` UTC milliseconds. */
export type StoredFeedRow = WarningRow & {
  readonly partition: number
  readonly offset: number
  readonly feed_seq: number
}

const COLUMNS = `tenant, partition, feed_seq, id, warning_id, type, severity, borrower, loan,
  toUnixTimestamp64Milli(time) AS time, offset, seq, decision, model, score, trigger_source, trigger_id, trigger_date, signals`

/** Rows of one tenant's part of a partition after a number, in order. */
export function readFeed(
  sql: Sql,
  query: { readonly tenant: string; readonly partition: number; readonly after: number; readonly limit: number },
): Promise<StoredFeedRow[]> {
  const { tenant, partition, after, limit } = query
  return sql.query<StoredFeedRow>(
    `SELECT ${COLUMNS} FROM warnings
     WHERE tenant = ${quoteString(tenant)} AND partition = ${partition} AND feed_seq > ${after}
     ORDER BY feed_seq LIMIT ${limit}`,
  )
}

/** The feed row with this id, if there is one. */
export async function readWarning(sql: Sql, tenant: string, id: string): Promise<StoredFeedRow | undefined> {
  const rows = await sql.query<StoredFeedRow>(
    `SELECT ${COLUMNS} FROM warnings WHERE tenant = ${quoteString(tenant)} AND id = ${quoteString(id)} LIMIT 1`,
  )
  return rows[0]
}

/** The latest feed row of an episode. */
export async function readLatestOfWarning(
  sql: Sql,
  tenant: string,
  warningId: string,
): Promise<StoredFeedRow | undefined> {
  const rows = await sql.query<StoredFeedRow>(
    `SELECT ${COLUMNS} FROM warnings
     WHERE tenant = ${quoteString(tenant)} AND warning_id = ${quoteString(warningId)}
     ORDER BY feed_seq DESC LIMIT 1`,
  )
  return rows[0]
}

/** The borrower of the tenant's latest feed row, if there is any. */
export async function readWarnedBorrower(sql: Sql, tenant: string): Promise<string | undefined> {
  const rows = await sql.query<{ borrower: string }>(
    `SELECT borrower FROM warnings WHERE tenant = ${quoteString(tenant)} ORDER BY time DESC, feed_seq DESC LIMIT 1`,
  )
  return rows[0]?.borrower
}

/** The largest number of a tenant's feed in each partition that has any after `seen[partition]`. */
export function readFeedEnds(
  sql: Sql,
  tenant: string,
  seen: readonly number[],
): Promise<{ readonly partition: number; readonly feed_seq: number }[]> {
  const after = seen.map((feed_seq, partition) => `(partition = ${partition} AND feed_seq > ${feed_seq})`).join(' OR ')
  return sql.query(
    `SELECT partition, max(warnings.feed_seq) AS feed_seq FROM warnings
     WHERE tenant = ${quoteString(tenant)} AND (${after}) GROUP BY partition`,
  )
}

/** The latest feed row of a borrower. */
export async function readLatestOfBorrower(
  sql: Sql,
  tenant: string,
  borrower: string,
): Promise<StoredFeedRow | undefined> {
  const rows = await sql.query<StoredFeedRow>(
    `SELECT ${COLUMNS} FROM warnings
     WHERE tenant = ${quoteString(tenant)} AND borrower = ${quoteString(borrower)}
     ORDER BY partition, feed_seq DESC LIMIT 1`,
  )
  return rows[0]
}
