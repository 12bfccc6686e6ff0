import type { TopicRecord } from './topic.ts'

/**
 * What must hold of the log, told from the records themselves. Nothing here knows the product's code, only what DESIGN says
 * of positions, ids and dead letters.
 */

const OWN = 'foreshock'

/** The envelope and the data of a log record. */
type LogEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly time: number
  readonly tenant: string
  readonly subject: string
}

/** Every input record is in the log or a dead letter with all that it came with; each source partition's order is kept. */
export function checkLogAgainstInput(
  topic: string,
  input: readonly TopicRecord[],
  log: readonly TopicRecord[],
  dead: readonly TopicRecord[],
): string[] {
  const violations: string[] = []
  const inLog = new Map<string, string>()
  const reached = new Map<string, number>()
  const seen = new Set<string>()
  for (const record of log) {
    const { source_partition: source, source_position: position } = record.headers
    if (source === undefined || source === OWN || position === undefined) continue
    const place = `${source}/${position}`
    inLog.set(place, record.value ?? '')
    const key = `${record.partition} ${place}`
    if (seen.has(key)) continue
    seen.add(key)
    const before = reached.get(`${record.partition} ${source}`) ?? -1
    if (Number(position) < before) {
      violations.push(`log ${record.partition}/${record.offset}: ${place} came first after position ${before}`)
    }
    reached.set(`${record.partition} ${source}`, Number(position))
  }
  const refused = new Map(dead.map((record) => [record.headers['foreshock_place'] ?? '', record]))
  for (const record of input) {
    const place = `kafka/${topic}/${record.partition}/${record.offset}`
    const event = inLog.get(place)
    const letter = refused.get(place)
    if (event !== undefined) {
      const { id } = JSON.parse(record.value ?? '') as { id: unknown }
      if (!event.includes(JSON.stringify(String(id)))) violations.push(`${place} is in the log as another event`)
    } else if (letter === undefined) violations.push(`${place} is neither in the log nor a dead letter`)
    else violations.push(...differencesOfLetter(place, record, letter))
  }
  return violations
}

function differencesOfLetter(place: string, record: TopicRecord, letter: TopicRecord): string[] {
  const violations: string[] = []
  for (const field of ['key', 'value', 'timestamp'] as const) {
    if (letter[field] !== record[field]) violations.push(`the dead letter of ${place} has another ${field}`)
  }
  for (const [name, value] of Object.entries(record.headers)) {
    if (letter.headers[name] !== value) violations.push(`the dead letter of ${place} has another header ${name}`)
  }
  for (const name of ['foreshock_step', 'foreshock_reason', 'foreshock_detail']) {
    if (letter.headers[name] === undefined) violations.push(`the dead letter of ${place} has no header ${name}`)
  }
  return violations
}

/** The rows that `events` must hold of this log, and the places of records whose id another event has. */
export function expectedEvents(log: readonly TopicRecord[]): { rows: string[]; conflicts: string[] } {
  const rows: string[] = []
  const conflicts: string[] = []
  const reached = new Map<string, number>()
  const contents = new Map<string, string>()
  for (const { partition, offset, value, headers } of log) {
    const event = JSON.parse(value ?? '') as LogEvent
    const source = headers['source_partition'] ?? ''
    const position = headers['source_position']
    if (source !== OWN && position !== undefined) {
      const key = `${partition} ${source}`
      if (Number(position) <= (reached.get(key) ?? -1)) continue
      reached.set(key, Number(position))
    }
    const id = event.type === 'tenant.configured' ? event.type : JSON.stringify([event.source, event.id])
    const isTick = source === OWN && event.type !== 'tenant.configured'
    const identity = `${partition} ${event.tenant} ${id}`
    const before = isTick ? undefined : contents.get(identity)
    if (before !== undefined) {
      if (event.type !== 'tenant.configured' && before !== value) conflicts.push(`${partition}/${offset}`)
      continue
    }
    if (!isTick) contents.set(identity, value ?? '')
    rows.push(eventRow(partition, offset, event, headers))
  }
  return { rows, conflicts }
}

function eventRow(partition: number, offset: number, event: LogEvent, headers: TopicRecord['headers']): string {
  const { tenant, id, source, type, subject, time } = event
  const from = headers['source_partition']
  const position = Number(headers['source_position'] ?? offset)
  return JSON.stringify([
    partition,
    offset,
    tenant,
    id,
    source,
    type,
    subject,
    time,
    Number(headers['received_at']),
    from,
    position,
  ])
}
