import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClusterConfig, parseClusterConfig } from '../../../pipelines/cluster/cluster-config.ts'
import { testKafka } from '../../../pipelines/config.ts'
import { openKafka } from '../../../pipelines/kafka/open.ts'
import type { Admin, Kafka, NewRecord, Producer } from '../../../pipelines/kafka/port.ts'
import type { Database, Sql } from '../../../sql/client.ts'
import { openServer } from '../../../sql/server.ts'
import { type Gateway, startGateway } from '../../gateway/start.ts'
import { startBroker } from '../../kafka/broker.ts'
import { startCli } from '../child.ts'

/** Ticks of the kernel's clock a second, by which Linux counts processor time. */
const TICKS_PER_S = 100
const POLL_MS = 50
const WAIT_MS_MAX = 600_000
const PRODUCED_AT_ONCE = 2000
export const PARTITIONS = 4
export const INPUT_PARTITIONS = 4
export const TENANT = 'default'

/** Processor time in seconds that a process has used so far, all its threads. */
export function cpuOf_s(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name before may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S
}

/** A ClickHouse by URL, empty, in a process of its own. */
export type Store = {
  readonly gateway: Gateway
  readonly database: Database
  readonly sql: Sql
  close(): Promise<void>
}

export async function startStore(directory: string): Promise<Store> {
  const gateway = await startGateway(directory)
  const database = openServer({ url: gateway.url, user: 'default', password: gateway.password })
  return {
    gateway,
    database,
    sql: database.session(),
    async close() {
      await database.close()
      await gateway.close()
    },
  }
}

/** Kafka on this machine, or the brokers that the environment names, and a client. */
export type Bed = {
  readonly brokers: readonly string[]
  /** Processor time in seconds of the broker that was started here; 0 where it is elsewhere. */
  readonly brokerCpu_s: () => number
  readonly kafka: Kafka
  readonly producer: Producer
  readonly admin: Admin
  close(): Promise<void>
}

export async function startBed(): Promise<Bed> {
  const given = testKafka().brokers
  const broker = given.length > 0 ? undefined : await startBroker(testKafka().cache)
  const brokers = broker === undefined ? given : [broker.address]
  const kafka = openKafka({ brokers, clientId: 'bench', logger: () => undefined })
  const producer = kafka.producer()
  const admin = kafka.admin()
  return {
    brokers,
    brokerCpu_s: () => (broker === undefined ? 0 : cpuOf_s(broker.pid() as number)),
    kafka,
    producer,
    admin,
    async close() {
      await producer.close()
      await admin.close()
      await broker?.close()
    },
  }
}

/** Configuration of a cluster with one input topic, and its file for the processes that are started. */
export function clusterConfig(
  folder: string,
  { brokers }: Bed,
  { gateway }: Store,
  prefix: string,
): { readonly config: ClusterConfig; readonly file: string } {
  const value = {
    kafka: { brokers, prefix, session_timeout_ms: 10_000 },
    clickhouse: { url: gateway.url },
    inputs: [{ topic: `${prefix}-in`, tenant: TENANT }],
    partitions: PARTITIONS,
    checkpoints: join(folder, 'checkpoints'),
  }
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'cluster.json')
  writeFileSync(file, JSON.stringify(value))
  const read = parseClusterConfig(value, file)
  if (!read.ok) throw new Error(read.detail)
  return { config: read.config, file }
}

/** A process of the cluster. */
export type Member = {
  readonly child: ChildProcess
  readonly pid: number
  /** What it has said on standard error. */
  said(): string
  stop(): Promise<void>
}

export function startMember(file: string, roles: string, { gateway }: Store, more: readonly string[] = []): Member {
  const args = ['run', '--role', roles, '--config', file, ...more]
  const child = startCli(args, { FORESHOCK_CLICKHOUSE_PASSWORD: gateway.password })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const exit = once(child, 'exit')
  return {
    child,
    pid: child.pid as number,
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      const [code] = (await exit) as [number | null]
      if (code !== 0) throw new Error(`the ${roles} process ended with ${code}: ${said}`)
    },
  }
}

/** Appends records in their order, several calls at a time. */
export async function produceAll(producer: Producer, topic: string, records: readonly NewRecord[]): Promise<void> {
  const calls: Promise<unknown>[] = []
  for (let from = 0; from < records.length; from += PRODUCED_AT_ONCE) {
    calls.push(producer.append(topic, records.slice(from, from + PRODUCED_AT_ONCE)))
  }
  await Promise.all(calls)
}

/** Records of a group's topic that are done, all partitions together. */
export async function committedOf({ admin }: Bed, group: string, topic: string): Promise<number> {
  const offsets = await admin.committed(group, topic)
  return offsets.reduce<number>((sum, offset) => sum + (offset ?? 0), 0)
}

export async function untilTrue(
  holds: () => Promise<boolean>,
  what: string,
  members: readonly Member[],
): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX
  while (!(await holds())) {
    const gone = members.find(({ child }) => child.exitCode !== null)
    if (gone !== undefined) throw new Error(`a process ended while waiting until ${what}: ${gone.said()}`)
    if (performance.now() > end) throw new Error(`not within ${WAIT_MS_MAX / 1000} s: ${what}`)
    await sleep(POLL_MS)
  }
}
