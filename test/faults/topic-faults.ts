import type { Admin } from 'kafkajs'
import { pause, type Running, until } from './process.ts'
import { Cluster, type Rig, type Tables } from './rig.ts'

const REFUSAL_MS_MAX = 30_000
const SAID_CHARACTERS = 600

/**
 * A topic that is made again, has further partitions, or does not hold what would be read next any more ends intake or a worker
 * with one line that says what to do.
 */
export async function runTopicFaults(rig: Rig, lines: readonly string[]): Promise<string[]> {
  const cluster = new Cluster(rig, { slices: 1 })
  const admin = cluster.kafka.admin()
  try {
    await cluster.createTopic()
    await admin.connect()
    const tables = await cluster.tables('topics')
    return [
      ...(await morePartitions(cluster, admin, tables, lines)),
      ...(await madeAgain(cluster, admin, tables, lines)),
      ...(await cutOff(cluster, admin, tables, lines)),
      ...(await refusal(cluster.startCommand('worker', otherShape(cluster, tables)), 'has 4 partitions and 1 slices')),
    ]
  } finally {
    await admin.disconnect()
    await cluster.endAll()
  }
}

async function morePartitions(
  cluster: Cluster,
  admin: Admin,
  tables: Tables,
  lines: readonly string[],
): Promise<string[]> {
  const intake = cluster.startCommand('intake', tables)
  await cluster.send(lines)
  await intake.said(/running as/)
  await cluster.logIsWhole().catch((error: Error) => Promise.reject(new Error(`${error.message}: ${intake.stderr}`)))
  await admin.createPartitions({ topicPartitions: [{ topic: cluster.topic, count: 3 }] })
  return refusal(intake, 'had 2 partitions and has 3; start once with --accept-topic')
}

async function madeAgain(cluster: Cluster, admin: Admin, tables: Tables, lines: readonly string[]): Promise<string[]> {
  await admin.deleteTopics({ topics: [cluster.topic] })
  await until(async () => !(await admin.listTopics()).includes(cluster.topic), 'the topic is gone')
  const missing = refusal(cluster.startCommand('intake', tables), 'does not exist')
  const said = [...(await missing)]
  await cluster.createTopic()
  said.push(...(await refusal(cluster.startCommand('intake', tables), 'made again')))
  const accepting = cluster.startCommand('intake', tables, '--accept-topic', cluster.topic)
  await cluster.send(lines)
  await cluster.logIsWhole().catch((error: Error) => said.push(`${error.message}: ${accepting.stderr}`))
  if (accepting.ended !== undefined)
    said.push(`an accepted topic is refused: ${accepting.stderr.slice(-SAID_CHARACTERS)}`)
  return [...said, ...(await cluster.stopAll())]
}

/** Retention has taken what nobody had read yet, of an input topic and of the log. */
async function cutOff(cluster: Cluster, admin: Admin, tables: Tables, lines: readonly string[]): Promise<string[]> {
  await cluster.send(lines)
  await cutAtEnd(admin, cluster.topic)
  const said = await refusal(cluster.startCommand('intake', tables), 'is not there')
  await cutAtEnd(admin, cluster.logTopic)
  return [...said, ...(await refusal(cluster.startCommand('worker', tables), 'is not there'))]
}

async function cutAtEnd(admin: Admin, topic: string): Promise<void> {
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({
    topic,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  })
}

/** The same cluster, said to have a partition more than its log. */
function otherShape(cluster: Cluster, { clickhouse, folder }: Tables): Tables {
  return cluster.tablesIn(clickhouse, folder, cluster.partitions + 1)
}

/** It must end with 1 and one line, the last, that says what is the matter. */
async function refusal(running: Running, what: string): Promise<string[]> {
  const end = await Promise.race([running.exit, pause(REFUSAL_MS_MAX).then(() => undefined)])
  if (end === undefined)
    return [`it still runs, where it must say that ${what}: ${running.stderr.slice(-SAID_CHARACTERS)}`]
  const last = running.stderr.trimEnd().split('\n').at(-1) ?? ''
  return end.code === 1 && last.includes(what) ? [] : [`it ended with ${end.code} and ${last}, not with 1 and ${what}`]
}
