import { Command } from 'commander'
import { businessDate } from '../../../features/events/fields.ts'
import { type ClosedDate, closedDatesStatement } from '../../../sql/queries/closed-dates.ts'
import { JOB_RUNS_STATEMENT, type JobRun } from '../../../sql/queries/job-runs.ts'
import { TENANT_DEFAULT } from '../../config.ts'
import { JOB_KINDS, openJobs, runNamedJob } from '../../run/jobs.ts'
import { readShape } from '../../run/log-shape.ts'
import { loadModels } from '../../run/models.ts'
import { Pipeline } from '../../run/pipeline.ts'
import { DAY_CLOSE } from '../../schedule/day-close.ts'
import type { JobKind } from '../../schedule/job.ts'
import type { RunOutcome } from '../../schedule/runner.ts'
import { tenantName } from '../arguments.ts'
import { requireData, withData } from '../data.ts'
import { askForJob } from '../jobs.ts'
import { describeError, Failure, print, say, UsageError } from '../output.ts'
import { readRows, withStatements } from '../statements.ts'
import { alignColumns } from '../table.ts'

export function jobsCommand(): Command {
  return new Command('jobs')
    .description('work by business date: closing of days and months, model watch, retention')
    .addCommand(
      new Command('list')
        .description('the jobs, and per tenant what they did')
        .option('--data <dir>', 'data directory', './data')
        .option('--json', 'print one JSON array on standard output')
        .action(list),
    )
    .addCommand(
      new Command('run')
        .description('runs a job for one business date; one that is done stays as it is')
        .argument('<name>', `one of ${JOB_KINDS.map(({ name }) => name).join(', ')}`)
        .requiredOption('--date <date>', 'business date; of month-close and model-watch the last of a month')
        .option('--data <dir>', 'data directory', './data')
        .option('--tenant <name>', 'tenant', TENANT_DEFAULT)
        .option('--no-model', 'rules alone')
        .option('--json', 'print what came of it as one JSON object on standard output')
        .addHelpText(
          'after',
          '\n`run` starts the jobs by itself, in the zone of each tenant, and catches up with what it missed, in order. While it holds the ' +
            'directory it\ndoes the work. Exit 0: done, or done before. Exit 1: failed, or the date cannot be done yet.',
        )
        .action(run),
    )
}

/** How a job stands for a tenant. */
type Listed = JobKind & {
  readonly tenant: string | null
  readonly closed_through: string | null
  /** The last date that it did. */
  readonly done_through: string | null
  /** The first date that failed and was not done since, and why. */
  readonly failed: string | null
  readonly detail: string | null
}

async function list(options: { data: string; json?: true }): Promise<void> {
  requireData(options.data)
  const shape = readShape(options.data)
  const { tenants, runs } = await withStatements(options.data, async (statements) => {
    const tables = await readRows<{ name: string }>(
      statements,
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'job_runs')",
    )
    const has = (table: string) => tables.some(({ name }) => name === table)
    const pieces = shape === undefined ? 0 : shape.partitions * shape.slices
    return {
      tenants: has('events') ? await readRows<ClosedDate>(statements, closedDatesStatement(pieces)) : [],
      runs: has('job_runs') ? await readRows<JobRun>(statements, JOB_RUNS_STATEMENT) : [],
    }
  })
  const listed = JOB_KINDS.flatMap((kind): Listed[] => {
    if (tenants.length === 0)
      return [{ ...kind, tenant: null, closed_through: null, done_through: null, failed: null, detail: null }]
    return tenants.map((tenant) => standing(kind, tenant, runs))
  })
  if (options.json) {
    print(JSON.stringify(listed))
    return
  }
  const rows = listed.map((one) => [
    one.name,
    one.schedule,
    one.tenant ?? '-',
    one.closed_through ?? '-',
    one.done_through ?? '-',
    one.failed === null ? '' : `${one.failed}: ${one.detail ?? ''}`,
  ])
  for (const line of alignColumns([['job', 'starts', 'tenant', 'closed', 'done', 'failed'], ...rows], []))
    print(line.trimEnd())
}

function standing(kind: JobKind, { tenant, closed_through }: ClosedDate, runs: readonly JobRun[]): Listed {
  const own = runs.filter((run) => run.tenant === tenant && run.job === kind.name)
  const dates = own.filter(({ state }) => state === 'done').map(({ business_date }) => business_date)
  const failed = own
    .filter(({ state }) => state === 'failed')
    .sort((a, b) => (a.business_date < b.business_date ? -1 : 1))[0]
  return {
    ...kind,
    tenant,
    closed_through,
    // Its record is the log.
    done_through: kind.name === DAY_CLOSE.name ? closed_through : (dates.sort().at(-1) ?? null),
    failed: failed?.business_date ?? null,
    detail: failed?.detail ?? null,
  }
}

type RunOptions = { data: string; date: string; tenant: string; model: boolean; json?: true }

async function run(name: string, options: RunOptions): Promise<void> {
  const names = JOB_KINDS.map((kind) => kind.name)
  if (!names.includes(name)) throw new UsageError(`there is no job ${name}: choose one of ${names.join(', ')}`)
  if (!businessDate.safeParse(options.date).success)
    throw new UsageError(`--date ${options.date} is not a date such as 2024-01-31`)
  const wanted = { name, tenant: tenantName(options.tenant), date: options.date }
  const path = `/jobs/run?${new URLSearchParams(wanted).toString()}`
  const outcome = await withData<RunOutcome>(options.data, {
    held: (holder) => askForJob(holder, { path }, () => {}, new AbortController().signal),
    async opened(database) {
      const loaded = options.model ? await loadModels() : { ok: true as const, models: [] }
      if (!loaded.ok) throw new Failure(loaded.detail)
      const pipeline = await Pipeline.start(database, loaded.models, {
        directory: options.data,
        withoutModel: !options.model,
      })
      const jobs = openJobs(database, pipeline.shape, loaded.models, (error, where) =>
        say(`${where}: ${describeError(error)}`),
      )
      try {
        return await runNamedJob(pipeline, jobs.runner, wanted, Date.now())
      } finally {
        await jobs.close()
        await pipeline.close()
      }
    },
  })
  if (options.json) print(JSON.stringify(outcome))
  else if (outcome.state === 'done') print(`${name} ${options.date}: ${JSON.stringify(outcome.result)}`)
  if (outcome.state === 'failed') throw new Failure(`${name} failed for ${outcome.date}: ${outcome.detail}`)
  if (outcome.state === 'skipped') {
    if (!outcome.isDone) throw new Failure(outcome.detail)
    say(`${outcome.detail} already`)
  }
}
