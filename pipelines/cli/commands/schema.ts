import { Command } from 'commander'
import { eventJsonSchema } from '../../../features/events/contract.ts'
import { print } from '../output.ts'

export function schemaCommand(): Command {
  return new Command('schema')
    .description('prints the JSON Schema (draft 2020-12) of one event, as a file or a request may carry it')
    .action(() => print(JSON.stringify(eventJsonSchema(), undefined, 2)))
}
