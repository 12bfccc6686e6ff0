import { visibleMessages } from './client.ts'
import type { KafkaRecord } from './port.ts'
import type { WireFetched, WireMessage } from './wire.ts'

/** Bytes that one answer may bring of one partition, and in all (a record that is larger comes alone). */
export const FETCH_PARTITION_BYTES_MAX = 1024 * 1024
export const FETCH_BYTES_MAX = 8 * 1024 * 1024

/**
 * What was fetched of a partition from `position` on: the records to show, and where to read on. A block comes whole, also
 * when its beginning was not asked for.
 */
export function readFetched(
  topic: string,
  position: number,
  partition: WireFetched['partitions'][number],
): { records: readonly KafkaRecord[]; next: number; highWatermark: number } {
  const { messages, plain } = partition
  const highWatermark = Number(partition.highWatermark)
  if (plain !== undefined) {
    const records = plain.records.filter(({ offset }) => offset >= position)
    return { records, next: Math.max(position, plain.next ?? position), highWatermark }
  }
  const last = messages.at(-1)
  const isPlain = messages.every((message) => !message.isControlRecord && !message.batchContext.inTransaction)
  const visible = isPlain ? messages : visibleMessages(topic, position, partition)
  const records: KafkaRecord[] = []
  for (const message of visible) {
    const record = toRecord(message)
    if (record.offset >= position) records.push(record)
  }
  const next = last === undefined ? position : Math.max(position, Number(last.offset) + 1)
  return { records, next, highWatermark }
}

function toRecord(message: WireMessage): KafkaRecord {
  return {
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: message.headers,
    timestampMs: Number(message.timestamp),
  }
}
