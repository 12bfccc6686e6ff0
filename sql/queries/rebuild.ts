import { type Event, type EventType, eventSchemas } from '../../features/events/contract.ts'
import { restoreData } from '../../features/events/decode.ts'
import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import type { Sql } from '../client.ts'
import { type RowBinaryReader, readRowBinary } from '../row-binary.ts'

/** What the tables say of a partition, by place, for whoever makes its state again. */

/** Places of `events` that one statement reads, some 5 MB: more than a granule has, which is read whole. */
export const EVENT_OFFSETS = 20_000
/** Records that are decoded in one go, which whoever else has something to do waits for. */
const RECORDS_PER_PAGE = 1000
/** The envelope's `id`, `source` and `version` are part of the state where an event waits for its loan: of these types none does. */
const WITHOUT_ID: ReadonlySet<EventType> = new Set([
  'transaction.posted',
  'bureau.queried',
  'signal.reported',
  'contact.recorded',
  'day.closed',
])
const TYPES = Object.keys(eventSchemas) as EventType[]

/** Places that one statement looks at: few enough for its rows to be in memory, as a tick may have one for each borrower. */
export const DECISION_OFFSETS = 500_000

type PlacedRow = { readonly offset: number; readonly tenant: string; readonly borrower: string }
export type StoredSignalChange = PlacedRow & Pick<SignalRow, 'signal' | 'severity' | 'time'>
export type StoredFeedChange = PlacedRow & Pick<WarningRow, 'type' | 'warning_id' | 'severity' | 'time'>

/** A record of the log without what no state depends on: where it came from, and of some types who sent it. */
export type RebuildRecord = { readonly partition: number; readonly offset: number; readonly event: Event }

/**
 * The records of a partition from `fromOffset` through `lastOffset`, in pages, by offset. The next answer is read while the
 * caller works on the pages of one. A record that was written twice is the same each time and is dropped here: to have the
 * engine merge them takes three times as long.
 */
export async function* readRebuildEvents(
  sql: Sql,
  partition: number,
  fromOffset: number,
  lastOffset: number,
  offsetsAtOnce: number = EVENT_OFFSETS,
): AsyncGenerator<RebuildRecord[], void, undefined> {
  const readFrom = (from: number) => readEvents(sql, partition, from, Math.min(lastOffset, from + offsetsAtOnce - 1))
  const decoder = new EventDecoder(partition)
  let from = fromOffset
  let next = readFrom(from)
  while (from <= lastOffset) {
    const answer = await next
    // Offsets may have holes, and these may be long.
    const isHole = answer.length === 0
    from = isHole ? await findNext(sql, partition, from + offsetsAtOnce, lastOffset) : from + offsetsAtOnce
    if (from <= lastOffset) {
      next = readFrom(from)
      // A caller that stops early never looks at this page; one that goes on gets its error from `await`.
      next.catch(() => {})
    }
    const reader = readRowBinary(answer)
    while (reader.more()) {
      const page = decoder.decode(reader)
      if (page.length > 0) yield page
    }
  }
}

/** A range of places, and no LIMIT: the key finds it, where a LIMIT would begin to read all that follows. */
function readEvents(sql: Sql, partition: number, from: number, through: number): Promise<Uint8Array> {
  const types = TYPES.map((type) => `'${type}'`).join(', ')
  return sql.bytes(
    `SELECT offset, toUInt8(indexOf([${types}], type)), id, source, version,
       toUnixTimestamp64Milli(time), tenant, borrower, data
     FROM events
     WHERE partition = ${partition} AND offset >= ${from} AND offset <= ${through}
     ORDER BY partition, offset
     SETTINGS final = 0, max_threads = 1`,
    'RowBinary',
  )
}

/** Turns the answers of one partition into records. */
class EventDecoder {
  readonly #partition: number
  #last = -1
  #source = ''
  #tenant = ''

  constructor(partition: number) {
    this.#partition = partition
  }

