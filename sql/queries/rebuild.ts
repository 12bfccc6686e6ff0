import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import type { Sql } from '../client.ts'
import { type RowBinaryReader, readRowBinary } from '../row-binary.ts'

/** What the output rows of a partition say of decisions, by place, for whoever makes the decisions' state again. */

/** Places that one statement looks at: few enough for its rows to be in memory, as a tick may have one for each borrower. */
export const DECISION_OFFSETS = 500_000

type PlacedRow = { readonly offset: number; readonly tenant: string; readonly borrower: string }
export type StoredSignalChange = PlacedRow & Pick<SignalRow, 'signal' | 'severity' | 'time'>
export type StoredFeedChange = PlacedRow & Pick<WarningRow, 'type' | 'warning_id' | 'severity' | 'time'>

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
