import type { Command } from 'commander'
import { businessDate, instant } from '../../features/events/fields.ts'
import { DEAD_LETTER_ID, type DeadLetterFilter } from '../../sql/queries/dead-letters.ts'
import { tenantName, wholeNumber } from './arguments.ts'
import { UsageError } from './output.ts'

/** Which dead letters a command is about. */

export type FilterOptions = {
  readonly tenant?: string
  readonly reason?: string
  readonly step?: string
  readonly type?: string
  readonly source?: string
  readonly since?: string
  readonly until?: string
  readonly limit: string
}

const STEPS = ['decode', 'intake', 'apply']

export function addFilterOptions(command: Command, limit: number): Command {
  return command
    .option('--tenant <name>', 'of this tenant; without it of all')
    .option('--reason <word>', 'refused for this reason, such as unknown_loan')
    .option('--step <word>', `refused by this step: ${STEPS.join(', ')} (apply is the engine)`)
    .option('--type <type>', 'of events of this type')
    .option('--source <text>', 'whose source partition begins with this: http/, file:, log/ …')
    .option(
      '--since <time>',
      'recorded at this time or later: YYYY-MM-DD (UTC), ISO 8601 with a zone, or UTC milliseconds',
    )
    .option('--until <time>', 'recorded before this time')
    .option('--limit <n>', 'at most so many, the oldest first', String(limit))
}

export function filterOf(options: FilterOptions, limitMax: number): { filter: DeadLetterFilter; limit: number } {
  const { tenant, reason, step, type, source, since, until } = options
  if (step !== undefined && !STEPS.includes(step)) throw new UsageError(`--step ${step}: choose of ${STEPS.join(', ')}`)
  const filter = {
    reason,
    step,
    type,
    source,
    tenant: tenant === undefined ? undefined : tenantName(tenant),
    since: since === undefined ? undefined : instantOf('--since', since),
    until: until === undefined ? undefined : instantOf('--until', until),
  }
  return { filter, limit: wholeNumber('--limit', options.limit, 1, limitMax) }
}

export function deadLetterId(text: string): string {
  if (DEAD_LETTER_ID.test(text)) return text
  throw new UsageError(`${JSON.stringify(text)} is no dead letter's id: 16 hexadecimal digits, as the list shows them`)
}

function instantOf(name: string, text: string): number {
  if (businessDate.safeParse(text).success) return Date.parse(`${text}T00:00:00Z`)
  const parsed = instant.safeParse(/^\d+$/.test(text) ? Number(text) : text)
  if (parsed.success) return parsed.data
  throw new UsageError(`${name} ${text} is not YYYY-MM-DD, ISO 8601 with a zone, or UTC milliseconds`)
}
