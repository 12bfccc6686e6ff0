import { quoteString, type Sql } from '../client.ts'

export type BandCount = { readonly model: string; readonly band: string; readonly rows: number }

/**
 * Bands of the scores that a tenant's borrowers had at the tick of `date`, the last of its month, counted by model. Borrowers are
 * those that the label `dpd30_90` is about: with a loan open then, each open one at DPD 0, and none ever at DPD 30 or written off.
 */
export function readScoreBands(sql: Sql, tenant: string, date: string): Promise<BandCount[]> {
  const own = `tenant = ${quoteString(tenant)} AND dataset = ''`
  const month = `toStartOfMonth(toDate(${quoteString(date)}))`
  return sql.query<BandCount>(
    `SELECT toString(model) AS model, toString(band) AS band, toInt64(count()) AS rows
     FROM scores FINAL
     WHERE tenant = ${quoteString(tenant)}
       AND (partition, offset) IN (
         SELECT partition, offset FROM events FINAL
         WHERE tenant = ${quoteString(tenant)} AND type = 'day.closed' AND JSONExtractString(data, 'date') = ${quoteString(date)}
       )
       AND borrower IN (
         SELECT borrower FROM loan_months FINAL WHERE ${own} AND month = ${month}
         GROUP BY borrower HAVING countIf(status = 'open') > 0 AND maxIf(dpd, status = 'open') = 0
       )
       AND borrower NOT IN (
         SELECT borrower FROM loan_months FINAL
         WHERE ${own} AND month <= ${month} AND (worst_dpd >= 30 OR status = 'written_off')
       )
       AND borrower NOT IN (
         SELECT borrower FROM loan_days FINAL
         WHERE ${own} AND date <= ${quoteString(date)} AND (dpd >= 30 OR status = 'written_off')
       )
     GROUP BY model, band ORDER BY model, band`,
  )
}
