import { decodeBytes } from '../../features/events/decode.ts'
import type { LogRecord } from '../../features/events/record.ts'
import type { Sql } from '../../sql/client.ts'
import type { DeadLetter } from '../../sql/queries/dead-letters.ts'
import { readRecordsAt } from '../../sql/queries/log.ts'
import type { Incoming } from '../intake/items.ts'
import { type Originals, placeKey } from '../intake/originals.ts'

/** What a dead letter holds: the bytes as they came, or the record of the log that the engine refused. */

/** A dead letter that can be sent again. */
export type Letter = {
  readonly ok: true
  readonly letter: DeadLetter
  readonly item: Incoming
  /** Whether it came by HTTP, so that the clock says how late it is. */
  readonly isLive: boolean
}

/** Or one that cannot. */
export type Openable =
  | Letter
  | { readonly ok: false; readonly letter: DeadLetter; readonly outcome: 'refused' | 'lost'; readonly detail: string }

const LIVE_PREFIX = 'http'
const NO_BYTES = new Uint8Array(0)

/** Opens dead letters for sending, each as the next attempt of a source of its own: no other source's positions are touched. */
export async function openLetters(sql: Sql, originals: Originals, letters: readonly DeadLetter[]): Promise<Openable[]> {
  const bytes = await originals.find(letters.filter(isOutsideLog))
  const records = await readLogRecords(sql, letters)
  return letters.map((letter): Openable => {
    if (!isOutsideLog(letter)) {
      const record = records.get(`${letter.partition}/${letter.offset}`)
      if (record === undefined) return lost(letter, 'the log has no record at its place')
      return openRecord(letter, record)
    }
    if (letter.reason === 'too_long') {
      return { ok: false, letter, outcome: 'refused', detail: 'it is too long, and its end was not kept' }
    }
    const original = bytes.get(placeKey(letter))
    if (original === undefined) return lost(letter, 'its original bytes are not kept any more')
    const decoded = decodeBytes(original, letter.tenant)
    const isLive = letter.source_partition.startsWith(LIVE_PREFIX)
    return { ok: true, letter, isLive, item: itemOf(letter, isLive, { bytes: original, decoded }) }
  })
}

/** Whether it was refused before it came into the log. */
export function isOutsideLog({ partition }: Pick<DeadLetter, 'partition'>): boolean {
  return partition === null
}

/** The records of the log that the engine refused, by `partition/offset`. */
export async function readLogRecords(sql: Sql, letters: readonly DeadLetter[]): Promise<Map<string, LogRecord>> {
  const offsets = new Map<number, number[]>()
  for (const { partition, offset } of letters) {
    if (partition === null || offset === null) continue
    offsets.set(partition, [...(offsets.get(partition) ?? []), offset])
  }
  const records = new Map<string, LogRecord>()
  for (const [partition, some] of offsets) {
    for (const record of await readRecordsAt(sql, partition, some)) records.set(`${partition}/${record.offset}`, record)
  }
  return records
}

function openRecord(letter: DeadLetter, { event, source_partition }: LogRecord): Letter {
  const isLive = source_partition.startsWith(LIVE_PREFIX)
  const decoded = { ok: true, event, dropped_fields: 0 } as const
  return { ok: true, letter, isLive, item: itemOf(letter, isLive, { bytes: NO_BYTES, decoded }) }
}

function itemOf(letter: DeadLetter, isLive: boolean, content: Pick<Incoming, 'bytes' | 'decoded'>): Incoming {
  return {
    ...content,
    tenant: letter.tenant,
    source_partition: `${isLive ? `${LIVE_PREFIX}/` : ''}redrive/${letter.id}`,
    source_position: letter.attempts + 1,
    item: 0,
    redrive: true,
  }
}

function lost(letter: DeadLetter, detail: string): Openable {
  return { ok: false, letter, outcome: 'lost', detail }
}
