import { createBlock, type RowBlock } from '../native.ts'

/** One row per tenant, job and business date, as of its latest attempt. */
export const JOB_RUNS_COLUMNS = {
  tenant: 'String',
  job: 'String',
  business_date: 'Date',
  attempt: 'UInt32',
  state: 'String',
  holder: 'String',
  result: 'String',
  detail: 'String',
  version: 'UInt64',
} as const

export type JobRunsBlock = RowBlock<typeof JOB_RUNS_COLUMNS>

/** An empty block for `insertBlock('job_runs', …)`. */
export function createJobRunsBlock(): JobRunsBlock {
  return createBlock(JOB_RUNS_COLUMNS)
}
