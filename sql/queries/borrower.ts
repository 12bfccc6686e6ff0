import { quoteString, type Sql } from '../client.ts'
import { readLatestOfBorrower, type StoredFeedRow } from './feed.ts'

/** What the tables say of a borrower: its last stored evaluation, and its open warning. */
export type StoredBorrower = {
  /** T of that evaluation, UTC milliseconds. */
  readonly time: number
  readonly features: Record<string, number | null>
  readonly score: { readonly model: string; readonly score: number; readonly band: string } | null
  readonly warnings: readonly StoredFeedRow[]
}

/** Columns of `features` that are no feature. */
const PLACE = 'tenant, partition, `offset`, borrower, type, time, late_ms, generation'

/** Undefined for a borrower of whom nothing is stored. */
export async function readBorrower(sql: Sql, tenant: string, borrower: string): Promise<StoredBorrower | undefined> {
  const whose = `tenant = ${quoteString(tenant)} AND borrower = ${quoteString(borrower)}`
  const [row] = await sql.query<Record<string, number | null> & { readonly at: number }>(
    `SELECT toUnixTimestamp64Milli(time) AS at, * EXCEPT (${PLACE}) FROM features
     WHERE ${whose} ORDER BY partition, offset DESC LIMIT 1`,
  )
  if (row === undefined) return undefined
  const { at, ...features } = row
  const [score] = await sql.query<{ model: string; score: number; band: string }>(
    `SELECT model, score, band FROM scores WHERE ${whose} ORDER BY partition, offset DESC LIMIT 1`,
  )
  const latest = await readLatestOfBorrower(sql, tenant, borrower)
  return {
    time: at,
    features,
    score: score ?? null,
    warnings: latest === undefined || latest.type === 'cleared' ? [] : [latest],
  }
}
