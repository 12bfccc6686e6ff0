import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createApp } from '../../api/app.ts'
import { openKeyStore } from '../../api/keys.ts'
import type { FeedRow as ApiFeedRow } from '../../api/rows.ts'
import { readWarning } from '../../sql/queries/feed.ts'
import { toApiRow } from '../feed/rows.ts'
import { jobsCheck, registerJobMetrics } from '../schedule/standing.ts'
import { startJobs } from '../schedule/start.ts'
import type { ProcessMetrics } from '../watch/process-metrics.ts'
import { urlOf } from './address.ts'
import { createBorrowerView } from './borrower-view.ts'
import { createJobDoor } from './job-door.ts'
import { openJobs } from './jobs.ts'
import { LiveDoor } from './live-door.ts'
import { startLiveTicks } from './live-ticks.ts'
import type { Pipeline } from './pipeline.ts'
import { openSqlDoor } from './sql-door.ts'
import { versionOf } from './version.ts'

/** Tells the command line on the same machine where the process that holds the directory listens. */
const RUN_FILE = 'run.json'
/** How long open connections may finish what they are at when the service stops. */
const CLOSE_GRACE_MS = 2000

export type ServiceOptions = {
  readonly host: string
  readonly port: number
  /** Where the pipeline is registered already. */
  readonly watch: Pick<ProcessMetrics, 'metrics' | 'onAnswered'>
  /** Told what a caller sees only as a 500, and failures of the background. */
  readonly onError: (error: unknown, where: string) => void
}

export type Service = { readonly url: string; readonly app: FastifyInstance; close(): Promise<void> }

/** Serves a pipeline over HTTP, closes live tenants' days and runs the jobs. Stops in reverse. */
export async function startService(pipeline: Pipeline, options: ServiceOptions): Promise<Service> {
  const directory = pipeline.database.path
  const operatorToken = randomBytes(32).toString('base64url')
  const door = new LiveDoor(pipeline)
  const reads = pipeline.database.session()
  const borrowerNow = createBorrowerView(pipeline.engine, reads)
  const { feed } = pipeline
  const sqlDoor = openSqlDoor(pipeline.database)
  const jobs = openJobs(pipeline.database, pipeline.shape, pipeline.models, options.onError)
  registerJobMetrics(options.watch.metrics, jobs.runner)
  const jobDoor = createJobDoor(pipeline, jobs.runner, (error) => options.onError(error, 'job'))
  const app = createApp(
    {
      submit: (tenant, items, request, traceparent) => door.submit(tenant, items, request, traceparent),
      feed: {
        partitions: feed.partitions,
        read: async (tenant, after, limit) => (await feed.read(tenant, after, limit)).map((rows) => rows.map(toApiRow)),
        onRows: (listener) => feed.onRows(listener),
      },
      borrower: async (tenant, borrower) => {
        const now = await borrowerNow(tenant, borrower)
        if (now === undefined) return undefined
        const { time, warnings, ...rest } = now
        return { ...rest, evaluated_at: new Date(time).toISOString(), warnings: warnings.map(toApiRow) }
      },
      warning: async (tenant, id): Promise<ApiFeedRow | undefined> => {
        const row = feed.find(tenant, id) ?? (await readWarning(reads, tenant, id))
        return row === undefined ? undefined : toApiRow(row)
      },
      keys: openKeyStore(directory, { warn: (message) => options.onError(new Error(message), 'keys') }),
      sql: sqlDoor.sql,
      jobs: jobDoor,
      operatorToken,
      metrics: () => options.watch.metrics.text(),
      readiness: () => ({
        ready: pipeline.failure === undefined,
        checks: { pipeline: pipeline.failure === undefined ? 'ok' : 'failed', jobs: jobsCheck(jobs.runner) },
      }),
    },
    {
      version: versionOf(),
      onAnswered: options.watch.onAnswered,
      reportError: (error, context) => options.onError(error, `${context.method} ${context.route}`),
    },
  )
  await app.listen({ host: options.host, port: options.port })
  const { url } = urlOf(app, options.host)
  const runFile = join(directory, RUN_FILE)
  writeFileSync(runFile, `${JSON.stringify({ pid: process.pid, url, operator_token: operatorToken })}\n`, {
    mode: 0o600,
  })
  const stopTicks = startLiveTicks(pipeline, (error) => options.onError(error, 'day close'))
  const stopJobs = startJobs(jobs.runner, {
    zones: () => pipeline.intake.tenants.map(({ tenant, calendar }) => ({ tenant, zone: calendar.zone })),
    onFailure: (error) => options.onError(error, 'jobs'),
  })
  return {
    url,
    app,
    async close() {
      await stopTicks()
      await stopJobs()
      // A client may keep a connection open and silent for as long as it likes.
      const impatience = setTimeout(() => app.server.closeAllConnections(), CLOSE_GRACE_MS)
      await app.close()
      clearTimeout(impatience)
      rmSync(runFile, { force: true })
      await sqlDoor.close()
      await jobs.close()
      await reads.close()
    },
  }
}
