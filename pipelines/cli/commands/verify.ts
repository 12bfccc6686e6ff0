import { Command } from 'commander'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { readShape } from '../../run/log-shape.ts'
import { loadModels } from '../../run/models.ts'
import type { Difference } from '../../verify/compare.ts'
import { DIFFERENCES_NAMED_MAX, type VerifyReport, verify } from '../../verify/verify.ts'
import { tenantName } from '../arguments.ts'
import { runJob } from '../jobs.ts'
import { Failure, groupDigits, print } from '../output.ts'
import { alignColumns } from '../table.ts'
import { verifyLedgerCommand } from './verify-ledger.ts'

type Options = { data: string; tenant?: string; json?: true }

export function verifyCommand(): Command {
  return new Command('verify')
    .description('computes the tables again from the log alone and compares every cell, bit for bit')
    .option('--data <dir>', 'data directory', './data')
    .option('--tenant <name>', 'tenant to compare; without it all')
    .option('--json', 'print the report as one JSON object on standard output')
    .addHelpText(
      'after',
      `
Compared are features, scores, signals, warnings, loans, loan_days, loan_movements and loan_months, up to the place that the
tables have reached. While \`run\` holds the directory it does the work, beside its own. The recomputed rows need as much disk as the
stored ones for as long as it runs.

A line names table, row, column and both values (\\N is NULL); the first ${DIFFERENCES_NAMED_MAX} are printed, all are counted.
Exit 0: nothing differs. Exit 1: a cell differs, a row is missing, or one is too many.`,
    )
    .action(run)
    .addCommand(verifyLedgerCommand())
}

async function run(options: Options): Promise<void> {
  const tenant = options.tenant === undefined ? undefined : tenantName(options.tenant)
  const report = await runJob<VerifyReport>(options.data, {
    label: 'verify',
    path: `/jobs/verify${tenant === undefined ? '' : `?${new URLSearchParams({ tenant }).toString()}`}`,
    async opened(database, onProgress, signal) {
      const shape = readShape(database.path)
      if (shape === undefined) throw new Failure(`${options.data} holds no log yet: ingest or run something first`)
      const loaded = await loadModels()
      if (!loaded.ok) throw new Failure(loaded.detail)
      const outcome = await verify({
        database,
        shape,
        catalogue: CATALOGUE,
        models: loaded.models,
        ...(tenant === undefined ? {} : { tenant }),
        // Nobody writes here but this process.
        atRest: (work) => work(),
        onProgress,
        signal,
      })
      if (!outcome.ok) throw new Failure(outcome.detail)
      return outcome.report
    },
  })
  if (options.json) print(JSON.stringify(report))
  else printReport(report)
  if (report.rows_differing > 0) {
    const rows = report.rows_differing === 1 ? '1 row differs' : `${groupDigits(report.rows_differing)} rows differ`
    throw new Failure(`${rows} from what the log says: see the lines that name them`)
  }
}

function printReport(report: VerifyReport): void {
  for (const difference of report.differences) print(describeDifference(difference))
  const rows = report.tables.map((one) => [
    one.table,
    groupDigits(one.rows),
    groupDigits(one.cells),
    groupDigits(one.rows_differing),
    groupDigits(one.rows_missing),
    groupDigits(one.rows_extra),
  ])
  const head = ['table', 'rows', 'cells', 'differing', 'missing', 'extra']
  for (const line of alignColumns([head, ...rows], [1, 2, 3, 4, 5])) print(line)
  const goneOn = report.tables.reduce((sum, one) => sum + one.rows_gone_on, 0)
  if (goneOn > 0) print(`${groupDigits(goneOn)} rows were replaced from later places and are not compared`)
  print(
    `${groupDigits(report.cells)} cells of ${groupDigits(report.rows)} rows compared, ` +
      `${groupDigits(report.rows_differing)} rows differ; ${groupDigits(report.events)} records in ${report.seconds} s`,
  )
}

function describeDifference({ table, key, column, stored, recomputed }: Difference): string {
  const row = Object.entries(key).map(([name, value]) => `${name}=${value}`)
  const place = `${table} ${row.join(' ')}`
  if (column !== null) return `${place} ${column}: stored ${stored}, recomputed ${recomputed}`
  return `${place}: ${stored === null ? 'the row is missing' : 'the row should not be there'}`
}
