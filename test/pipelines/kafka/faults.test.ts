import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { openKafka } from '../../../pipelines/kafka/open.ts'
import type { Kafka, Producer } from '../../../pipelines/kafka/port.ts'
import type { ProxyMode } from '../../kafka/proxy.ts'
import { type Collected, collect, describeKafka, until } from '../../kafka/support.ts'

/** Two connections of each of a producer and a consumer; each may be begun anew once a second. */
const CONNECTIONS = 4
const RECONNECT_MS_MIN = 1000
/** A timer may be early by so much. */
const TOLERANCE_MS = 20

// A broker that starts on a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000 })

await describeKafka('when the broker is not there', { own: true }, (kafka) => {
  /** Appends one record after another until it is told to stop; what was acknowledged is what it returns. */
  function keepAppending(producer: Producer, topic: string): () => Promise<string[]> {
    const acknowledged: string[] = []
    let isOn = true
    const appending = (async () => {
      for (let i = 0; isOn; i++) {
        await producer.append(topic, [{ partition: i % 2, key: null, value: `${i}` }])
        acknowledged.push(`${i}`)
        await sleep(5)
      }
    })()
    return async () => {
      isOn = false
      await appending
      return acknowledged
    }
  }

  /** Produces and consumes through the proxy while something happens, and compares: nothing lost, doubled or out of order. */
  async function during(happening: (client: Kafka, group: Collected) => Promise<void>): Promise<Collected> {
    const topic = kafka.name('faults')
    const direct = kafka.open()
    const admin = direct.admin()
    await admin.createTopic({ topic, partitions: 2 })
    const client = kafka.open(kafka.broker().proxied)
    const producer = client.producer()
    const group = collect(client, { topics: [topic], group: topic })
    await until(() => group.consumer.progress().length === 2, 'it reads')
    const stop = keepAppending(producer, topic)
    await until(() => group.records.length > 20, 'records come')
    await happening(client, group)
    const before = group.records.length
    await until(() => group.records.length > before + 20, 'records come again', 30_000)
    const acknowledged = await stop()
    await until(() => group.records.length >= acknowledged.length, 'all are read')
    await group.consumer.stop()
    await Promise.all([producer.close(), admin.close()])
    for (const partition of [0, 1]) {
      const read = group.records.filter((record) => record.partition === partition).map(({ value }) => String(value))
      expect(read).toEqual(acknowledged.filter((value) => Number(value) % 2 === partition))
    }
    return group
  }

  it('goes on after the broker was stopped and started again, and asks for it no more than once a second', async () => {
    const group = await during(async () => {
      const broker = kafka.broker()
      await broker.kill('SIGTERM')
      const from = broker.proxy.connectedAt.length
      await sleep(3500)
      const begun = broker.proxy.connectedAt.slice(from)
      expect(begun.length).toBeGreaterThan(0)
      expect(begun.length).toBeLessThanOrEqual(CONNECTIONS * Math.ceil(3500 / RECONNECT_MS_MIN))
      await broker.start()
    })
    // The group's coordinator remembers its members: nothing moved.
    expect(group.moves.filter(({ kind }) => kind === 'assigned')).toHaveLength(2)
  })

  it('goes on after the broker was killed', async () => {
    await during(async () => {
      await kafka.broker().kill('SIGKILL')
      await kafka.broker().start()
    })
  })

  it('goes on after its connections were reset, again and again, and after refusals', async () => {
    const { proxy } = kafka.broker()
    const group = await during(async () => {
      for (let i = 0; i < 3; i++) {
        proxy.resetAll()
        await sleep(400)
      }
      proxy.setMode({ kind: 'refuse' })
      proxy.resetAll()
      await sleep(2000)
      proxy.setMode({ kind: 'pass' })
    })
    expect(group.moves.filter(({ kind }) => kind === 'revoked')).toHaveLength(2)
  })

  it('goes on with a network that is slow, and loses no partition for it', async () => {
    const { proxy } = kafka.broker()
    const group = await during(async (_, group) => {
      proxy.setMode({ kind: 'delay', ms: 2000 })
      const before = group.records.length
      await until(() => group.records.length > before, 'records come, slowly', 30_000)
      await sleep(4000)
      expect(group.batches.at(-1)!.generation.isCurrent()).toBe(true)
      proxy.setMode({ kind: 'pass' })
    })
    expect(group.moves.filter(({ kind }) => kind === 'assigned')).toHaveLength(2)
  })

  it('fences itself when nothing comes through any more, before others get its partitions', async () => {
    const topic = kafka.name('stalled')
    const direct = kafka.open()
    const admin = direct.admin()
    await admin.createTopic({ topic, partitions: 1 })
    const stalled = collect(kafka.open(kafka.broker().proxied), {
      topics: [topic],
      group: topic,
      sessionTimeoutMs: 2000,
    })
    const producer = direct.producer()
    await producer.append(topic, [{ partition: 0, key: null, value: 'x' }])
    await until(() => stalled.records.length === 1, 'it reads')
    const { generation } = stalled.batches[0]!
    expect(generation.isCurrent()).toBe(true)
    const mode: ProxyMode = { kind: 'stall' }
    kafka.broker().proxy.setMode(mode)
    const other = collect(direct, { topics: [topic], group: topic, sessionTimeoutMs: 2000 })
    let wasBoth = false
    await until(() => {
      wasBoth ||= generation.isCurrent() && other.batches.length > 0
      return other.records.length === 1
    }, 'the other one reads')
    expect([wasBoth, generation.isCurrent()]).toEqual([false, false])
    kafka.broker().proxy.setMode({ kind: 'pass' })
    await until(() => generation.lost.aborted, 'it hears of it')
    await until(() => stalled.owned().length + other.owned().length === 1, 'one has the partition')
    await Promise.all([stalled.consumer.stop(), other.consumer.stop(), producer.close(), admin.close()])
  })

  it('gives up by name what hangs, and tries it again', async () => {
    const { proxied, proxy } = kafka.broker()
    const hung: unknown[] = []
    const options = { clientId: 'hangs', requestTimeoutMs: 60_000, tryTimeoutMs: 1500 }
    const admin = openKafka({
      ...options,
      brokers: [proxied],
      logger: (_, message, fields) => hung.push([message, fields]),
    }).admin()
    expect(await admin.identity('nothing')).toBeUndefined()
    proxy.setMode({ kind: 'stall' })
    const asked = admin.committed('nobody', 'nothing')
    await until(() => hung.length > 0, 'it says so')
    proxy.setMode({ kind: 'pass' })
    await expect(asked).rejects.toThrow('there is no topic nothing')
    const error = 'what was tried (topic) has not come to an end for 1500 ms'
    expect(hung[0]).toEqual(['Kafka is tried again', { what: 'topic', error, type: 'KafkaTryHangs' }])
    await admin.close()
  })

  it('spaces the connections to one address that failed before', async () => {
    const { proxy } = kafka.broker()
    const admin = kafka.open(kafka.broker().proxied).admin()
    proxy.setMode({ kind: 'refuse' })
    const from = proxy.connectedAt.length
    const asked = admin.identity('nothing')
    await sleep(4200)
    const begun = proxy.connectedAt.slice(from)
    proxy.setMode({ kind: 'pass' })
    expect(await asked).toBeUndefined()
    const gaps = begun.slice(1).map((at, i) => at - begun[i]!)
    expect(begun.length).toBeGreaterThan(2)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(RECONNECT_MS_MIN - TOLERANCE_MS)
    await admin.close()
  })
})
