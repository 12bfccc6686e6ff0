import { Command } from 'commander'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { type BackfillSummary, backfill } from '../../backfill/backfill.ts'
import { readShape } from '../../run/log-shape.ts'
import { runJob } from '../jobs.ts'
import { Failure, groupDigits, print, say, UsageError } from '../output.ts'

type Options = { data: string; features: string; json?: true }

export function backfillCommand(): Command {
  return new Command('backfill')
    .description('brings new features to the rows that were written before they were in force')
    .requiredOption('--features <list>', 'name@version of each feature, with commas between')
    .option('--data <dir>', 'data directory', './data')
    .option('--json', 'print a summary as one JSON object on standard output')
    .addHelpText(
      'after',
      `
A feature is in force from the first start of a release that has it; this fills its column before that, with the values
of a full replay. While \`run\` holds the directory it does the work, beside its own. Rows are written again whole, under
the next generation, and win over the rows first written, whichever come last. Killed, the same command goes on.`,
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const features = [...new Set(options.features.split(',').map((id) => id.trim()))].filter((id) => id !== '')
  const malformed = features.find((id) => !/^[a-z][a-z0-9_]*@\d+$/.test(id))
  if (malformed !== undefined) throw new UsageError(`--features ${malformed} is not of the form name@version`)
  if (features.length === 0) throw new UsageError('--features names no feature')
  const summary = await runJob<BackfillSummary>(options.data, {
    label: 'backfill',
    path: `/jobs/backfill?${new URLSearchParams({ features: features.join(',') }).toString()}`,
    async opened(database, onProgress, signal) {
      const shape = readShape(database.path)
      if (shape === undefined) throw new Failure(`${options.data} holds no log yet: ingest or run something first`)
      const outcome = await backfill({ database, shape, catalogue: CATALOGUE, features, onProgress, signal })
      if (!outcome.ok) throw new Failure(outcome.detail)
      return outcome.summary
    },
  })
  if (options.json) {
    print(JSON.stringify(summary))
    return
  }
  if (summary.already_done.length > 0) say(`${summary.already_done.join(', ')}: all rows have it already`)
  if (summary.features.length === 0) return
  say(
    `${summary.features.join(', ')}: ${groupDigits(summary.rows)} rows written from ${groupDigits(summary.events)} ` +
      `records in ${summary.seconds} s, ${groupDigits(summary.events_per_second)} records/s`,
  )
}
