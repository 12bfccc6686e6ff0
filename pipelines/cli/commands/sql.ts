import { Command } from 'commander'
import { whyNotReading } from '../../../sql/read-only.ts'
import { isTerminal } from '../../config.ts'
import { Failure, UsageError, write } from '../output.ts'
import { withStatements } from '../statements.ts'

const FORMAT_TERMINAL = 'PrettyCompactMonoBlock'
const FORMAT_ELSEWHERE = 'TabSeparated'

export function sqlCommand(): Command {
  return new Command('sql')
    .description('runs a reading query on the data directory, or on the running process that holds it')
    .argument('<query>', 'one SELECT, SHOW, DESCRIBE, EXPLAIN or EXISTS statement of ClickHouse; it sees all tenants')
    .option('--data <dir>', 'data directory', './data')
    .option(
      '--format <name>',
      `ClickHouse format of the result (default: ${FORMAT_TERMINAL} on a terminal, else ${FORMAT_ELSEWHERE}); ` +
        'a FORMAT in the query wins',
    )
    .addHelpText(
      'after',
      `
Nothing can be written, and settings cannot be changed. Every read sees merged rows, as with final=1.

Examples:
  foreshock sql "SELECT type, count() FROM events GROUP BY type ORDER BY type"
  foreshock sql "SELECT * FROM warnings WHERE severity = 'red'" --format JSONEachRow`,
    )
    .action(run)
}

async function run(query: string, options: { data: string; format?: string }): Promise<void> {
  const format = options.format ?? (isTerminal(process.stdout) ? FORMAT_TERMINAL : FORMAT_ELSEWHERE)
  if (!/^[A-Za-z0-9]{1,64}$/.test(format)) throw new UsageError(`--format ${format} is not the name of a format`)
  const reason = whyNotReading(query)
  if (reason !== undefined) throw new Failure(reason)
  await withStatements(options.data, async (statements) => {
    for await (const piece of statements.output(query, format)) await write(piece)
  })
}
