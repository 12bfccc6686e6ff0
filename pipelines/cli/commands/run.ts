import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { createKey, KEYS_FILE } from '../../../api/keys.ts'
import { dateOfDay, dayOfDate, firstDayOfMonth, monthOfDay } from '../../../features/time.ts'
import { HOST_DEFAULT, PORT_DEFAULT, TENANT_DEFAULT } from '../../config.ts'
import { ingest } from '../../ingest/ingest.ts'
import type { Pipeline } from '../../run/pipeline.ts'
import { type Probes, type Readiness, readinessOf, startProbes } from '../../run/probes.ts'
import { type Service, startService } from '../../run/service.ts'
import { SimulatorSource } from '../../run/simulator-source.ts'
import { versionOf } from '../../run/version.ts'
import { watchPipeline } from '../../run/watch-pipeline.ts'
import { createLog, LOG_FORMATS, type Log } from '../../watch/log.ts'
import { registerPipeline } from '../../watch/pipeline-metrics.ts'
import { createProcessMetrics } from '../../watch/process-metrics.ts'
import { logTraced } from '../../watch/traces.ts'
import { openForCommand } from '../open.ts'
import { describeError, Failure, groupDigits, print, Said, say, UsageError } from '../output.ts'
import { Progress } from '../progress.ts'
import { saySummary, summaryOf } from '../summary.ts'

const SIMULATOR = 'simulator'
const KAFKA = 'kafka'
const PORT_MAX = 65_535
/** Simulated events that are handed over at once before time runs on. */
const HISTORY_BATCH_EVENTS = 4096
/** How often the running process asks whether its pipeline still works. */
const FAILURE_CHECK_MS = 1000

type Options = {
  data: string
  host: string
  port: string
  source?: string
  tenant: string
  borrowers: string
  months: string
  seed: string
  start: string
  daySeconds: string
  model: boolean
  config?: string
  role: string
  log: string
  acceptTopic: string[]
}

/** Where lines go; `json` only where they are objects. */
type Lines = { readonly log: Log; readonly json: Log | undefined }

export function runCommand(): Command {
  return new Command('run')
    .description('intake, engine, API and jobs in one process; Ctrl-C stops it, the next start goes on from there')
    .option('--data <dir>', 'data directory, made when absent', './data')
    .option('--host <address>', 'address to listen on', HOST_DEFAULT)
    .option('--port <number>', 'port to listen on, 0 for any free one', String(PORT_DEFAULT))
    .option(
      '--source <name>',
      'simulator, a file, - for standard input, or kafka; without it events come by HTTP alone',
    )
    .option('--config <file>', 'cluster: its configuration, which names Kafka, ClickHouse and the input topics')
    .option(
      '--role <names>',
      'cluster: what this process does: intake, worker, api, with commas between, or all',
      'all',
    )
    .option(
      '--accept-topic <names...>',
      'cluster: input topics that were made again, or have other partitions, to be read as they are now',
      [],
    )
    .option('--tenant <name>', 'tenant of the source, and of the key made on first start', TENANT_DEFAULT)
    .option('--borrowers <n>', 'simulator: borrowers', '500')
    .option('--months <n>', 'simulator: months of history before time runs on', '12')
    .option('--seed <n>', 'simulator: seed', '1')
    .option('--start <date>', 'simulator: first date', '2024-01-01')
    .option('--day-seconds <n>', 'simulator: seconds that a day takes once the history is there', '3')
    .option('--no-model', 'rules alone')
    .option('--log <format>', `lines on standard error: ${LOG_FORMATS.join(' or ')}`, 'plain')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const format = LOG_FORMATS.find((name) => name === options.log)
  if (format === undefined) throw new UsageError(`--log ${options.log}: choose ${LOG_FORMATS.join(' or ')}`)
  const log = createLog(format, say)
  if (format === 'plain') return runProcess(options, { log, json: undefined })
  try {
    await runProcess(options, { log, json: log })
  } catch (error) {
    const isExpected = error instanceof Failure || error instanceof UsageError
    log('error', describeError(error), isExpected || !(error instanceof Error) ? {} : { stack: error.stack })
    throw new Said(error)
  }
}

async function runProcess(options: Options, lines: Lines): Promise<void> {
  const port = wholeNumber('--port', options.port, 0, PORT_MAX)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  if (options.source === KAFKA && options.config === undefined) {
    throw new UsageError('--source kafka needs --config FILE, which says where Kafka and ClickHouse are')
  }
  if (options.config !== undefined) {
    const { config, role, data, host, tenant, acceptTopic } = options
    const cluster = { config, role, data, host, port, tenant, acceptTopics: acceptTopic }
    // Its clients take a while to load, and no other command needs them.
    const { runCluster } = await import('./run-cluster.ts')
    await runCluster(cluster, lines.log, stop.signal)
    return
  }
  const { pipeline, service } = await startEmbedded(options, port, lines.log)
  let failure: unknown
  // What stopped engine or sink stops the process: it could only refuse from now on. Closing says what it was.
  const watch = setInterval(() => {
    if (pipeline.failure !== undefined) stop.abort()
  }, FAILURE_CHECK_MS)
  try {
    if (options.source === SIMULATOR) await runSimulator(pipeline, service.url, options, lines, stop.signal)
    else {
      if (options.source !== undefined) await readSource(pipeline, options, options.source, lines, stop.signal)
      await sayWelcome(pipeline, service.url, options)
      await untilAborted(stop.signal)
    }
  } catch (error) {
    failure = error
  }
  clearInterval(watch)
  lines.log('info', 'stopping')
  await service.close()
  await pipeline.close()
  if (failure !== undefined) throw failure
}

