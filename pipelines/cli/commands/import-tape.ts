import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { parseMap, type TapeMap, yearMonth } from '../../../sql/tapes/map.ts'
import { TENANT_DEFAULT } from '../../config.ts'
import { CREDIT_RECORD, CREDIT_RECORD_ANCHOR, creditRecordMap } from '../../importers/credit-record.ts'
import { type ImportReport, type ImportRequest, importTape } from '../../importers/snapshots/import.ts'
import { reportLines } from '../../importers/snapshots/report.ts'
import { datasetName, tenantName } from '../arguments.ts'
import { runJob } from '../jobs.ts'
import { describeError, Failure, print, say, UsageError } from '../output.ts'

type TapeOptions = {
  data: string
  dataset?: string
  tenant: string
  replace?: true
  check?: true
  json?: true
}

/** `import credit-record`. */
export function creditRecordCommand(): Command {
  return withTapeOptions(
    new Command('credit-record')
      .description('the credit record of card clients (ID, MONTHS_BALANCE, STATUS) as month-end snapshots')
      .argument('<file>', 'credit_record.zip, or the .csv in it')
      .option('--anchor <month>', 'month that MONTHS_BALANCE 0 is', CREDIT_RECORD_ANCHOR),
  ).action(async (file: string, options: TapeOptions & { anchor: string }) => {
    if (!yearMonth.safeParse(options.anchor).success) {
      throw new UsageError(`--anchor ${options.anchor} is not a month such as ${CREDIT_RECORD_ANCHOR}`)
    }
    const parsed = creditRecordMap(options.anchor)
    if (!parsed.ok) throw new Error(parsed.detail)
    await run('import credit-record', file, parsed.map, options.dataset ?? CREDIT_RECORD, options)
  })
}

/** `import snapshots`. */
export function snapshotsCommand(): Command {
  return withTapeOptions(
    new Command('snapshots')
      .description('anybody’s month-end tape, one row per loan and month, as a map explains it')
      .argument('<file>', 'CSV with a header line, or Parquet; .gz, .zst or .zip too')
      .requiredOption('--map <file>', 'JSON that names the columns and says what the codes mean (see README)'),
  ).action(async (file: string, options: TapeOptions & { map: string }) => {
    const map = readMap(options.map)
    const dataset = options.dataset ?? map.dataset
    if (dataset === undefined)
      throw new UsageError('the data set has no name: add --dataset NAME, or dataset to the map')
    await run('import snapshots', file, map, dataset, options)
  })
}

function withTapeOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data directory, made when absent', './data')
    .option('--dataset <name>', 'name of the data set')
    .option('--tenant <name>', 'tenant that it belongs to', TENANT_DEFAULT)
    .option('--replace', 'a data set of that name gives way to this one')
    .option('--check', 'look at the tape, report and store nothing')
    .option('--json', 'print the report as one JSON object on standard output')
    .addHelpText(
      'after',
      '\nAll rows are stored, or none: a tape with a defect is reported and refused, and a killed import leaves nothing. ' +
        'While\n`run` holds the directory it does the work, and reads the file itself.',
    )
}

async function run(label: string, file: string, map: TapeMap, dataset: string, options: TapeOptions): Promise<void> {
  const request: ImportRequest = {
    file: resolve(file),
    map,
    tenant: tenantName(options.tenant),
    dataset: datasetName(dataset),
    replace: options.replace === true,
    check: options.check === true,
  }
  const report = await runJob<ImportReport>(options.data, {
    label,
    path: '/jobs/import',
    body: request,
    makes: true,
    async opened(database, onProgress, signal) {
      const outcome = await importTape(request, { database, onProgress, signal })
      if (!outcome.ok) throw new Failure(outcome.detail)
      return outcome.report
    },
  })
  for (const line of reportLines(report)) say(line)
  if (options.json) print(JSON.stringify(report))
  if (report.defects.length > 0) {
    const kinds = report.defects.map(({ kind, count }) => `${kind} ${count}`).join(', ')
    throw new Failure(`${file} was not imported (${kinds}): mend the tape or its map, see the lines above`)
  }
}

function readMap(path: string): TapeMap {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Failure(`the map ${path} cannot be read: ${describeError(error)}`)
  }
  const parsed = parseMap(value)
  if (!parsed.ok) throw new Failure(`the map ${path}: ${parsed.detail}`)
  return parsed.map
}
