import { join } from 'node:path'
import { expect, it } from 'vitest'
import { type ClusterProcess, type RoleName, startCluster } from '../../../pipelines/cluster/cluster.ts'
import type { ClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { parseClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { openServer } from '../../../sql/server.ts'
import { startGateway } from '../../gateway/start.ts'
import { describeKafka, until } from '../../kafka/support.ts'
import { historyLines } from '../run/history.ts'
import { temporaryFolder } from '../sources/helpers.ts'

const folder = temporaryFolder()
const PARTITIONS = 4

await describeKafka('a cluster', { own: false }, (kafka) => {
  it('takes events from a topic into the tables, closes the days, and goes on after a stop', async () => {
    const client = kafka.open()
    const lines = historyLines({ borrowers: 20, days: 40, seed: 3 })
    const topic = `in-${Date.now()}`
    const admin = client.admin()
    await admin.createTopic({ topic, partitions: 2 })
    const producer = client.producer()
    const produce = (some: readonly string[]) =>
      producer.append(
        topic,
        some.map((line, i) => ({ partition: i % 2, key: null, value: line })),
      )
    const gateway = await startGateway(join(folder, 'data'))
    const config = configOf(kafka.brokers(), topic, gateway.url)
    const secrets = { clickhousePassword: gateway.password }
    const start = (roles: readonly RoleName[]): Promise<ClusterProcess> =>
      startCluster({
        config,
        secrets,
        roles,
        logger: () => undefined,
        flushAfterMs: 100,
      })
    const one = await start(['intake', 'worker'])
    await produce(lines.slice(0, 500))
    const database = openServer({ url: gateway.url, user: 'default', password: gateway.password })
    const sql = database.session()
    const countOf = async (query: string) => (await sql.query<{ n: number }>(query))[0]?.n ?? 0
    await until(
      async () => (await countOf("SELECT count() AS n FROM events WHERE source_partition LIKE 'kafka/%'")) > 400,
      'events are stored',
      30_000,
    )
    console.log(await sql.query('SELECT type, count() AS n FROM events GROUP BY type'))
    console.log(one.intake, one.workers?.workers.size)
    await one.stop()
    const two = await start(['intake', 'worker'])
    await produce(lines.slice(500))
    await until(
      async () => (await countOf("SELECT count() AS n FROM events WHERE type = 'day.closed'")) > 100,
      'days are closed',
      60_000,
    )
    await new Promise((resolve) => setTimeout(resolve, 3000))
    console.log(await sql.query('SELECT type, count() AS n FROM events GROUP BY type'))
    console.log(
      await sql.query('SELECT count() AS n FROM warnings'),
      await sql.query('SELECT reason, count() AS n FROM dead_letters GROUP BY reason'),
    )
    await two.stop()
    await sql.close()
    await database.close()
    await gateway.close()
    await producer.close()
    await admin.close()
    expect(1).toBe(1)
  }, 120_000)
})

function configOf(brokers: readonly string[], topic: string, url: string): ClusterConfig {
  const read = parseClusterConfig(
    {
      kafka: { brokers, prefix: `fs-${topic}`, session_timeout_ms: 6000 },
      clickhouse: { url },
      inputs: [{ topic, tenant: 'acme' }],
      partitions: PARTITIONS,
      checkpoints: join(folder, 'checkpoints'),
    },
    'test',
  )
  if (!read.ok) throw new Error(read.detail)
  return read.config
}
