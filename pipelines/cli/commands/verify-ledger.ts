import { Command } from 'commander'
import { NAMED_MAX } from '../../../sql/queries/ledger-checks.ts'
import { type LedgerReport, verifyLedger } from '../../verify/ledger.ts'
import { tenantName } from '../arguments.ts'
import { runJob } from '../jobs.ts'
import { Failure, groupDigits, print } from '../output.ts'
import { alignColumns } from '../table.ts'

type Options = { data: string; tenant?: string; json?: true }

export function verifyLedgerCommand(): Command {
  return new Command('ledger')
    .description('asks of every loan, date and part whether the ledger adds up to the minor unit')
    .option('--data <dir>', 'data directory', './data')
    .option('--tenant <name>', 'tenant to check; without it all')
    .option('--json', 'print the report as one JSON object on standard output')
    .addHelpText(
      'after',
      `
Each check is a query in sql/checks/, which says in words what it holds. While \`run\` holds the directory it does the work.

A line names check, loan, date, part and both amounts in minor units; the first ${NAMED_MAX} of a check are printed, all are counted.
Exit 0: all adds up. Exit 1: something differs by one minor unit or more.`,
    )
    .action((_: unknown, command: Command) => run(command.optsWithGlobals<Options>()))
}

async function run(options: Options): Promise<void> {
  const tenant = options.tenant === undefined ? undefined : tenantName(options.tenant)
  const report = await runJob<LedgerReport>(options.data, {
    label: 'verify ledger',
    path: `/jobs/verify-ledger${tenant === undefined ? '' : `?${new URLSearchParams({ tenant }).toString()}`}`,
    opened: (database, onProgress, signal) =>
      verifyLedger({ database, onProgress, signal, ...(tenant === undefined ? {} : { tenant }) }),
  })
  if (options.json) print(JSON.stringify(report))
  else printReport(report)
  if (report.differing > 0) {
    const amounts = report.differing === 1 ? '1 amount differs' : `${groupDigits(report.differing)} amounts differ`
    throw new Failure(`the ledger does not add up, ${amounts}: see the lines that name them`)
  }
}

function printReport({ checks, loans, movements, seconds }: LedgerReport): void {
  for (const { check, differences } of checks) {
    for (const { tenant, loan, date, part, expected_minor, actual_minor } of differences) {
      const difference = actual_minor - expected_minor
      const where = `${check}: tenant=${tenant} loan=${loan} date=${date} part=${part}`
      print(
        `${where}: ${actual_minor}, expected ${expected_minor}, ${difference > 0 ? '+' : ''}${difference} minor units`,
      )
    }
  }
  const rows = checks.map(({ check, differing }) => [check, groupDigits(differing)])
  for (const line of alignColumns([['check', 'differing'], ...rows], [1])) print(line)
  print(`${groupDigits(loans)} loans with ${groupDigits(movements)} movements in ${seconds} s`)
}
