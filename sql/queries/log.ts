import type { Event } from '../../features/events/contract.ts'
import { restoreData } from '../../features/events/decode.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { quoteString, type Sql } from '../client.ts'
import { readRowBinary } from '../row-binary.ts'

/** Rows of one page unless the caller says otherwise: some 3 MB. */
export const LOG_PAGE_ROWS = 10_000

/**
 * The records of a partition from `fromOffset` on, in pages, ordered by offset. The next page is read while the caller
 * works on one, so the session must have nothing else to do in between. No page is empty.
 */
export async function* readLog(
  sql: Sql,
  partition: number,
  fromOffset: number,
  pageRows: number = LOG_PAGE_ROWS,
): AsyncGenerator<LogRecord[], void, undefined> {
  let next = readPage(sql, partition, fromOffset, pageRows)
  for (;;) {
    const page = await next
    const last = page.at(-1)
    if (last === undefined) return
    const isLast = page.length < pageRows
    if (!isLast) {
      next = readPage(sql, partition, last.offset + 1, pageRows)
      // A caller that stops early never looks at this page; one that goes on gets its error from `await`.
      next.catch(() => {})
    }
    yield page
    if (isLast) return
  }
}

async function readPage(sql: Sql, partition: number, fromOffset: number, pageRows: number): Promise<LogRecord[]> {
  const answer = await sql.bytes(
    `SELECT ${LOG_COLUMNS}
     FROM events
     WHERE partition = ${partition} AND offset >= ${fromOffset}
     ORDER BY partition, offset
     LIMIT ${pageRows}`,
    'RowBinary',
  )
  return logRecords(partition, answer)
}

/** The statement for one record, for people. */
export function recordStatement(partition: number, offset: number): string {
  return `SELECT id, source, type, version, toString(time) AS time, toString(received_at) AS received_at, tenant,
       borrower AS subject, source_partition, source_position, data
     FROM events WHERE partition = ${partition} AND offset = ${offset}`
}

/** The records at some places of a partition. */
export async function readRecordsAt(sql: Sql, partition: number, offsets: readonly number[]): Promise<LogRecord[]> {
  if (offsets.length === 0) return []
  const answer = await sql.bytes(
    `SELECT ${LOG_COLUMNS} FROM events WHERE partition = ${partition} AND offset IN (${offsets.join(', ')})`,
    'RowBinary',
  )
  return logRecords(partition, answer)
}

/** What a statement selects from `events` for `logRecords` to read. */
const LOG_COLUMNS = `offset, toUnixTimestamp64Milli(received_at), source_partition, source_position, id, source, type, version,
       toUnixTimestamp64Milli(time), tenant, borrower, data`

/**
 * The statement for records that decide one borrower's state, from `fromOffset` through `lastOffset`, ordered by offset: its own
 * and its tenant's that concern nobody in particular, the ticks among them. In RowBinary, for `logRecords`.
 */
export function borrowerLogStatement(
  tenant: string,
  borrower: string,
  partition: number,
  fromOffset: number,
  lastOffset: number,
): string {
  return `SELECT ${LOG_COLUMNS}
     FROM events
     WHERE partition = ${partition} AND offset >= ${fromOffset} AND offset <= ${lastOffset}
       AND tenant = ${quoteString(tenant)} AND borrower IN (${quoteString(borrower)}, '')
     ORDER BY partition, offset
     LIMIT ${LOG_PAGE_ROWS}`
}

/** The records of one partition in an answer in RowBinary. */
export function logRecords(partition: number, answer: Uint8Array): LogRecord[] {
  const reader = readRowBinary(answer)
  const records: LogRecord[] = []
  while (reader.more()) {
    records.push({
      partition,
      offset: reader.uint64(),
      received_at: reader.uint64(),
      source_partition: reader.string(),
      source_position: reader.uint64(),
      // The contract checked the event before it was written.
      event: {
        id: reader.string(),
        source: reader.string(),
        type: reader.string(),
        version: reader.uint8(),
        time: reader.uint64(),
        tenant: reader.string(),
        subject: reader.string(),
        data: restoreData(reader.string()),
      } as Event,
    })
  }
  return records
}