/** Answers probes at once, opens the directory, which may take a while, and then serves all of the API. */
async function startEmbedded(
  options: Options,
  port: number,
  log: Log,
): Promise<{ readonly pipeline: Pipeline; readonly service: Service }> {
  const { host } = options
  const watch = createProcessMetrics(versionOf())
  const onError = (error: unknown, where: string) => log('error', `${where}: ${describeError(error)}`)
  const probes = await startProbes({ host, port, metrics: watch.metrics, readiness: restoring, onError }).catch(fail)
  const pipeline = await openBehind(probes, {
    directory: options.data,
    withoutModel: !options.model,
    onInsert: watch.onInsert,
    onTraced: logTraced(log),
  })
  registerPipeline(watch.metrics, watchPipeline(pipeline))
  if (options.source !== undefined) pipeline.clocklessTenants.add(options.tenant)
  const service = await startService(pipeline, { host, port: probes.port, watch, onError }).catch(
    async (error: unknown) => {
      await pipeline.close()
      return fail(error)
    },
  )
  return { pipeline, service }
}

/** Opens the directory while the probes answer; the address is free again afterwards. */
async function openBehind(probes: Probes, options: Parameters<typeof openForCommand>[0]): Promise<Pipeline> {
  try {
    return await openForCommand(options)
  } finally {
    await probes.close()
  }
}

function restoring(): Readiness {
  return readinessOf({ pipeline: 'restoring' })
}

function fail(error: unknown): never {
  throw new Failure(describeError(error))
}

/** History first, with progress; then a day every few seconds until somebody stops it. */
async function runSimulator(
  pipeline: Pipeline,
  url: string,
  options: Options,
  { log, json }: Lines,
  signal: AbortSignal,
): Promise<void> {
  const months = wholeNumber('--months', options.months, 1, 1200)
  const daySeconds = Number(options.daySeconds)
  if (!(daySeconds >= 0)) throw new UsageError(`--day-seconds ${options.daySeconds} is not a number from 0 on`)
  const source = new SimulatorSource(pipeline, {
    tenant: options.tenant,
    borrowers: wholeNumber('--borrowers', options.borrowers, 1, 5_000_000),
    seed: wholeNumber('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER),
    start: options.start,
  })
  const first = source.day
  const last = firstDayOfMonth(monthOfDay(dayOfDate(options.start)) + months)
  const progress = new Progress('simulated history', json)
  const evaluationsBefore = pipeline.engine.evaluations
  let events = 0
  while (!signal.aborted && (source.day < last || source.isCatchingUp)) {
    events += await source.pass(HISTORY_BATCH_EVENTS, last)
    const share = Math.min(1, (source.day - first) / (last - first))
    progress.show(
      events,
      share,
      `${dateOfDay(source.day)}, ${groupDigits(pipeline.engine.evaluations - evaluationsBefore)} evaluations`,
    )
  }
  await pipeline.drain()
  progress.end(events, `through ${dateOfDay(source.day - 1)}`)
  const summary = summaryOf(pipeline, evaluationsBefore, progress.seconds)
  if (json === undefined) saySummary(summary)
  else json('info', 'summary', summary)
  await sayWelcome(pipeline, url, options)
  while (!signal.aborted) {
    const day = source.day
    const before = { ...pipeline.counts.warnings }
    await source.pass(1)
    await pipeline.drain()
    log('info', `${dateOfDay(day)}  ${describeNew(before, pipeline.counts.warnings)}`)
    await Promise.race([untilAborted(signal), new Promise((resolve) => setTimeout(resolve, daySeconds * 1000))])
  }
}

async function readSource(
  pipeline: Pipeline,
  options: Options,
  source: string,
  { log, json }: Lines,
  signal: AbortSignal,
): Promise<void> {
  const progress = new Progress(source === '-' ? 'standard input' : source, json)
  const ingested = await ingest(pipeline, {
    tenant: options.tenant,
    files: [source],
    sort: false,
    signal,
    onProgress: ({ lines, consumed_bytes, size_bytes }) => {
      progress.show(lines, size_bytes === undefined ? undefined : consumed_bytes / size_bytes)
    },
  })
  if (!ingested.ok) throw new Failure(ingested.detail)
  progress.end(pipeline.counts.events)
  for (const failure of ingested.failures) log('warn', failure)
}

/** The address, the first start's key, and lines that work when pasted. */
async function sayWelcome(pipeline: Pipeline, url: string, options: Options): Promise<void> {
  const directory = pipeline.database.path
  const isFirst = !existsSync(join(directory, KEYS_FILE))
  const key = isFirst ? createKey({ directory, tenant: options.tenant }).key : '$KEY'
  print('')
  print(`foreshock listens on ${url} (documentation: ${url}/docs)`)
  if (isFirst) print(`API key of tenant ${options.tenant}, shown only now: ${key}`)
  else print('Put your API key into KEY first (KEY=fsk_…); npx foreshock keys create makes another one')
  const borrower = await pipeline.feed.exampleBorrower(options.tenant)
  print('')
  // Double quotes: inside single ones a shell would not look at $KEY.
  const header = `-H "Authorization: Bearer ${key}"`
  print(`curl ${header} '${url}/v1/warnings?severity=orange,red&limit=3'`)
  if (borrower !== undefined) print(`curl ${header} '${url}/v1/borrowers/${encodeURIComponent(borrower)}'`)
  print(`curl -N ${header} ${url}/v1/warnings/stream`)
  print('')
}

function describeNew(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): string {
  const parts = Object.entries(after)
    .map(([key, count]) => [key, count - (before[key] ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .map(([key, count]) => `${count} ${key}`)
  return parts.length === 0 ? 'no new warnings' : parts.join(', ')
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= min && value <= max && text.trim() !== '') return value
  throw new UsageError(`${name} ${text} is not a whole number from ${min} to ${max}`)
}
