import { dayOfDate } from '../../features/time.ts'
import type { Model } from '../../models/model.ts'
import type { EmbeddedDatabase } from '../../sql/embedded.ts'
import type { LogShape } from '../intake/items.ts'
import { forgetOriginals } from '../intake/originals.ts'
import { closeDaysThrough, DAY_CLOSE } from '../schedule/day-close.ts'
import { createInspectionLists, INSPECTION_LISTS } from '../schedule/inspection-lists.ts'
import type { JobKind } from '../schedule/job.ts'
import { createModelWatch, MODEL_WATCH } from '../schedule/model-watch.ts'
import { createMonthClose, MONTH_CLOSE } from '../schedule/month-close.ts'
import { createRetention, RETENTION } from '../schedule/retention.ts'
import { JobRunner, type RunOutcome } from '../schedule/runner.ts'
import type { Pipeline } from './pipeline.ts'

/** Bounds of what jobs read: they must not take the machine from sink and feed. */
const LIMITS = { memory_bytes_max: 2_000_000_000, threads_max: 1 }

/** All jobs there are, in the order in which they start. */
export const JOB_KINDS: readonly JobKind[] = [DAY_CLOSE, MONTH_CLOSE, MODEL_WATCH, INSPECTION_LISTS, RETENTION]

export type OpenedJobs = { readonly runner: JobRunner; close(): Promise<void> }

/** The jobs over a data directory. */
export function openJobs(
  database: EmbeddedDatabase,
  shape: LogShape,
  models: readonly Model[],
  onError: (error: unknown, where: string) => void,
): OpenedJobs {
  const sql = database.session(LIMITS)
  const jobs = [
    createMonthClose(sql),
    createModelWatch(sql, models),
    createInspectionLists(sql),
    createRetention((before) => forgetOriginals(database.path, before)),
  ]
  return { runner: new JobRunner({ sql, shape, jobs, onError }), close: () => sql.close() }
}

/** Runs one job for one date, as somebody asked; `now` is the clock, which only day close asks. */
export async function runNamedJob(
  pipeline: Pipeline,
  runner: JobRunner,
  wanted: { readonly name: string; readonly tenant: string; readonly date: string },
  now: number,
): Promise<RunOutcome> {
  const { tenant, date } = wanted
  const day = dayOfDate(date)
  if (wanted.name === DAY_CLOSE.name) {
    const closer = {
      tenants: pipeline.intake.tenants,
      closeThrough: (name: string, until: number) => pipeline.closeThrough(name, until),
    }
    const outcome = await closeDaysThrough(closer, tenant, day, now)
    await pipeline.drain()
    return outcome
  }
  const job = runner.jobs.find(({ name }) => name === wanted.name)
  if (job === undefined) return { state: 'skipped', date, detail: `there is no job ${wanted.name}` }
  const known = (await runner.tenants()).find(({ name }) => name === tenant)
  if (known === undefined) return { state: 'skipped', date, detail: `there is no tenant ${tenant}` }
  return runner.runOnce(job, known, day)
}
