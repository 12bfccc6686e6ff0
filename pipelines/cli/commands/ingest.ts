import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { businessDate } from '../../../features/events/fields.ts'
import { TENANT_DEFAULT } from '../../config.ts'
import { ingest } from '../../ingest/ingest.ts'
import { openForCommand } from '../open.ts'
import { Failure, print, say, UsageError } from '../output.ts'
import { Progress } from '../progress.ts'
import { saySummary, summaryOf } from '../summary.ts'

/**
 * Nobody reads the tables meanwhile, and an insert costs ten milliseconds before its first row: so lines go to the log
 * by as many, and rows wait for a full block.
 */
const LINES_PER_INSERT = 16_384
const FLUSH_AFTER_MS = 10_000

type Options = { data: string; tenant: string; sort?: true; closeThrough?: string; model: boolean; json?: true }

export function ingestCommand(): Command {
  return new Command('ingest')
    .description('puts events (NDJSON; plain, .gz or .zst; - is standard input) through the whole pipeline, then exits')
    .argument('<file...>', 'files of events, merged by event time')
    .option('--data <dir>', 'data directory, made when absent', './data')
    .option('--tenant <name>', 'tenant that the events belong to', TENANT_DEFAULT)
    .option('--sort', 'sort the events by time first; without it they are taken in the order of the files')
    .option('--close-through <date>', 'close all days up to and including YYYY-MM-DD at the end')
    .option('--no-model', 'rules alone, as is needed to make training data before there is a model')
    .option('--json', 'print the summary as one JSON object on standard output')
    .action(run)
}

async function run(files: string[], options: Options): Promise<void> {
  const { closeThrough } = options
  if (closeThrough !== undefined && !businessDate.safeParse(closeThrough).success) {
    throw new UsageError(`--close-through ${closeThrough} is not a date of the form YYYY-MM-DD`)
  }
  // Asked before the data directory is opened, so that a mistyped name makes none.
  const missing = files.find((file) => file !== '-' && !existsSync(file))
  if (missing !== undefined) throw new Failure(`${missing} does not exist: check the path`)
  const started = performance.now()
  const pipeline = await openForCommand({
    directory: options.data,
    withoutModel: !options.model,
    flushAfterMs: FLUSH_AFTER_MS,
  })
  const evaluationsBefore = pipeline.engine.evaluations
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const progress = new Progress('ingest')
  let failures: readonly string[] = []
  try {
    const ingested = await ingest(pipeline, {
      tenant: options.tenant,
      files,
      sort: options.sort === true,
      batchItemsMax: LINES_PER_INSERT,
      ...(closeThrough === undefined ? {} : { closeThrough }),
      signal: stop.signal,
      onProgress: ({ lines, consumed_bytes, size_bytes }) => {
        const share = size_bytes === undefined || size_bytes === 0 ? undefined : consumed_bytes / size_bytes
        progress.show(lines, share, `${pipeline.engine.evaluations - evaluationsBefore} evaluations`)
      },
    })
    if (!ingested.ok) throw new Failure(ingested.detail)
    failures = ingested.failures
    for (const name of ingested.contained) say(`${name} stands whole at the beginning of another file: left out`)
  } finally {
    await pipeline.close()
  }
  const summary = summaryOf(pipeline, evaluationsBefore, (performance.now() - started) / 1000)
  progress.end(summary.events + summary.repeats)
  if (options.json) print(JSON.stringify(summary))
  else saySummary(summary)
  if (failures.length > 0) throw new Failure(failures.join('; '))
  if (stop.signal.aborted) throw new Failure('stopped before the end: run the same command again to go on')
}
