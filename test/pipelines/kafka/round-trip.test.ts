import { expect, it } from 'vitest'
import type { NewRecord } from '../../../pipelines/kafka/port.ts'
import { collect, describeKafka, until } from '../../kafka/support.ts'

const TIME = 1_767_225_600_123
/** Some hundred values of that length are more than one request carries. */
const LONG = 4000
/** The broker keeps records by their time: those of long ago it would delete at once. */
const KEPT = { 'retention.ms': '-1' }

await describeKafka('records', { own: false }, (kafka) => {
  it('come back byte for byte, with their headers and times, in the order of each partition', async () => {
    const topic = kafka.name('bytes')
    const client = kafka.open()
    const admin = client.admin()
    expect(await admin.createTopic({ topic, partitions: 3, config: KEPT })).toBe('created')
    expect(await admin.createTopic({ topic, partitions: 1 })).toBe('exists')
    expect((await admin.identity(topic))?.partitions).toBe(3)
    expect(await admin.identity(`${topic}-absent`)).toBeUndefined()
    const producer = client.producer()
    const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const records: NewRecord[] = [
      { partition: 0, key: every, value: every, headers: { bytes: every, twice: ['a', 'ß'] }, timestampMs: TIME },
      { partition: 2, key: null, value: null, timestampMs: TIME + 1 },
      { partition: 0, key: '', value: '', headers: { '': '' }, timestampMs: TIME - 5 },
      { partition: 0, key: 'ключ', value: '\0', timestampMs: TIME + 2 },
    ]
    expect(await producer.append(topic, records)).toEqual([0, 0, 1, 2])
    const group = collect(client, { topics: [topic], group: topic })
    await until(() => group.records.length === 4, 'all records are read')
    const read = group.records
      .toSorted((a, b) => a.partition - b.partition || a.offset - b.offset)
      .map(({ topic: from, ...record }) => {
        expect(from).toBe(topic)
        return record
      })
    const bytes = (text: string): Buffer => Buffer.from(text)
    expect(read).toEqual([
      {
        partition: 0,
        offset: 0,
        key: every,
        value: every,
        headers: { bytes: every, twice: [bytes('a'), bytes('ß')] },
        timestampMs: TIME,
      },
      { partition: 0, offset: 1, key: bytes(''), value: bytes(''), headers: { '': bytes('') }, timestampMs: TIME - 5 },
      { partition: 0, offset: 2, key: bytes('ключ'), value: bytes('\0'), headers: {}, timestampMs: TIME + 2 },
      { partition: 2, offset: 0, key: null, value: null, headers: {}, timestampMs: TIME + 1 },
    ])
    await until(() => group.consumer.progress().every((p) => p.caughtUpAtMs !== undefined), 'it stands at the end')
    expect(await admin.offsetsAt(topic, TIME + 2)).toEqual([2, 0, 1])
    await group.consumer.stop()
    expect(await group.consumer.finished).toEqual({ kind: 'stopped' })
    await producer.close()
    await admin.close()
  })

  it('keep the order of calls that are made at once, compressed or not, and are told their offsets', async () => {
    const topic = kafka.name('order')
    const client = kafka.open()
    const admin = client.admin()
    await admin.createTopic({ topic, partitions: 2 })
    for (const compression of ['none', 'gzip'] as const) {
      const producer = client.producer({ compression })
      const [start] = await admin.watermarks(topic)
      const calls = Array.from({ length: 200 }, (_, i) =>
        producer.append(topic, [
          { partition: 0, key: null, value: `a${i}`.padEnd(LONG) },
          { partition: 1, key: null, value: 'other' },
          { partition: 0, key: null, value: `b${i}`.padEnd(LONG) },
        ]),
      )
      const offsets = await Promise.all(calls)
      expect(offsets.map(([a, , b]) => [a! - start!.high, b! - start!.high])).toEqual(
        Array.from({ length: 200 }, (_, i) => [2 * i, 2 * i + 1]),
      )
      const reader = client.reader()
      const values: string[] = []
      for await (const { records } of reader.read({ topic, partition: 0 }, start!.high)) {
        values.push(...records.map(({ value }) => String(value).trim()))
      }
      expect(values).toEqual(Array.from({ length: 200 }, (_, i) => [`a${i}`, `b${i}`]).flat())
      await reader.close()
      await producer.close()
    }
    await admin.close()
  })

  it('are read without a group from one offset to another, and where there is none that is said', async () => {
    const topic = kafka.name('reader')
    const client = kafka.open()
    const admin = client.admin()
    await admin.createTopic({ topic, partitions: 1, config: { 'cleanup.policy': 'compact' } })
    const producer = client.producer()
    await producer.append(
      topic,
      Array.from({ length: 100 }, (_, i) => ({ partition: 0, key: `${i}`, value: `${i}` })),
    )
    const reader = client.reader()
    const read: number[] = []
    for await (const { records } of reader.read({ topic, partition: 0 }, 10, 20)) {
      read.push(...records.map(({ offset }) => offset))
    }
    expect(read).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    for await (const { records } of reader.read({ topic, partition: 0 }, 100)) read.push(records.length)
    expect(read).toHaveLength(10)
    await expect(reader.read({ topic, partition: 0 }, 101).next()).rejects.toMatchObject({
      condition: { kind: 'OffsetOutOfRange', position: 101, low: 0, high: 100 },
    })
    await Promise.all([reader.close(), producer.close()])
    await admin.deleteTopic(topic)
    expect(await admin.identity(topic)).toBeUndefined()
    await admin.close()
  })

  it('that Kafka refuses end the producer: nothing is appended after them', async () => {
    const topic = kafka.name('large')
    const client = kafka.open()
    const admin = client.admin()
    await admin.createTopic({ topic, partitions: 1, config: { 'max.message.bytes': '10000' } })
    const producer = client.producer()
    const small: NewRecord = { partition: 0, key: null, value: 'small' }
    expect(await producer.append(topic, [small])).toEqual([0])
    const large: NewRecord = { partition: 0, key: null, value: Buffer.alloc(20_000, 'x') }
    await expect(producer.append(topic, [large])).rejects.toThrow(/larger than the max/)
    await expect(producer.append(topic, [small])).rejects.toThrow(/larger than the max/)
    expect(await admin.watermarks(topic)).toEqual([{ low: 0, high: 1 }])
    await Promise.all([producer.close(), admin.close()])
  })
})
