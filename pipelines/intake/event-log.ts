import type { Sql } from '../../sql/client.ts'
import { findKnownIds } from '../../sql/queries/known-ids.ts'
import { createDeadLettersBlock } from '../../sql/tables/dead-letters.ts'
import { createEventsBlock } from '../../sql/tables/events.ts'
import { type HashedRecord, type Log, placeOfRefused, type RefusedItem } from './items.ts'
import type { Originals } from './originals.ts'

/** The embedded log: the `events` table. A batch is one block, so it is there as a whole or not at all. */
export function createEventLog(sql: Sql, originals: Originals): Log {
  const events = createEventsBlock()
  const deadLetters = createDeadLettersBlock()

  async function append(records: readonly HashedRecord[]): Promise<void> {
    events.clear()
    for (const { record, data, hashes } of records) {
      const { event } = record
      events.append({
        tenant: event.tenant,
        partition: record.partition,
        offset: record.offset,
        type: event.type,
        version: event.version,
        borrower: event.subject,
        time: event.time,
        received_at: record.received_at,
        source: event.source,
        id: event.id,
        data,
        source_partition: record.source_partition,
        source_position: record.source_position,
        id_hash: { high: hashes[0] as number, low: hashes[1] as number },
        content_hash: { high: hashes[2] as number, low: hashes[3] as number },
      })
    }
    await sql.insertBlock('events', events)
  }

  async function refuse(items: readonly RefusedItem[]): Promise<void> {
    deadLetters.clear()
    for (const { incoming, reason, detail } of items) {
      const event = incoming.decoded.ok ? incoming.decoded.event : undefined
      deadLetters.append({
        tenant: incoming.tenant,
        ...placeOfRefused(incoming),
        item: incoming.item,
        step: event === undefined ? 'decode' : 'intake',
        reason,
        detail,
        event_id: event?.id ?? '',
        event_type: event?.type ?? '',
        borrower: event?.subject ?? '',
        partition: null,
        offset: null,
        recorded_at: Date.now(),
      })
    }
    await originals.keep(items)
    await sql.insertBlock('dead_letters', deadLetters)
  }

  async function findIds(hashes: readonly Uint32Array[]): Promise<Map<string, { high: number; low: number }>> {
    const ids = hashes.map((one) => ({ high: one[0] as number, low: one[1] as number }))
    const known = await findKnownIds(sql, ids)
    return new Map(known.map((one) => [`${one.id_hash.high}:${one.id_hash.low}`, one.content_hash]))
  }

  return { append, refuse, findIds }
}
