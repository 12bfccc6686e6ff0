import { MS_PER_DAY } from '../../features/time.ts'
import type { Metrics, Sample } from '../watch/metrics.ts'
import type { JobRunner } from './runner.ts'

/** What `/readyz` and `/metrics` say of jobs. Neither names a tenant. */

/** `ok`, or which jobs failed last and for which dates. A failed job is seen here; it makes no process unready. */
export function jobsCheck(runner: JobRunner): string {
  const failed = runner.standings.flatMap(({ job, failure }) =>
    failure === undefined ? [] : [`${job} ${failure.date}`],
  )
  return failed.length === 0 ? 'ok' : `failed: ${[...new Set(failed)].sort().join(', ')}`
}

export function registerJobMetrics(metrics: Metrics, runner: JobRunner): void {
  metrics.counter('foreshock_job_runs_total', 'Runs of jobs that ended, by outcome.', ['job', 'outcome'], () =>
    [...runner.counts].map(([key, runs]) => [runs, ...key.split(' ')] as const),
  )
  const perJob = (read: (job: string) => number | undefined) => () =>
    runner.jobs.flatMap(({ name }): Sample[] => {
      const value = read(name)
      return value === undefined ? [] : [[value, name]]
    })
  const standingsOf = (job: string) => runner.standings.filter((one) => one.job === job)
  metrics.gauge(
    'foreshock_job_failing',
    'Tenants for which the last run of the job failed.',
    ['job'],
    perJob((job) => standingsOf(job).filter(({ failure }) => failure !== undefined).length),
  )
  metrics.gauge(
    'foreshock_job_last_success_timestamp_seconds',
    'When a run of the job last ended well in this process.',
    ['job'],
    perJob((job) => {
      const times = standingsOf(job).flatMap(({ succeeded_at_ms }) => succeeded_at_ms ?? [])
      return times.length === 0 ? undefined : Math.max(...times) / 1000
    }),
  )
  metrics.gauge(
    'foreshock_job_done_date_timestamp_seconds',
    'Midnight UTC of the last business date that the job did, of the tenant that is furthest behind.',
    ['job'],
    perJob((job) => {
      const days = standingsOf(job).flatMap(({ done_day }) => done_day ?? [])
      return days.length === 0 ? undefined : (Math.min(...days) * MS_PER_DAY) / 1000
    }),
  )
}
