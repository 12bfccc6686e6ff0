import { quoteString, type Sql } from '../client.ts'

export type JobState = 'running' | 'done' | 'failed'

export type JobRun = {
  readonly tenant: string
  readonly job: string
  readonly business_date: string
  readonly attempt: number
  readonly state: JobState
  readonly holder: string
  readonly result: string
  readonly detail: string
}

/** The latest attempts, by tenant, job and business date: all of them, or one tenant's of one job. */
export const JOB_RUNS_STATEMENT = `SELECT tenant, job, toString(business_date) AS business_date, attempt, state, holder,
  result, detail FROM job_runs FINAL`

export function readJobRuns(sql: Sql, tenant: string, job: string): Promise<JobRun[]> {
  return sql.query<JobRun>(
    `${JOB_RUNS_STATEMENT} WHERE tenant = ${quoteString(tenant)} AND job = ${quoteString(job)} ORDER BY business_date`,
  )
}
