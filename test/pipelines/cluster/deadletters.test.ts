import { join } from 'node:path'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect, it } from 'vitest'
import { startCluster, withCluster } from '../../../pipelines/cluster/cluster.ts'
import { parseClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { readOriginalRecord, redriveCluster } from '../../../pipelines/cluster/redrive.ts'
import { type DeadLetter, deadLettersStatement } from '../../../sql/queries/dead-letters.ts'
import { openServer } from '../../../sql/server.ts'
import { startGateway } from '../../gateway/start.ts'
import { describeKafka, until } from '../../kafka/support.ts'
import { avroEvent, EVENT_AVSC, framed } from '../../registry/records.ts'
import { startRegistry } from '../../registry/server.ts'
import { type RawEvent, transaction } from '../run/events.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const folder = temporaryFolder()
const UNDECODABLE = '{"id":"broken"'

await describeKafka('dead letters of a cluster', { own: false }, (kafka) => {
  it('are rows once, shown with what came, and sent again with the verdict of the workers', async () => {
    const client = kafka.open()
    const topic = `dead-${Date.now()}`
    const admin = client.admin()
    const avro = `${topic}-avro`
    await admin.createTopic({ topic, partitions: 1 })
    await admin.createTopic({ topic: avro, partitions: 1 })
    const registry = await startRegistry()
    const producer = client.producer()
    const produce = (...events: readonly (RawEvent | string)[]) =>
      producer.append(
        topic,
        events.map((one) => ({ partition: 0, key: null, value: typeof one === 'string' ? one : JSON.stringify(one) })),
      )
    const gateway = await startGateway(join(folder, 'data'))
    const read = parseClusterConfig(
      {
        kafka: { brokers: kafka.brokers(), prefix: `fs-${topic}`, session_timeout_ms: 6000 },
        clickhouse: { url: gateway.url },
        schema_registry: { url: registry.url },
        inputs: [
          { topic, tenant: 'acme' },
          { topic: avro, tenant: 'acme', format: 'avro' },
        ],
        partitions: 2,
        checkpoints: join(folder, 'checkpoints'),
      },
      'test',
    )
    if (!read.ok) throw new Error(read.detail)
    const common = { config: read.config, secrets: { clickhousePassword: gateway.password }, logger: () => {} }
    const start = () => startCluster({ ...common, roles: ['intake', 'worker'], flushAfterMs: 100 })
    let cluster = await start()
    const now = Date.now()
    const dollars = transaction('dollars', now, 'b', { currency: 'USD' })
    await produce(UNDECODABLE, transaction('twice', now, 'b'), transaction('twice', now, 'b', { amount_minor: 2 }))
    await produce(dollars)
    const database = openServer({ url: gateway.url, user: 'default', password: gateway.password })
    const sql = database.session()
    const letters = () => sql.query<DeadLetter>(deadLettersStatement({}, 100))
    const reasons = async () => (await letters()).map(({ reason }) => reason).sort((a, b) => (a < b ? -1 : 1))
    await until(async () => (await letters()).length === 3, 'three dead letters', 60_000)
    expect(await reasons()).toEqual(['conflict', 'currency_mismatch', 'not_json'])

    const redrive = (dryRun: boolean, ids?: string[]) =>
      withCluster(common, (parts) => redriveCluster(parts, { filter: { ids }, limit: 100, dryRun }))
    const preview = await redrive(true)
    expect(preview).toMatchObject({ dead_letters: 3, accepted: 1, refused: { conflict: 1, not_json: 1 } })
    const undecodable = (await letters()).find(({ reason }) => reason === 'not_json') as DeadLetter
    const original = await withCluster(common, (parts) => readOriginalRecord(parts, undecodable))
    expect(original?.toString()).toBe(UNDECODABLE)

    const sent = await redrive(false)
    expect(sent).toMatchObject({ dead_letters: 3, accepted: 0, sent: 0 })
    expect(sent.refused).toEqual({ conflict: 1, currency_mismatch: 1, not_json: 1 })
    expect(await reasons()).toEqual(['conflict', 'conflict', 'currency_mismatch', 'currency_mismatch', 'not_json'])

    // Mended by its source under the same id, before and after the workers' memory was read back from the tables.
    await cluster.stop()
    cluster = await start()
    await produce(transaction('dollars', now, 'b'), transaction('dollars', now, 'b'))
    const taken = "SELECT count() AS n FROM events WHERE id = 'dollars' AND JSONExtractString(data, 'currency') = 'CNY'"
    await until(async () => (await sql.query<{ n: number }>(taken))[0]?.n === 1, 'the mended event', 60_000)
    const refused = (await letters()).filter(({ reason }) => reason === 'currency_mismatch').map(({ id }) => id)
    expect(await redrive(true, refused)).toMatchObject({ refused: { conflict: 2 } })
    expect(await redrive(false, refused.slice(0, 1))).toMatchObject({ refused: { conflict: 1 } })
    expect(await sql.query<{ n: number }>(taken)).toEqual([{ n: 1 }])

    // By a schema registry that is away: its topic waits and is seen to lag, the other goes on, and nothing is refused for it.
    const before = await letters()
    const [known, unknown] = [1, 2]
    registry.schemas.set(known, { schema: EVENT_AVSC })
    const writer = new SchemaRegistry({ host: registry.url })
    const event = (id: string) => ({ ...transaction(id, now, 'b'), time: now })
    const recordOf = async (id: string, time = now) => writer.encode(known, avroEvent({ ...event(id), time }))
    const values = [await recordOf('avro-1'), await recordOf('avro-late', now + 1e10), Buffer.from('{}')]
    const unregistered = framed(unknown, (await recordOf('avro-2')).subarray(5))
    registry.mood = 'fails'
    await producer.append(
      avro,
      [...values, unregistered].map((value) => ({ partition: 0, key: null, value })),
    )
    await produce(transaction('json', now, 'b'))
    const has = async (id: string) =>
      (await sql.query<{ n: number }>(`SELECT count() AS n FROM events WHERE id = '${id}'`))[0]?.n === 1
    await until(() => has('json'), 'the event of the other topic', 60_000)
    await until(() => Promise.resolve(cluster.parts.schemas.outage !== undefined), 'the outage', 60_000)
    expect(cluster.reader?.lags()).toContainEqual({ source: `${avro}/0`, records: 4 })
    expect(await letters()).toEqual(before)
    registry.mood = 'well'
    await until(() => has('avro-1'), 'the event by a schema', 60_000)
    await until(async () => (await letters()).length === before.length + 3, 'three more dead letters', 60_000)
    const added = (await letters()).filter(({ id }) => !before.some((one) => one.id === id))
    expect(new Set(added.map(({ step, reason, event_id }) => `${step} ${reason} ${event_id}`))).toEqual(
      new Set(['decode unknown_schema ', 'decode wrong_magic_byte ', 'intake future avro-late']),
    )
    registry.schemas.set(unknown, { schema: EVENT_AVSC })
    const late = added.filter(({ reason }) => reason === 'unknown_schema').map(({ id }) => id)
    expect(await redrive(false, late)).toMatchObject({ dead_letters: 1, accepted: 1 })
    expect(await has('avro-2')).toBe(true)

    await cluster.stop()
    await sql.close()
    await database.close()
    await gateway.close()
    await registry.close()
    await producer.close()
    await admin.close()
  }, 240_000)
})
