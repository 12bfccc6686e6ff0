import { Command } from 'commander'
import type { RedriveRequest } from '../../../api/dependencies.ts'
import { REDRIVE_IDS_MAX } from '../../../api/jobs/route.ts'
import { REDRIVE_LETTERS_MAX, redrive } from '../../deadletters/redrive.ts'
import { LETTERS_NAMED_MAX, type RedriveSummary } from '../../deadletters/summary.ts'
import type { JobProgress } from '../../jobs.ts'
import { CONFIG_HELP, inCluster } from '../cluster.ts'
import { requireData, withData } from '../data.ts'
import { addFilterOptions, deadLetterId, type FilterOptions, filterOf } from '../dead-letter-filter.ts'
import { askForJob, withJobProgress } from '../jobs.ts'
import { openForCommand } from '../open.ts'
import { Failure, groupDigits, print, say, UsageError } from '../output.ts'
import { alignColumns } from '../table.ts'
import { listCommand, showCommand } from './deadletters-read.ts'

export function deadlettersCommand(): Command {
  return new Command('deadletters')
    .description('what was refused and why, and sending it again')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand())
}

type Options = FilterOptions & { data: string; config?: string; dryRun?: true; model: boolean; json?: true }

function redriveCommand(): Command {
  const command = new Command('redrive')
    .description('sends dead letters again, each as the same event under the same id')
    .argument('[id...]', 'these dead letters, as the list shows them; without any those that match and are open')
    .option('--dry-run', 'tell what would happen and do nothing')
    .option('--data <dir>', 'data directory', './data')
    .option('--config <file>', CONFIG_HELP)
    .option('--no-model', 'rules alone, where the directory is used without a model')
    .option('--json', 'print the summary as one JSON object on standard output')
    .addHelpText(
      'after',
      `
What decoding or intake refused goes through both again, under the rules and the time of today; what the engine refused
(step apply) is in the log already and gets a second place there. Events that arrived meanwhile make it a repeat. The
outcome of each is recorded in the table redrives: accepted, repeat, refused (it stays open, or the engine refused it again,
under a dead letter of its own), lost (its original bytes, kept 30 days, are gone). While \`run\` holds the directory it does
the work. Killed, the same command goes on.

Examples:
  foreshock deadletters redrive --reason unknown_loan --dry-run
  foreshock deadletters redrive 0142480b15e57d98`,
    )
    .action(run)
  return addFilterOptions(command, REDRIVE_LETTERS_MAX)
}

async function run(ids: string[], options: Options): Promise<void> {
  if (ids.length > REDRIVE_IDS_MAX) throw new UsageError(`${ids.length} ids are too many: at most ${REDRIVE_IDS_MAX}`)
  const { filter, limit } = filterOf(options, REDRIVE_LETTERS_MAX)
  const wanted: RedriveRequest = {
    filter: ids.length === 0 ? filter : { ...filter, ids: [...new Set(ids.map(deadLetterId))] },
    limit,
    dryRun: options.dryRun === true,
  }
  if (options.config === undefined) requireData(options.data)
  const summary = await withJobProgress('redrive', (onProgress, signal) =>
    redriveWherever(options, wanted, onProgress, signal),
  )
  if (options.json) print(JSON.stringify(summary))
  else printSummary(summary)
  const missing = ids.length === 0 ? 0 : (wanted.filter.ids?.length ?? 0) - summary.dead_letters
  if (missing > 0) throw new Failure(`${missing} of the dead letters named do not exist: see deadletters list`)
  if (summary.lost > 0) {
    throw new Failure(
      `${summary.lost} could not be sent again, their original bytes are gone: ask their source for them`,
    )
  }
}

/** Here, or in the process that holds the directory. */
function redriveWherever(
  options: Options,
  wanted: RedriveRequest,
  onProgress: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<RedriveSummary> {
  const { config } = options
  if (config !== undefined) {
    return inCluster(config, async (parts) => {
      const { redriveCluster } = await import('../../cluster/redrive.ts')
      return redriveCluster(parts, { ...wanted, onProgress, signal })
    })
  }
  return withData<RedriveSummary | undefined>(options.data, {
    // Intake and engine are wanted, not the tables alone: the pipeline opens the directory itself.
    opened: () => Promise.resolve(undefined),
    held: (holder) =>
      askForJob<RedriveSummary>(holder, { path: `/jobs/redrive?${queryOf(wanted)}` }, onProgress, signal),
  }).then(async (done) => {
    if (done !== undefined) return done
    const pipeline = await openForCommand({ directory: options.data, withoutModel: !options.model })
    try {
      const summary = await redrive(pipeline, { ...wanted, onProgress, signal })
      signal.throwIfAborted()
      return summary
    } finally {
      await pipeline.close()
    }
  })
}

function queryOf({ filter, limit, dryRun }: RedriveRequest): string {
  const { ids, ...rest } = filter
  const query = new URLSearchParams({ limit: String(limit), dry_run: String(dryRun) })
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) query.set(name, String(value))
  if (ids !== undefined) query.set('ids', ids.join(','))
  return query.toString()
}

function printSummary(summary: RedriveSummary): void {
  const rows = summary.letters.map(({ id, tenant, event_id, was, outcome, reason, detail }) => {
    return [id, tenant, event_id, was, outcome, [reason, detail].filter((text) => text !== '').join(': ')]
  })
  if (rows.length > 0) {
    for (const line of alignColumns([['id', 'tenant', 'event', 'was', 'outcome', 'detail'], ...rows])) print(line)
  }
  if (summary.dead_letters > LETTERS_NAMED_MAX) say(`the first ${LETTERS_NAMED_MAX} are named, all are counted`)
  const refused = Object.entries(summary.refused).map(([reason, count]) => `${reason} ${groupDigits(count)}`)
  const would = summary.dry_run ? 'would be ' : ''
  say(
    `${groupDigits(summary.dead_letters)} dead letters: ${would}accepted ${groupDigits(summary.accepted)}, ` +
      `repeats ${groupDigits(summary.repeats)}, refused ${refused.join(', ') || '0'}, lost ${groupDigits(summary.lost)}, ` +
      `waiting for a worker ${groupDigits(summary.sent)}; ` +
      `${summary.seconds} s`,
  )
  if (summary.left) say('more match: run the same command again')
}
