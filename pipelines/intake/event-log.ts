import type { Sql } from '../../sql/client.ts'
import { findKnownIds } from '../../sql/queries/known-ids.ts'
import { createDeadLettersBlock } from '../../sql/tables/dead-letters.ts'
import { createEventsBlock, eventsRow } from '../../sql/tables/events.ts'
import { type HashedRecord, type Log, placeOfRefused, type RefusedItem } from './items.ts'
import type { Originals } from './originals.ts'

/** The embedded log: the `events` table. A batch is one block, so it is there as a whole or not at all. */
export function createEventLog(sql: Sql, originals: Originals): Log {
  const events = createEventsBlock()
  const deadLetters = createDeadLettersBlock()

  async function append(records: readonly HashedRecord[]): Promise<void> {
    events.clear()
    for (const { record, data, hashes } of records) events.append(eventsRow(record, data, hashes))
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

  async function findIds(
    hashes: readonly Uint32Array[],
    whenFound?: () => Promise<void>,
  ): Promise<Map<string, { high: number; low: number }>> {
    const ids = hashes.map((one) => ({ high: one[0] as number, low: one[1] as number }))
    const known = await findKnownIds(sql, ids, whenFound)
    return new Map(known.map((one) => [`${one.id_hash.high}:${one.id_hash.low}`, one.content_hash]))
  }

  return { append, refuse, findIds }
}
