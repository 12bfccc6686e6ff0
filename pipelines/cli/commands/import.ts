import { Command } from 'commander'
import { importBerka } from '../../importers/berka/import.ts'
import { berkaSummaryLines } from '../../importers/berka/summary.ts'
import { requireFolder } from '../arguments.ts'
import { openLineFile } from '../line-file.ts'
import { Failure, print, say, UsageError } from '../output.ts'
import { Progress } from '../progress.ts'
import { creditRecordCommand, snapshotsCommand } from './import-tape.ts'

export function importCommand(): Command {
  return new Command('import')
    .description("turns somebody else's data into events or month-end snapshots")
    .addCommand(
      new Command('berka')
        .description('the PKDD’99 "Financial" data of a Czech bank: accounts, loans, transactions')
        .argument('<dir>', 'folder with its .asc files')
        .option('--out <file>', 'file to write, compressed when it ends in .gz or .zst; - is standard output', '-')
        .option('--json', 'print the summary as one JSON object on standard output; needs --out')
        .addHelpText(
          'after',
          '\nRows that cannot be turned into events are listed and stop nothing. The file appears once it is whole.',
        )
        .action(berka),
    )
    .addCommand(creditRecordCommand())
    .addCommand(snapshotsCommand())
}

async function berka(directory: string, options: { out: string; json?: true }): Promise<void> {
  const { out } = options
  if (options.json && out === '-') throw new UsageError('--json needs --out FILE: the events go to standard output')
  requireFolder(out)
  const file = await openLineFile(out)
  const progress = new Progress('import berka')
  let events = 0
  try {
    const imported = await importBerka({
      directory,
      write: async (line) => {
        await file.write(line)
        progress.show(++events, undefined)
      },
    })
    if (!imported.ok) throw new Failure(imported.detail)
    await file.finish()
    progress.end(events)
    if (options.json) print(JSON.stringify(imported.summary))
    else for (const line of berkaSummaryLines(imported.summary)) say(line)
  } catch (error) {
    await file.abandon()
    throw error
  }
}
