import { Command } from 'commander'
import { businessDate } from '../../../features/events/fields.ts'
import { dateOfDay } from '../../../features/time.ts'
import { MONTHS_MAX, simulate } from '../../simulator/simulate.ts'
import { BORROWERS_MAX } from '../../simulator/simulation.ts'
import { requireFolder, tenantName, wholeNumber } from '../arguments.ts'
import { groupDigits, print, say, UsageError } from '../output.ts'
import { Progress } from '../progress.ts'

type Options = {
  borrowers: string
  months: string
  seed: string
  start: string
  out: string
  tenant?: string
  json?: true
}

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('writes the events of a simulated portfolio of consumer loans (NDJSON, in time order)')
    .option('--borrowers <n>', 'borrowers, some 300 events a year each', '1000')
    .option('--months <n>', 'months', '12')
    .option('--seed <n>', 'the same seed gives the same bytes', '1')
    .option('--start <date>', 'first date, YYYY-MM-DD', '2024-01-01')
    .option('--out <file>', 'file to write, compressed when it ends in .gz or .zst; - is standard output', '-')
    .option('--tenant <name>', 'tenant to write into every event; without it whoever takes the events decides')
    .option('--json', 'print a summary as one JSON object on standard output; needs --out')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { start, out, tenant } = options
  const borrowers = wholeNumber('--borrowers', options.borrowers, 1, BORROWERS_MAX)
  const months = wholeNumber('--months', options.months, 1, MONTHS_MAX)
  const seed = wholeNumber('--seed', options.seed, 0, Number.MAX_SAFE_INTEGER)
  if (!businessDate.safeParse(start).success) throw new UsageError(`--start ${start} is not a date YYYY-MM-DD`)
  if (options.json && out === '-') throw new UsageError('--json needs --out FILE: the events go to standard output')
  requireFolder(out)
  const progress = new Progress('simulate')
  const summary = await simulate({
    borrowers,
    months,
    seed,
    start,
    out,
    ...(tenant === undefined ? {} : { tenant: tenantName(tenant) }),
    onProgress: ({ events, days_done, days }) => progress.show(events, days_done / days),
  })
  progress.end(summary.events)
  const firstDate = dateOfDay(summary.first_day)
  const lastDate = dateOfDay(summary.last_day)
  if (!options.json) {
    say(`${groupDigits(summary.events)} events of ${groupDigits(borrowers)} borrowers, ${firstDate} to ${lastDate}`)
    return
  }
  const { events, bytes, days } = summary
  const seconds = Math.round(progress.seconds * 1000) / 1000
  print(JSON.stringify({ events, bytes, borrowers, days, first_date: firstDate, last_date: lastDate, seconds }))
}
