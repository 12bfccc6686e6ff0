import { randomUUID } from 'node:crypto'
import { DEFAULT_TENANT_CONFIGURATION, type TenantConfiguration } from '../../features/events/contract.ts'
import { restoreData } from '../../features/events/decode.ts'
import { type Calendar, calendarOf, dateOfDay, dayOfDate } from '../../features/time.ts'
import type { Sql } from '../../sql/client.ts'
import { type ClosedDate, readClosedDates } from '../../sql/queries/closed-dates.ts'
import { type JobState, readJobRuns } from '../../sql/queries/job-runs.ts'
import { createJobRunsBlock } from '../../sql/tables/job-runs.ts'
import type { LogShape } from '../intake/items.ts'
import { dueDays, isDateOf, type Job, type JobOutcome } from './job.ts'

/** A tenant whose dates jobs are run for. */
export type JobTenant = { readonly name: string; readonly calendar: Calendar; readonly closed_day: number | undefined }

/** What became of one start for one date. */
export type RunOutcome =
  | { readonly state: 'done'; readonly date: string; readonly result: Readonly<Record<string, unknown>> }
  | { readonly state: 'failed'; readonly date: string; readonly detail: string }
  /** It was done before, or else is being done or cannot be done yet, as `detail` says. */
  | { readonly state: 'skipped'; readonly date: string; readonly detail: string; readonly isDone?: true }

/** How a job stands for one tenant, as this process has seen it. */
export type JobStanding = {
  readonly job: string
  readonly tenant: string
  /** When a run ended well in this process, by the clock; for whoever watches it, and for nothing else. */
  succeeded_at_ms: number | undefined
  /** The last date done, as a day number. */
  done_day: number | undefined
  failure: { readonly date: string; readonly detail: string } | undefined
}

type Options = {
  readonly sql: Sql
  readonly shape: LogShape
  readonly jobs: readonly Job[]
  /** Told of bugs; a job that fails as expected says so in its row. */
  readonly onError: (error: unknown, where: string) => void
}

/**
 * Runs jobs: for each tenant in the order of dates, one run per date however often it is started, recorded in `job_runs`. Between
 * processes the record is advisory: it is looked at before and after it is written, and two that write at the same moment may
 * both run, which does no harm.
 */
export class JobRunner {
  readonly jobs: readonly Job[]
  readonly #sql: Sql
  readonly #pieces: number
  readonly #onError: Options['onError']
  readonly #holder = randomUUID()
  readonly #busy = new Set<string>()
  readonly #standings = new Map<string, JobStanding>()
  readonly #counts = new Map<string, number>()
  #isStopping = false

  constructor({ sql, shape, jobs, onError }: Options) {
    this.#sql = sql
    this.#pieces = shape.partitions * shape.slices
    this.jobs = jobs
    this.#onError = onError
  }

