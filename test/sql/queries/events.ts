import type { LogRecord } from '../../../features/events/record.ts'
import type { Sql } from '../../../sql/client.ts'
import type { Hash64 } from '../../../sql/native.ts'
import { createEventsBlock } from '../../../sql/tables/events.ts'

export type Stored = { readonly record: LogRecord; readonly id_hash?: Hash64; readonly content_hash?: Hash64 }

const ZERO: Hash64 = { high: 0, low: 0 }

/** Writes records to `events` as one block. */
export async function writeEvents(sql: Sql, stored: readonly Stored[]): Promise<void> {
  const block = createEventsBlock()
  for (const { record, id_hash = ZERO, content_hash = ZERO } of stored) {
    const { event, ...place } = record
    block.append({
      ...place,
      tenant: event.tenant,
      type: event.type,
      version: event.version,
      borrower: event.subject,
      time: event.time,
      source: event.source,
      id: event.id,
      data: JSON.stringify(event.data),
      id_hash,
      content_hash,
    })
  }
  await sql.insertBlock('events', block)
}

/** A record of an external signal, the smallest kind of event, with what matters to a test laid over it. */
export function recordOf(
  overrides: Partial<Omit<LogRecord, 'event'>> & { readonly event?: Partial<LogRecord['event']> } = {},
): LogRecord {
  const { event, ...place } = overrides
  return {
    partition: 0,
    offset: 0,
    received_at: 1000,
    source_partition: 'file:a',
    source_position: 1,
    ...place,
    event: {
      id: 'e',
      source: 'core',
      type: 'signal.reported',
      version: 1,
      time: 1000,
      tenant: 'default',
      subject: 'b',
      data: { kind: 'litigation', reported_at: 1000 },
      ...event,
    },
  } as LogRecord
}
