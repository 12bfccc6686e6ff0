import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Batch, Kafka, NewRecord } from '../../../pipelines/kafka/port.ts'
import { collect, describeKafka, type KafkaContext, until } from '../../kafka/support.ts'

await describeKafka('a consumer group', { own: false }, (kafka) => {
  it('shares its partitions, and moves only what must move when a member joins, leaves or stops', async () => {
    const { topic, client, close } = await topicOf(kafka, 6)
    const a = collect(client, { topics: [topic], group: topic })
    await until(() => a.owned().length === 6, 'the first owns all')
    const b = collect(client, { topics: [topic], group: topic })
    await until(() => a.owned().length === 3 && b.owned().length === 3, 'two share')
    const [ofA, ofB] = [a.owned(), b.owned()]
    // Its name comes before theirs, so that it would be dealt partitions first.
    const c = collect(kafka.open(undefined, 'first'), { topics: [topic], group: topic })
    await until(() => [a, b, c].every((member) => member.owned().length === 2), 'three share')
    // One partition of each moved, and what stayed did not go and come back.
    for (const [member, before] of [[a, ofA] as const, [b, ofB] as const]) {
      expect(before).toEqual(expect.arrayContaining(member.owned()))
      const comings = (partition: number): number =>
        member.moves.filter((move) => move.partition === partition && move.kind === 'assigned').length
      expect(member.owned().map(comings)).toEqual([1, 1])
    }
    const ofC = c.owned()
    await c.consumer.stop()
    await until(() => a.owned().length + b.owned().length === 6, 'two share again')
    expect([...a.moves, ...b.moves].filter(({ kind }) => kind === 'assigned')).toHaveLength(6 + 3 + 2)
    expect(ofC.every((partition) => a.owned().includes(partition) || b.owned().includes(partition))).toBe(true)
    await Promise.all([a.consumer.stop(), b.consumer.stop()])
    await close()
  })

  it('fences a partition that it loses: its generation is current no more, and commits come to nothing', async () => {
    const { topic, client, close } = await topicOf(kafka, 2)
    const a = collect(client, { topics: [topic], group: topic })
    await until(() => a.owned().length === 2, 'the first owns all')
    await append(client, topic, [record(0, 'x'), record(1, 'y')])
    await until(() => a.records.length === 2, 'both are read')
    expect(a.batches.map(({ generation }) => generation.isCurrent())).toEqual([true, true])
    const b = collect(client, { topics: [topic], group: topic })
    await until(() => a.owned().length === 1, 'one is lost')
    const lost = b.owned()[0] ?? (a.owned()[0] === 0 ? 1 : 0)
    const ofLost = a.batches.find(({ partition }) => partition === lost)!
    const ofKept = a.batches.find(({ partition }) => partition !== lost)!
    expect([ofLost.generation.isCurrent(), ofLost.generation.lost.aborted]).toEqual([false, true])
    expect(ofKept.generation.isCurrent()).toBe(true)
    await until(() => b.owned().length === 1, 'the other has it')
    await a.consumer.control.commit([{ topic, partition: lost, offset: 1 }])
    const admin = client.admin()
    expect(await admin.committed(topic, topic)).toEqual([undefined, undefined])
    await Promise.all([a.consumer.stop(), b.consumer.stop(), admin.close()])
    expect(ofKept.generation.isCurrent()).toBe(false)
    await close()
  })

  it('starts where it committed, and keeps its place across a rebalance without a commit', async () => {
    const { topic, client, close } = await topicOf(kafka, 2)
    await append(
      client,
      topic,
      Array.from({ length: 10 }, (_, i) => record(0, `${i}`)),
    )
    const a = collect(client, { topics: [topic], group: topic })
    await until(() => a.records.length === 10, 'all are read')
    expect(await a.consumer.control.commit([{ topic, partition: 0, offset: 7 }])).toBe('committed')
    const b = collect(client, { topics: [topic], group: topic })
    await until(() => b.owned().length === 1, 'another shares')
    await append(client, topic, [record(0, '10')])
    await until(() => a.records.length + b.records.length >= 11, 'the new one is read')
    if (a.owned()[0] === 0) expect(a.records.map(({ offset }) => offset)).toEqual([...Array(11).keys()])
    else expect(b.records.map(({ offset }) => offset)).toEqual([7, 8, 9, 10])
    await Promise.all([a.consumer.stop(), b.consumer.stop()])
    const c = collect(client, { topics: [topic], group: topic })
    await until(() => c.records.length === 4, 'the rest is read')
    expect(c.records.map(({ offset }) => offset)).toEqual([7, 8, 9, 10])
    await c.consumer.stop()
    // A position of the handler's goes before what is committed.
    const d = collect(
      client,
      { topics: [topic], group: topic },
      {
        onAssigned: (assigned) => Promise.resolve(assigned.map((each) => ({ ...each, offset: each.low }))),
      },
    )
    await until(() => d.records.length === 11, 'all is read again')
    await d.consumer.stop()
    await close()
  })

  it('begins at a place that the partition reached only after it had come', async () => {
    const { topic, client, close } = await topicOf(kafka, 1)
    const onAssigned = async () => {
      await append(client, topic, [record(0, 'known'), record(0, 'wanted')])
      return [{ topic, partition: 0, offset: 1 }]
    }
    const a = collect(client, { topics: [topic], group: topic }, { onAssigned })
    await until(() => a.records.length === 1, 'it reads')
    expect(a.records.map(({ value }) => String(value))).toEqual(['wanted'])
    await a.consumer.stop()
    await close()
  })

  it('pauses and resumes partitions, and reads on from where it is sent', async () => {
    const { topic, client, close } = await topicOf(kafka, 2)
    const a = collect(client, { topics: [topic], group: topic })
    await until(() => a.consumer.progress().length === 2, 'it reads')
    a.consumer.control.pause([{ topic, partition: 1 }])
    await sleep(300)
    await append(client, topic, [record(0, 'a'), record(1, 'b'), record(0, 'c')])
    await until(() => a.records.length === 2, 'the other is read')
    await sleep(300)
    expect(a.records.map(({ value }) => String(value))).toEqual(['a', 'c'])
    a.consumer.control.resume([{ topic, partition: 1 }])
    await until(() => a.records.length === 3, 'the paused one is read')
    a.consumer.control.seek({ topic, partition: 0, offset: 1 })
    await until(() => a.records.length === 4, 'it is read again')
    expect(a.records.map(({ value }) => String(value))).toEqual(['a', 'c', 'b', 'c'])
    await a.consumer.stop()
    await close()
  })

  it('stays in the group while a batch is in work for longer than the session', async () => {
    const { topic, client, close } = await topicOf(kafka, 2)
    const busy = collect(
      client,
      { topics: [topic], group: topic, sessionTimeoutMs: 2000 },
      {
        onBatch: async ({ records }) => {
          if (String(records[0]?.value) === 'long') await sleep(10_500)
        },
      },
    )
    await until(() => busy.owned().length === 2, 'it owns all')
    const rebalances = busy.consumer.rebalances()
    await append(client, topic, [record(0, 'long')])
    await until(() => busy.batches.length === 1, 'it works')
    await append(client, topic, [record(0, 'after')])
    const { generation } = busy.batches[0]!
    for (let i = 0; i < 50; i++) {
      expect(generation.isCurrent()).toBe(true)
      await sleep(200)
    }
    await until(() => busy.batches.length === 2, 'it goes on')
    expect(busy.consumer.rebalances()).toBe(rebalances)
    expect(busy.records.map(({ value }) => String(value))).toEqual(['long', 'after'])
    await busy.consumer.stop()
    await close()
  })

  it('lets work in flight end before the group is formed anew, and loses nothing of it', async () => {
    const { topic, client, close } = await topicOf(kafka, 2)
    const done: Batch[] = []
    const a = collect(
      client,
      { topics: [topic], group: topic },
      {
        onBatch: async (batch) => {
          await sleep(1500)
          expect(batch.generation.isCurrent()).toBe(true)
          done.push(batch)
        },
        onSettle: async (control) => {
          await control.commit(
            done.map(({ topic, partition, records }) => ({ topic, partition, offset: records.at(-1)!.offset + 1 })),
          )
        },
      },
    )
    await until(() => a.consumer.progress().length === 2, 'it reads')
    await append(client, topic, [record(0, 'x'), record(1, 'y')])
    await until(() => a.batches.length === 2, 'both are in work')
    const b = collect(client, { topics: [topic], group: topic })
    await until(() => b.owned().length === 1, 'another shares')
    expect(done).toHaveLength(2)
    await sleep(500)
    expect(b.records).toEqual([])
    await Promise.all([a.consumer.stop(), b.consumer.stop()])
    await close()
  })

  it('ends with what a handler throws', async () => {
    const { topic, client, close } = await topicOf(kafka, 1)
    await append(client, topic, [record(0, 'x')])
    const a = collect(client, { topics: [topic], group: topic }, { onBatch: () => Promise.reject(new Error('a bug')) })
    await expect(a.consumer.finished).rejects.toThrow('a bug')
    await a.consumer.stop()
    await close()
  })

  describe('that finds something not as it was', () => {
    it('tells of a topic that was made again since its identity was kept, or that has more partitions', async () => {
      const { topic, client, close } = await topicOf(kafka, 1)
      const admin = client.admin()
      const before = (await admin.identity(topic))!
      const expected = { [topic]: before }
      const same = collect(client, { topics: [topic], group: topic, expected })
      await until(() => same.consumer.progress().length === 1, 'it reads')
      await same.consumer.stop()
      for (const [partitions, change] of [
        [1, 'recreated'],
        [2, 'partitions'],
      ] as const) {
        await recreate(client, topic, partitions)
        const now = (await admin.identity(topic))!
        await append(client, topic, [record(0, 'new')])
        const id = change === 'partitions' ? now.id : before.id
        const again = collect(client, { topics: [topic], group: topic, expected: { [topic]: { ...before, id } } })
        expect(await again.consumer.finished).toMatchObject({ kind: 'TopicChanged', topic, change })
        expect(again.records).toEqual([])
        await again.consumer.stop()
      }
      await Promise.all([close(), admin.close()])
    })

    it('tells of a position of the old topic that somebody committed to the new one', async () => {
      const { topic, client, close } = await topicOf(kafka, 1)
      await append(client, topic, [record(0, 'x'), record(0, 'y')])
      const old = collect(client, { topics: [topic], group: topic })
      await until(() => old.records.length === 2, 'all are read')
      old.consumer.control.pause([{ topic, partition: 0 }])
      await recreate(client, topic, 1)
      expect(await old.consumer.control.commit([{ topic, partition: 0, offset: 1 }])).toBe('committed')
      await append(client, topic, [record(0, 'new'), record(0, 'new')])
      await old.consumer.stop()
      const again = collect(client, { topics: [topic], group: topic })
      expect(await again.consumer.finished).toMatchObject({ kind: 'TopicChanged', topic, change: 'recreated' })
      expect(again.records).toEqual([])
      await again.consumer.stop()
      await close()
    })

    it('tells of a topic that is made again while it is read', async () => {
      const { topic, client, close } = await topicOf(kafka, 1)
      await append(client, topic, [record(0, 'x'), record(0, 'y')])
      const a = collect(client, { topics: [topic], group: topic })
      await until(() => a.records.length === 2, 'all are read')
      await recreate(client, topic, 1)
      expect(await a.consumer.finished).toMatchObject({ kind: 'TopicChanged', topic })
      await a.consumer.stop()
      await close()
    })

    it('tells of a committed position that was cut off', async () => {
      const { topic, client, close } = await topicOf(kafka, 1, { 'retention.ms': '1000' })
      await append(client, topic, [record(0, 'x'), record(0, 'y')])
      const before = collect(client, { topics: [topic], group: topic })
      await until(() => before.records.length === 2, 'all are read')
      expect(await before.consumer.control.commit([{ topic, partition: 0, offset: 1 }])).toBe('committed')
      await before.consumer.stop()
      const admin = client.admin()
      await until(async () => (await admin.watermarks(topic))[0]!.low > 1, 'the broker has cut it off')
      await append(client, topic, [record(0, 'new')])
      const again = collect(client, { topics: [topic], group: topic })
      expect(await again.consumer.finished).toMatchObject({ kind: 'OffsetOutOfRange', topic, position: 1, low: 2 })
      expect(again.records).toEqual([])
      await Promise.all([again.consumer.stop(), admin.close()])
      await close()
    })

    it('tells of a position that is not there, given at the start or later', async () => {
      const { topic, client, close } = await topicOf(kafka, 1)
      await append(client, topic, [record(0, 'x')])
      const a = collect(
        client,
        { topics: [topic], group: topic },
        { onAssigned: (assigned) => Promise.resolve(assigned.map((each) => ({ ...each, offset: 5 }))) },
      )
      expect(await a.consumer.finished).toMatchObject({
        kind: 'OffsetOutOfRange',
        topic,
        partition: 0,
        position: 5,
        low: 0,
        high: 1,
      })
      await a.consumer.stop()
      const b = collect(client, { topics: [topic], group: `${topic}-b` })
      await until(() => b.records.length === 1, 'it reads')
      b.consumer.control.seek({ topic, partition: 0, offset: 9 })
      expect(await b.consumer.finished).toMatchObject({ kind: 'OffsetOutOfRange', position: 9 })
      expect(b.records).toHaveLength(1)
      await b.consumer.stop()
      await close()
    })
  })
})

async function topicOf(kafka: KafkaContext, partitions: number, config: Record<string, string> = {}) {
  const topic = kafka.name('group')
  const client = kafka.open()
  const admin = client.admin()
  await admin.createTopic({ topic, partitions, config })
  return { topic, client, close: admin.close }
}

async function recreate(client: Kafka, topic: string, partitions: number): Promise<void> {
  const admin = client.admin()
  await admin.deleteTopic(topic)
  await admin.createTopic({ topic, partitions })
  await admin.close()
}

function record(partition: number, value: string): NewRecord {
  return { partition, key: null, value }
}

async function append(client: Kafka, topic: string, records: readonly NewRecord[]): Promise<void> {
  const producer = client.producer()
  await producer.append(topic, records)
  await producer.close()
}
