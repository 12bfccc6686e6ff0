import type { Sql } from '../../sql/client.ts'
import { readInspectionCounts } from '../../sql/queries/inspections.ts'
import type { Job, JobKind } from './job.ts'

/** What the view says of an inspection that is neither due nor overdue. */
const LATER = 'done'

export const INSPECTION_LISTS: JobKind = {
  name: 'inspection-lists',
  description: 'counts the post-loan inspections that are due or overdue; the list is the view post_loan_checks',
  cadence: 'day',
  schedule: '40 7 * * *',
}

/**
 * Counts the inspections of a date's list. The list itself is not stored: `post_loan_checks(date)` gives it for any date, and loans
 * that nobody looks at would fill the disk day by day.
 */
export function createInspectionLists(sql: Sql): Job {
  return {
    ...INSPECTION_LISTS,
    async run({ tenant, date }) {
      const counts = await readInspectionCounts(sql, tenant, date)
      if (counts === undefined) return { ok: true, result: { reason: 'there is no view post_loan_checks' } }
      const of = (status: string) => {
        const own = counts.filter((one) => one.status === status)
        return Object.fromEntries(own.map(({ check, loans }) => [check, loans]))
      }
      const listed = counts.filter(({ status }) => status !== LATER).reduce((sum, { loans }) => sum + loans, 0)
      return { ok: true, result: { listed, due: of('due'), overdue: of('overdue') } }
    },
  }
}
