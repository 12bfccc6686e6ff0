import { statSync } from 'node:fs'
import { Command } from 'commander'
import { TENANT_DEFAULT } from '../../config.ts'
import { readShape } from '../../run/log-shape.ts'
import { tenantName, wholeNumber } from '../arguments.ts'
import { requireData, tryData, withData } from '../data.ts'
import { FeedPrinter } from '../feed-printer.ts'
import { localReader, pause, remoteReader, waitForRows } from '../feed-reader.ts'
import type { Holder } from '../holder.ts'
import { Failure, say, write } from '../output.ts'

/** How often `--follow` looks whether anybody has opened a directory that nobody holds. */
const LOOK_MS = 500

type Options = { data: string; limit?: string; after?: string; follow?: true; tenant?: string }

export function feedCommand(): Command {
  return new Command('feed')
    .description('prints the feed of warnings as NDJSON, oldest first, as GET /v1/warnings gives it')
    .option('--data <dir>', 'data directory', './data')
    .option('--limit <n>', 'end after so many rows')
    .option('--after <cursor>', 'begin after this place')
    .option('--follow', 'go on when the end is reached, until Ctrl-C')
    .option('--tenant <name>', 'only this tenant; without it all of them, merged by time')
    .addHelpText(
      'after',
      `
The place reached is the last line on standard error, as "cursor <text>": give it to --after. With --tenant it is the
API's cursor of that tenant; without, the cursors of all tenants joined by dots (with one tenant: the API's again).
A running process that holds the directory is asked by HTTP.`,
    )
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { data, after } = options
  const limit =
    options.limit === undefined
      ? Number.POSITIVE_INFINITY
      : wholeNumber('--limit', options.limit, 0, Number.MAX_SAFE_INTEGER)
  const tenant = options.tenant === undefined ? undefined : tenantName(options.tenant)
  requireData(data)
  const partitions = readShape(data)?.partitions
  if (partitions === undefined) throw new Failure(`${data} holds no event log: name another directory with --data`)
  const printer = new FeedPrinter({ partitions, tenant, tenantDefault: TENANT_DEFAULT, after, limit, write })
  if (options.follow) await follow(data, partitions, printer)
  else {
    await withData(data, {
      opened: (database) => printer.drain(localReader(database.session(), partitions)),
      held: (holder) => printer.drain(remoteReader(holder)),
    })
  }
  say(`cursor ${printer.cursor}`)
}

/** Prints what comes, from whoever holds the directory, until a signal or the limit. */
async function follow(data: string, partitions: number, printer: FeedPrinter): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  const { signal } = stop
  while (!signal.aborted && !printer.isFull) {
    const attempt = await tryData(data, {
      opened: (database) => printer.drain(localReader(database.session(), partitions), signal),
      held: (holder) => followHolder(holder, printer, signal),
    })
    if (printer.isFull || signal.aborted) return
    // A directory that nobody holds is let go at once, so that anybody may open it.
    if (attempt.busy) await pause(LOOK_MS, signal)
    else await untilOpened(data, signal)
  }
}

async function followHolder(holder: Holder, printer: FeedPrinter, signal: AbortSignal): Promise<void> {
  const reader = remoteReader(holder)
  for (;;) {
    await printer.drain(reader, signal)
    if (printer.isFull || signal.aborted) return
    await waitForRows(holder, printer.positions, signal)
    if (signal.aborted) return
  }
}

/** Waits until some process opened the directory: that changes its entries. */
async function untilOpened(data: string, signal: AbortSignal): Promise<void> {
  const before = entriesChanged(data)
  while (!signal.aborted && entriesChanged(data) === before) await pause(LOOK_MS, signal)
}

function entriesChanged(data: string): number | undefined {
  return statSync(data, { throwIfNoEntry: false })?.mtimeMs
}
