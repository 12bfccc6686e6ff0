import { describe, expect, it } from 'vitest'
import { decodeText } from '../../../features/events/decode.ts'
import {
  DamagedLog,
  type LogEntry,
  partitionOf,
  readMessage,
  toMessage,
} from '../../../pipelines/cluster/log-message.ts'
import { prepare } from '../../../pipelines/intake/prepare.ts'

function entryOf(data: Record<string, unknown>, id = 'e1'): LogEntry {
  const text = JSON.stringify({
    id,
    source: 'bank',
    type: 'transaction.posted',
    time: 1_700_000_000_000,
    subject: 'b-7',
    data,
  })
  const decoded = decodeText(text, 'acme')
  if (!decoded.ok) throw new Error(decoded.detail)
  return {
    ...prepare(decoded),
    event: decoded.event,
    received_at: 1_700_000_000_123,
    source_partition: 'kafka/transactions/3',
    source_position: 42,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  }
}

const PAYMENT = { account: 'a', direction: 'out', currency: 'CNY', amount_minor: 100 }

function sent(entry: LogEntry, offset = 9) {
  const { value, headers } = toMessage(entry, 2)
  return readMessage(2, { offset, value: Buffer.from(value), headers })
}

describe('a record of the log in Kafka', () => {
  it('comes back as it was, with its place', () => {
    const entry = entryOf(PAYMENT)
    const { record, data, hashes, isPositioned, traceparent } = sent(entry)
    expect(record).toEqual({
      partition: 2,
      offset: 9,
      received_at: entry.received_at,
      source_partition: 'kafka/transactions/3',
      source_position: 42,
      event: entry.event,
    })
    expect([data, [...hashes], isPositioned, traceparent]).toEqual([
      entry.data,
      [...entry.hashes],
      true,
      entry.traceparent,
    ])
  })

  it('keeps what looks like the border between envelope and data inside an id', () => {
    const entry = entryOf(PAYMENT, ',"data":{"x":1}')
    expect(sent(entry).record.event).toEqual(entry.event)
    expect(sent(entry).data).toBe(entry.data)
  })

  it('has its own offset as position where its source has none', () => {
    const { record, isPositioned } = sent({ ...entryOf(PAYMENT), source_position: undefined })
    expect([record.source_position, isPositioned]).toEqual([9, false])
  })

  it('goes by borrower to one partition', () => {
    const partitions = new Set(Array.from({ length: 50 }, () => partitionOf('acme', 'b-7', { partitions: 16 })))
    expect(partitions.size).toBe(1)
    expect(toMessage(entryOf(PAYMENT), 5).key).toBe('acme\u0000b-7')
  })

  it('that another program wrote stops the worker, saying where', () => {
    const foreign = { offset: 3, value: Buffer.from('{"hello":1}'), headers: {} }
    expect(() => readMessage(1, foreign)).toThrow(DamagedLog)
    expect(() => readMessage(1, foreign)).toThrow('1/3')
    expect(() => readMessage(1, { offset: 3, value: null, headers: {} })).toThrow('has no value')
  })
})
