import { Command } from 'commander'
import {
  type DeadLetter,
  type DeadLetterFilter,
  deadLetterCountsStatement,
  deadLettersStatement,
  HAS_REDRIVES,
} from '../../../sql/queries/dead-letters.ts'
import { recordStatement } from '../../../sql/queries/log.ts'
import { placeKey, readOriginals } from '../../intake/originals.ts'
import { CONFIG_HELP, inCluster, withClusterStatements } from '../cluster.ts'
import { addFilterOptions, deadLetterId, type FilterOptions, filterOf } from '../dead-letter-filter.ts'
import { Failure, groupDigits, print, say } from '../output.ts'
import { readRows, type Statements, withStatements } from '../statements.ts'
import { alignColumns } from '../table.ts'

const LIST_LIMIT = 1000
const LIST_LIMIT_MAX = 1_000_000
/** Letters of a reason in words that a line of the list shows. */
const DETAIL_LENGTH_MAX = 80

type ListOptions = FilterOptions & { data: string; config?: string; open?: true; json?: true }

export function listCommand(): Command {
  const command = new Command('list')
    .description('dead letters, in the order in which they were refused, and how many there are by reason')
    .option('--open', 'those alone of which nothing has come yet')
    .option('--data <dir>', 'data directory', './data')
    .option('--config <file>', CONFIG_HELP)
    .option('--json', 'print one JSON array')
    .action(list)
  return addFilterOptions(command, LIST_LIMIT)
}

type Count = { readonly step: string; readonly reason: string; readonly count: number; readonly open: number }

async function list(options: ListOptions): Promise<void> {
  const { filter, limit } = filterOf(options, LIST_LIMIT_MAX)
  const wanted = options.open === true ? { ...filter, open: true } : filter
  const { letters, counts } = await withTables(options, async (statements) => {
    const hasRedrives = await knowsRedrives(statements)
    return {
      letters: await readRows<DeadLetter>(statements, deadLettersStatement(wanted, limit, hasRedrives)),
      counts: await readRows<Count>(statements, deadLetterCountsStatement(wanted, hasRedrives)),
    }
  })
  const total = counts.reduce((sum, one) => sum + one.count, 0)
  if (options.json) print(JSON.stringify(letters))
  else printList(letters, counts)
  if (total > letters.length) say(`${groupDigits(letters.length)} of ${groupDigits(total)} shown: --limit shows more`)
}

function printList(letters: readonly DeadLetter[], counts: readonly Count[]): void {
  if (letters.length === 0) {
    say('no dead letters')
    return
  }
  const head = ['id', 'recorded at', 'tenant', 'step', 'reason', 'source', 'event', 'outcome', 'detail']
  const rows = letters.map((one) => [
    one.id,
    one.recorded_at,
    one.tenant,
    one.step,
    one.reason,
    `${one.source_partition}:${one.source_position}`,
    one.event_id,
    one.outcome,
    one.detail.length > DETAIL_LENGTH_MAX ? `${one.detail.slice(0, DETAIL_LENGTH_MAX - 1)}…` : one.detail,
  ])
  for (const line of alignColumns([head, ...rows])) print(line)
  print('')
  const countRows = counts.map(({ step, reason, count, open }) => [step, reason, groupDigits(count), groupDigits(open)])
  for (const line of alignColumns([['step', 'reason', 'count', 'open'], ...countRows], [2, 3])) print(line)
}

export function showCommand(): Command {
  return new Command('show')
    .description('all of one dead letter, with its original bytes, which no SQL shows')
    .argument('<id>', 'its id, as the list shows it')
    .option('--data <dir>', 'data directory', './data')
    .option('--config <file>', CONFIG_HELP)
    .option('--json', 'print one JSON object; the bytes are in base64')
    .addHelpText(
      'after',
      `
The original bytes are kept for 30 days, in files of the data directory that its owner alone can read; they may hold personal
data. What the engine refused was understood: there the record of the log is shown.`,
    )
    .action(show)
}

async function show(text: string, options: { data: string; config?: string; json?: true }): Promise<void> {
  const id = deadLetterId(text)
  const found = await withTables(options, async (statements) => {
    const filter: DeadLetterFilter = { ids: [id] }
    const letters = await readRows<DeadLetter>(
      statements,
      deadLettersStatement(filter, 1, await knowsRedrives(statements)),
    )
    const letter = letters[0]
    if (letter === undefined) return undefined
    const { partition, offset } = letter
    const isInLog = partition !== null && offset !== null
    const [record] = isInLog ? await readRows<Shown>(statements, recordStatement(partition, offset)) : []
    return { letter, record }
  })
  if (found === undefined) throw new Failure(`there is no dead letter ${id}: see deadletters list`)
  const { letter, record } = found
  // Read as the files' owner, not through whoever holds the directory: their permissions decide.
  const original = record === undefined ? await originalOf(options, letter) : undefined
  if (options.json) {
    print(JSON.stringify({ ...letter, record: record ?? null, original_base64: original?.toString('base64') ?? null }))
    return
  }
  const rows = Object.entries(letter).map(([name, value]) => [name, value === null ? '' : String(value)])
  for (const line of alignColumns(rows)) print(line)
  print('')
  if (record !== undefined) print(JSON.stringify({ ...record, data: JSON.parse(record.data) as unknown }))
  else if (original === undefined) say('its original bytes are not kept any more')
  else print(printable(original))
}

/** Of a cluster, from the topic's dead letters or, where its worker refused it, from the log. */
async function originalOf(options: { data: string; config?: string }, letter: DeadLetter): Promise<Buffer | undefined> {
  const { config } = options
  if (config !== undefined) {
    return inCluster(config, async (parts) => {
      const { readOriginalRecord } = await import('../../cluster/redrive.ts')
      return readOriginalRecord(parts, letter)
    })
  }
  return (await readOriginals(options.data, [letter])).get(placeKey(letter))
}

/** Statements over a data directory, or with a cluster's configuration over its ClickHouse. */
function withTables<Result>(
  { data, config }: { data: string; config?: string },
  use: (statements: Statements) => Promise<Result>,
): Promise<Result> {
  return config === undefined ? withStatements(data, use) : withClusterStatements(config, use)
}

type Shown = { readonly data: string } & Readonly<Record<string, unknown>>

/** Text without what a terminal would take for an order. */
function printable(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (one) => {
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

async function knowsRedrives(statements: Statements): Promise<boolean> {
  const [row] = await readRows<{ n: number | string }>(statements, HAS_REDRIVES)
  return Number(row?.n) > 0
}
