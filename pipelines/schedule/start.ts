import { type ScheduledTask, schedule } from 'node-cron'
import type { Job } from './job.ts'
import type { JobRunner } from './runner.ts'

/** How often it is looked whether there is a tenant that has no schedules yet. */
const EVERY_MINUTE = '* * * * *'

export type ZoneOf = { readonly tenant: string; readonly zone: string }

export type StartOptions = {
  /** Tenants and their zones as they are now. */
  readonly zones: () => readonly ZoneOf[]
  /** Asked before each start; false where another process has the jobs. */
  readonly isMine?: () => boolean
  readonly onFailure: (error: unknown) => void
}

/**
 * Starts jobs by the clock, each in the zone of its tenant, and once now, to catch up with what fell due while nothing ran. The
 * clock says when to look; which dates are due is in the tables. Returns the function that ends it.
 */
export function startJobs(
  runner: JobRunner,
  { zones, isMine = () => true, onFailure }: StartOptions,
): () => Promise<void> {
  const tasks = new Map<string, { readonly zone: string; readonly all: readonly ScheduledTask[] }>()
  const running = new Set<Promise<void>>()
  let last: Promise<void> = Promise.resolve()
  let isStopped = false

  /** One after the other: jobs read whole tables, and nobody waits for them. */
  function start(jobs: readonly Job[], tenant: string | undefined): Promise<void> {
    last = last.then(async () => {
      for (const job of jobs) {
        if (isStopped || !isMine()) return
        await runner.runDue(job, tenant).catch(onFailure)
      }
    })
    const one = last
    running.add(one)
    void one.finally(() => running.delete(one))
    return one
  }

  function syncTenants(): void {
    for (const { tenant, zone } of zones()) {
      const known = tasks.get(tenant)
      if (known?.zone === zone) continue
      for (const task of known?.all ?? []) void task.destroy()
      const all = runner.jobs.map((job) => {
        return schedule(job.schedule, () => start([job], tenant), { timezone: zone, noOverlap: true })
      })
      tasks.set(tenant, { zone, all })
    }
  }

  const watch = schedule(EVERY_MINUTE, syncTenants)
  syncTenants()
  void start(runner.jobs, undefined)
  return async () => {
    isStopped = true
    runner.stop()
    await watch.destroy()
    for (const { all } of tasks.values()) for (const task of all) await task.destroy()
    await Promise.all(running)
  }
}
