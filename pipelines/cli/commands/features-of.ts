import { Command } from 'commander'
import { featureColumn } from '../../../features/catalogue/define.ts'
import { CATALOGUE } from '../../../features/catalogue/index.ts'
import { instant, token } from '../../../features/events/fields.ts'
import { borrowerHash } from '../../../features/hash.ts'
import { quoteString } from '../../../sql/client.ts'
import { borrowerLogStatement, LOG_PAGE_ROWS, logRecords } from '../../../sql/queries/log.ts'
import { TENANT_DEFAULT } from '../../config.ts'
import { BorrowerRebuild, type Turn } from '../../rebuild/borrower.ts'
import { readShape } from '../../run/log-shape.ts'
import { tenantName } from '../arguments.ts'
import { Failure, print, UsageError } from '../output.ts'
import { readBytes, readRows, type Statements, withStatements } from '../statements.ts'
import { alignColumns } from '../table.ts'

export function featuresOfCommand(): Command {
  return new Command('of')
    .description("a borrower's values as its last row of the table `features` has them, or at any time from the log")
    .argument('<borrower>', 'the token that the events have as subject')
    .option('--at <time>', 'values at this time: ISO 8601 with a zone, or UTC milliseconds')
    .option('--data <dir>', 'data directory', './data')
    .option('--tenant <name>', 'tenant of the borrower', TENANT_DEFAULT)
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      `
Every event of a borrower has a row; a closed day has one at month ends and where a signal or the band changed.
With --at the values are computed from \`events\`, by the definitions of this release: after the last record that was
received by that time, evaluated at that time. What was received by then but is dated later does not count yet.

Examples:
  foreshock features of b-000638
  foreshock features of b-000638 --at 2024-06-30T23:59:59.999+08:00 --json`,
    )
    .action(featuresOf)
}

/** Values in the catalogue's order, null where missing, and the record after which they held. */
type Answer = {
  readonly time: number
  readonly type: string
  readonly partition: number
  readonly offset: number
  readonly values: readonly (number | null)[]
}

type Options = { data: string; tenant: string; at?: string; json?: true }

async function featuresOf(borrower: string, options: Options): Promise<void> {
  const tenant = tenantName(options.tenant)
  if (!token.safeParse(borrower).success) {
    throw new UsageError(`${JSON.stringify(borrower)} is no borrower token: printable ASCII without spaces`)
  }
  const at = options.at === undefined ? undefined : instantOf(options.at)
  const answer = await withStatements(options.data, (statements) =>
    at === undefined
      ? lastStored(statements, tenant, borrower)
      : rebuiltAt(statements, options.data, tenant, borrower, at),
  )
  if (answer === undefined) {
    const by = at === undefined ? '' : ` by ${new Date(at).toISOString()}`
    throw new Failure(
      `tenant ${tenant} has no features of borrower ${borrower}${by}: check the token, or name the --tenant`,
    )
  }
  const { type, partition, offset, time } = answer
  const evaluatedAt = new Date(time).toISOString()
  if (options.json) {
    const features = Object.fromEntries(CATALOGUE.map((one, i) => [featureColumn(one), answer.values[i]]))
    print(JSON.stringify({ tenant, borrower, evaluated_at: evaluatedAt, type, partition, offset, features }))
    return
  }
  print(`borrower ${borrower} of tenant ${tenant}, evaluated at ${evaluatedAt} (${type}, ${partition}/${offset})`)
  const rows = CATALOGUE.map((one, i) => [featureColumn(one), String(answer.values[i] ?? 'missing'), one.unit])
  for (const line of alignColumns([['feature', 'value', 'unit'], ...rows], [1])) print(line)
}

function instantOf(text: string): number {
  const parsed = instant.safeParse(/^\d+$/.test(text) ? Number(text) : text)
  if (parsed.success) return parsed.data
  throw new UsageError(`--at ${text} is no time: ISO 8601 with a zone, or UTC milliseconds, from 1970 to 2149`)
}

type StoredRow = Readonly<Record<string, number | null>> & {
  readonly partition: number
  readonly offset: number
  readonly time_ms: number
}

async function lastStored(statements: Statements, tenant: string, borrower: string): Promise<Answer | undefined> {
  const statement = `SELECT *, toUnixTimestamp64Milli(time) AS time_ms FROM features
    WHERE tenant = ${quoteString(tenant)} AND borrower = ${quoteString(borrower)}
    ORDER BY partition DESC, offset DESC LIMIT 1`
  const [row] = await readRows<StoredRow & { readonly type: string }>(statements, statement)
  if (row === undefined) return undefined
  const { partition, offset, type, time_ms: time } = row
  // A column that this directory does not have yet is missing, like a value.
  return { time, type, partition, offset, values: CATALOGUE.map((one) => row[featureColumn(one)] ?? null) }
}

async function rebuiltAt(
  statements: Statements,
  directory: string,
  tenant: string,
  borrower: string,
  time: number,
): Promise<Answer | undefined> {
  const shape = readShape(directory)
  if (shape === undefined) throw new Failure(`${directory} has no log yet: ingest or run something first`)
  const partition = borrowerHash(tenant, borrower) % shape.partitions
  const end = await endOfReceived(statements, tenant, partition, time)
  const turns = await warningTurns(statements, tenant, borrower, partition, end)
  const rebuild = new BorrowerRebuild({ shape, tenant, borrower, time, turns })
  let page = LOG_PAGE_ROWS
  for (let next = 0; next < end && page === LOG_PAGE_ROWS; ) {
    const statement = borrowerLogStatement(tenant, borrower, partition, next, end - 1)
    const records = logRecords(partition, await readBytes(statements, statement, 'RowBinary'))
    for (const record of records) rebuild.apply(record)
    page = records.length
    next = (records.at(-1)?.offset ?? 0) + 1
  }
  const values = rebuild.evaluate(CATALOGUE)
  if (values === undefined || rebuild.last === undefined) return undefined
  const { event, offset } = rebuild.last
  return { time, type: event.type, partition, offset, values: Array.from(values, (v) => (Number.isNaN(v) ? null : v)) }
}

/** The place behind the tenant's last record that was received by then; 0 where there was none. */
async function endOfReceived(statements: Statements, tenant: string, partition: number, time: number): Promise<number> {
  const statement = `SELECT max(offset) + 1 AS end FROM events
    WHERE partition = ${partition} AND tenant = ${quoteString(tenant)} AND toUnixTimestamp64Milli(received_at) <= ${time}
    HAVING count() > 0`
  const [row] = await readRows<{ readonly end: number }>(statements, statement)
  return row?.end ?? 0
}

async function warningTurns(
  statements: Statements,
  tenant: string,
  borrower: string,
  partition: number,
  end: number,
): Promise<Turn[]> {
  const statement = `SELECT offset, type FROM warnings
    WHERE tenant = ${quoteString(tenant)} AND borrower = ${quoteString(borrower)} AND partition = ${partition}
      AND offset < ${end} AND type IN ('opened', 'cleared')
    ORDER BY offset, seq`
  const rows = await readRows<{ readonly offset: number; readonly type: string }>(statements, statement)
  return rows.map(({ offset, type }) => ({ offset, isOpen: type === 'opened' }))
}
