import { text as readAll } from 'node:stream/consumers'
import { Command } from 'commander'
import { quoteString } from '../../../sql/client.ts'
import { whyNotReading } from '../../../sql/read-only.ts'
import { isTerminal } from '../../config.ts'
import { Failure, UsageError, write } from '../output.ts'
import { withStatements } from '../statements.ts'

const FORMAT_TERMINAL = 'PrettyCompactMonoBlock'
const FORMAT_ELSEWHERE = 'TabSeparated'
const STANDARD_INPUT = '-'

export function sqlCommand(): Command {
  return new Command('sql')
    .description('runs a reading query on the data directory, or on the running process that holds it')
    .argument(
      '<query>',
      'one SELECT, SHOW, DESCRIBE, EXPLAIN or EXISTS statement of ClickHouse; it sees all tenants; - is standard input',
    )
    .option('--data <dir>', 'data directory', './data')
    .option(
      '--format <name>',
      `ClickHouse format of the result (default: ${FORMAT_TERMINAL} on a terminal, else ${FORMAT_ELSEWHERE}); ` +
        'a FORMAT in the query wins',
    )
    .option('--param <name=value>', 'value of a {name:Type} placeholder; once for each', collectParameter, new Map())
    .addHelpText(
      'after',
      `
Nothing can be written, and settings cannot be changed. Every read sees merged rows, as with final=1.

Examples:
  foreshock sql "SELECT type, count() FROM events GROUP BY type ORDER BY type"
  foreshock sql "SELECT * FROM warnings WHERE severity = 'red'" --format JSONEachRow
  foreshock sql - --param tenant=default --format Parquet < sql/queries/training-set.sql > rows.parquet`,
    )
    .action(run)
}

type Parameters = ReadonlyMap<string, string>
type Options = { data: string; format?: string; param: Parameters }

async function run(argument: string, options: Options): Promise<void> {
  const format = options.format ?? (isTerminal(process.stdout) ? FORMAT_TERMINAL : FORMAT_ELSEWHERE)
  if (!/^[A-Za-z0-9]{1,64}$/.test(format)) throw new UsageError(`--format ${format} is not the name of a format`)
  const query = fillIn(argument === STANDARD_INPUT ? await readAll(process.stdin) : argument, options.param)
  const reason = whyNotReading(query)
  if (reason !== undefined) throw new Failure(reason)
  await withStatements(options.data, async (statements) => {
    for await (const piece of statements.output(query, format)) await write(piece)
  })
}

function collectParameter(text: string, known: Parameters): Parameters {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new UsageError(`--param ${text} is not of the form name=value`)
  return new Map([...known, [name, value]])
}

/**
 * Puts the values in the place of their placeholders, as the constants that ClickHouse itself makes of parameters. Done
 * here, it is the same whether the statement runs in this process or in the one that holds the directory.
 */
function fillIn(query: string, parameters: Parameters): string {
  const unused = new Set(parameters.keys())
  const filled = query.replaceAll(/\{(\w+):([^{}]+)\}/g, (placeholder, name: string, type: string) => {
    const value = parameters.get(name)
    if (value === undefined) return placeholder
    unused.delete(name)
    return `CAST(${quoteString(value)}, ${quoteString(type.trim())})`
  })
  if (unused.size > 0) throw new UsageError(`--param ${[...unused].join(', ')}: the query has no such placeholder`)
  return filled
}