  get standings(): readonly JobStanding[] {
    return [...this.#standings.values()]
  }

  /** Runs of this process by `job outcome`. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** No further date is begun. */
  stop(): void {
    this.#isStopping = true
  }

  async tenants(): Promise<JobTenant[]> {
    return (await readClosedDates(this.#sql, this.#pieces)).map(jobTenant)
  }

  /** Runs a job for all dates that are due, of one tenant or of all, oldest first; after a failure the later ones wait. */
  async runDue(job: Job, tenant?: string): Promise<RunOutcome[]> {
    const outcomes: RunOutcome[] = []
    for (const one of await this.tenants()) {
      if (tenant !== undefined && one.name !== tenant) continue
      outcomes.push(...(await this.#exclusive(job, one.name, () => this.#catchUp(job, one))))
    }
    return outcomes
  }

  /** Runs a job for one date, which must be closed; one that is done stays as it is. */
  async runOnce(job: Job, tenant: JobTenant, day: number): Promise<RunOutcome> {
    const date = dateOfDay(day)
    if (!isDateOf(job.cadence, day)) {
      return { state: 'skipped', date, detail: `${job.name} is run for the last day of a month, which ${date} is not` }
    }
    if (tenant.closed_day === undefined || day > tenant.closed_day) {
      const reached =
        tenant.closed_day === undefined ? 'no day is' : `the last one that is is ${dateOfDay(tenant.closed_day)}`
      return { state: 'skipped', date, detail: `${date} is not closed yet for tenant ${tenant.name}: ${reached}` }
    }
    const [outcome] = await this.#exclusive(job, tenant.name, async () => [await this.#run(job, tenant, day)])
    return (
      outcome ?? {
        state: 'skipped',
        date,
        detail: `${job.name} is running for tenant ${tenant.name}: wait for its end`,
      }
    )
  }

  async #catchUp(job: Job, tenant: JobTenant): Promise<RunOutcome[]> {
    const outcomes: RunOutcome[] = []
    if (tenant.closed_day === undefined) return outcomes
    const runs = await this.#readRuns(job, tenant)
    for (const day of dueDays(job.cadence, runs, tenant.closed_day)) {
      if (this.#isStopping) break
      const outcome = await this.#run(job, tenant, day)
      outcomes.push(outcome)
      if (outcome.state === 'failed') break
    }
    return outcomes
  }

  /** Nothing where the job is running for this tenant. */
  async #exclusive(job: Job, tenant: string, work: () => Promise<RunOutcome[]>): Promise<RunOutcome[]> {
    const key = `${job.name} ${tenant}`
    if (this.#busy.has(key)) return []
    this.#busy.add(key)
    try {
      return await work()
    } finally {
      this.#busy.delete(key)
    }
  }

  async #run(job: Job, tenant: JobTenant, day: number): Promise<RunOutcome> {
    const date = dateOfDay(day)
    const before = (await this.#readRuns(job, tenant)).get(day)
    if (before?.isDone === true)
      return { state: 'skipped', date, detail: `${job.name} is done for ${date}`, isDone: true }
    const attempt = (before?.attempt ?? 0) + 1
    const record = (state: JobState, result: string, detail: string) =>
      this.#record({ tenant: tenant.name, job: job.name, day, attempt, state, result, detail })
    await record('running', '', '')
    const claimed = (await this.#readRuns(job, tenant)).get(day)
    if (claimed?.holder !== this.#holder) {
      return { state: 'skipped', date, detail: `another process runs ${job.name} for ${date}` }
    }
    const outcome = await this.#attempt(job, tenant, day)
    if (outcome.ok) await record('done', JSON.stringify(outcome.result), '')
    else await record('failed', '', outcome.detail)
    this.#note(job, tenant, day, outcome)
    return outcome.ok
      ? { state: 'done', date, result: outcome.result }
      : { state: 'failed', date, detail: outcome.detail }
  }

  async #attempt(job: Job, tenant: JobTenant, day: number): Promise<JobOutcome> {
    const date = dateOfDay(day)
    try {
      return await job.run({ tenant: tenant.name, date, day, start_ms: tenant.calendar.startOfDay(day) })
    } catch (error) {
      this.#onError(error, `job ${job.name}, ${date}`)
      return { ok: false, detail: error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error) }
    }
  }

  #note(job: Job, tenant: JobTenant, day: number, outcome: JobOutcome): void {
    const key = `${job.name} ${tenant.name}`
    const standing: JobStanding = this.#standings.get(key) ?? {
      job: job.name,
      tenant: tenant.name,
      succeeded_at_ms: undefined,
      done_day: undefined,
      failure: undefined,
    }
    this.#standings.set(key, standing)
    const counted = `${job.name} ${outcome.ok ? 'done' : 'failed'}`
    this.#counts.set(counted, (this.#counts.get(counted) ?? 0) + 1)
    if (!outcome.ok) {
      standing.failure = { date: dateOfDay(day), detail: outcome.detail }
      return
    }
    standing.succeeded_at_ms = Date.now()
    standing.done_day = Math.max(standing.done_day ?? day, day)
    // A date that failed and another that went well are two things.
    if (standing.failure === undefined || dayOfDate(standing.failure.date) <= day) standing.failure = undefined
  }

  async #readRuns(
    job: Job,
    tenant: JobTenant,
  ): Promise<Map<number, { readonly isDone: boolean; readonly attempt: number; readonly holder: string }>> {
    const runs = await readJobRuns(this.#sql, tenant.name, job.name)
    return new Map(
      runs.map(({ business_date, state, attempt, holder }) => {
        return [dayOfDate(business_date), { isDone: state === 'done', attempt, holder }]
      }),
    )
  }

  async #record(run: {
    tenant: string
    job: string
    day: number
    attempt: number
    state: JobState
    result: string
    detail: string
  }): Promise<void> {
    const { day, ...rest } = run
    const block = createJobRunsBlock()
    // The end of an attempt comes after its beginning, and the next attempt after both.
    const version = run.attempt * 2 + (run.state === 'running' ? 0 : 1)
    block.append({ ...rest, business_date: day, holder: this.#holder, version })
    await this.#sql.insertBlock('job_runs', block)
  }
}

function jobTenant({ tenant, configuration, closed_through }: ClosedDate): JobTenant {
  const known = configuration === '' ? {} : restoreData<TenantConfiguration>(configuration)
  return {
    name: tenant,
    calendar: calendarOf({ ...DEFAULT_TENANT_CONFIGURATION, ...known }.zone),
    closed_day: closed_through === null ? undefined : dayOfDate(closed_through),
  }
}