  /** The next records of an answer: few at a time, so that they are used and gone before many more are made. */
  decode(reader: RowBinaryReader): RebuildRecord[] {
    const records: RebuildRecord[] = []
    while (reader.more() && records.length < RECORDS_PER_PAGE) {
      const offset = reader.uint64()
      const type = TYPES[reader.uint8() - 1] as EventType
      let id = ''
      if (WITHOUT_ID.has(type)) reader.skipString()
      else id = reader.string()
      const source = reader.stringAgain(this.#source)
      this.#source = source
      const version = reader.uint8()
      const time = reader.uint64()
      const tenant = reader.stringAgain(this.#tenant)
      this.#tenant = tenant
      const subject = reader.string()
      if (offset === this.#last) {
        reader.skipString()
        continue
      }
      this.#last = offset
      // The contract checked the event before it was written.
      const event = { id, source, type, version, time, tenant, subject, data: restoreData(reader.string()) } as Event
      records.push({ partition: this.#partition, offset, event })
    }
    return records
  }
}

async function findNext(sql: Sql, partition: number, from: number, lastOffset: number): Promise<number> {
  const where = `partition = ${partition} AND offset >= ${from} AND offset <= ${lastOffset}`
  const [row] = await sql.query<{ next: number; rows: number }>(
    `SELECT min(offset) AS next, count() AS rows FROM events WHERE ${where}`,
  )
  return row === undefined || row.rows === 0 ? lastOffset + 1 : row.next
}

/** Rows of `signals` at `fromOffset` or after it and up to `lastOffset`, by (offset, seq), so many places at a time. */
export function readSignalChanges(
  sql: Sql,
  partition: number,
  fromOffset: number,
  lastOffset: number,
  offsetsAtOnce: number = DECISION_OFFSETS,
): AsyncGenerator<StoredSignalChange[], void, undefined> {
  const select = `SELECT offset, tenant, borrower, signal, severity, toUnixTimestamp64Milli(time) FROM signals`
  return readRanges(sql, select, partition, fromOffset, lastOffset, offsetsAtOnce, (reader) => ({
    offset: reader.uint64(),
    tenant: reader.string(),
    borrower: reader.string(),
    signal: reader.string(),
    severity: reader.string() as SignalRow['severity'],
    time: reader.uint64(),
  }))
}

/** Rows of `warnings`, in the same way. */
export function readFeedChanges(
  sql: Sql,
  partition: number,
  fromOffset: number,
  lastOffset: number,
  offsetsAtOnce: number = DECISION_OFFSETS,
): AsyncGenerator<StoredFeedChange[], void, undefined> {
  const select = `SELECT offset, tenant, borrower, type, warning_id, severity, toUnixTimestamp64Milli(time) FROM warnings`
  return readRanges(sql, select, partition, fromOffset, lastOffset, offsetsAtOnce, (reader) => ({
    offset: reader.uint64(),
    tenant: reader.string(),
    borrower: reader.string(),
    type: reader.string() as WarningRow['type'],
    warning_id: reader.string(),
    severity: reader.string() as WarningRow['severity'],
    time: reader.uint64(),
  }))
}

/**
 * Whole statements, not one long answer: each may be said again when the connection is lost. The tables are ordered by
 * borrower, so that one looks through all of a table's places, but at little else than these.
 */
async function* readRanges<Row>(
  sql: Sql,
  select: string,
  partition: number,
  fromOffset: number,
  lastOffset: number,
  offsetsAtOnce: number,
  read: (reader: RowBinaryReader) => Row,
): AsyncGenerator<Row[], void, undefined> {
  for (let from = fromOffset; from <= lastOffset; from += offsetsAtOnce) {
    const through = Math.min(lastOffset, from + offsetsAtOnce - 1)
    const where = `partition = ${partition} AND offset >= ${from} AND offset <= ${through}`
    const reader = readRowBinary(await sql.bytes(`${select} WHERE ${where} ORDER BY offset, seq`, 'RowBinary'))
    const rows: Row[] = []
    while (reader.more()) rows.push(read(reader))
    yield rows
  }
}
