import { Command } from 'commander'
import { createKey, SCOPES, type Scope } from '../../../api/keys.ts'
import { TENANT_DEFAULT } from '../../config.ts'
import { tenantName } from '../arguments.ts'
import { print, UsageError } from '../output.ts'

export function keysCommand(): Command {
  return new Command('keys')
    .description('API keys')
    .addCommand(
      new Command('create')
        .description('makes an API key and prints it, alone: it is stored hashed and cannot be shown again')
        .option(
          '--data <dir>',
          'data directory, made when absent; a `run` that holds it takes the key at once',
          './data',
        )
        .option('--tenant <name>', 'tenant that the key belongs to', TENANT_DEFAULT)
        .option('--scopes <list>', 'what the key may do, separated by commas', SCOPES.join(','))
        .action(create),
    )
}

function create(options: { data: string; tenant: string; scopes: string }): void {
  const { key } = createKey({
    directory: options.data,
    tenant: tenantName(options.tenant),
    scopes: [...new Set(options.scopes.split(',').map((name) => scopeOf(name.trim())))],
  })
  print(key)
}

function scopeOf(name: string): Scope {
  const scope = SCOPES.find((one) => one === name)
  if (scope === undefined) throw new UsageError(`--scopes: ${JSON.stringify(name)} is not one of ${SCOPES.join(', ')}`)
  return scope
}
