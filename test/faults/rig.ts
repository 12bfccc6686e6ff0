import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import type { Gateway } from '../gateway/start.ts'
import type { TestBroker } from '../kafka/broker.ts'
import { ClickHouse } from './clickhouse.ts'
import { pause, type Running, startChild, startCommand, until } from './process.ts'
import { checkLogAgainstInput } from './verifier/log.ts'
import { checkTablesAgainstLog, compareDumps, type Dump, dumpTables } from './verifier/tables.ts'
import { readTopic, type TopicRecord, topicEnds } from './verifier/topic.ts'

const TENANT = 'acme'
const SOURCE_PARTITIONS = 2
const LINES_PER_SEND = 500
/** A log that has not grown for so long has all its ticks. */
const QUIET_MS = 2000

/** So much of what a process said last is told when it comes to nothing. */
const SAID_CHARACTERS = 1500

/** What all faults of a run share: one broker and one ClickHouse. */
export type Rig = {
  /** `host:port` of the broker. */
  readonly address: string
  readonly gateway: Gateway
  readonly folder: string
  readonly seed: number
  /** Session timeout of the members of groups. */
  readonly sessionMs: number
}

/** The same with a broker of its own, that may be ended. */
export type BrokerRig = Rig & { readonly broker: TestBroker }

export type ClusterOptions = {
  readonly partitions?: number
  readonly slices?: number
  /** Where its processes find Kafka; the broker itself where left out. */
  readonly address?: string
}

let names = 0

/** An input topic and the log that is made of it. */
export class Cluster {
  readonly rig: Rig
  readonly name: string
  readonly topic: string
  readonly kafka: Kafka
  readonly partitions: number
  readonly #slices: number
  readonly #address: string
  /** Everything that was started and may have to be ended. */
  readonly #running = new Set<Running>()

  constructor(rig: Rig, { partitions = 4, slices = 2, address }: ClusterOptions = {}) {
    this.rig = rig
    this.name = `c${names++}`
    this.topic = `${this.name}-${process.pid}-in`
    this.partitions = partitions
    this.#slices = slices
    this.#address = address ?? rig.address
    this.kafka = new Kafka({ brokers: [rig.address], logLevel: logLevel.NOTHING, retry: { retries: 20 } })
  }

  get logTopic(): string {
    return `${this.topic}.log`
  }

  async createTopic(): Promise<void> {
    const admin = this.kafka.admin()
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic: this.topic, numPartitions: SOURCE_PARTITIONS }],
      waitForLeaders: true,
    })
    await admin.disconnect()
  }

  /** Sends lines to the input topic, each with a header and a key of its own. */
  async send(lines: readonly string[], from = 0): Promise<void> {
    const producer = this.kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    for (let at = 0; at < lines.length; at += LINES_PER_SEND) {
      const messages = lines.slice(at, at + LINES_PER_SEND).map((value, i) => ({
        partition: (from + at + i) % SOURCE_PARTITIONS,
        key: `key-${from + at + i}`,
        value,
        headers: { line: String(from + at + i) },
      }))
      await producer.send({ topic: this.topic, messages })
    }
    await producer.disconnect()
  }

  /** Tables of its own. */
  async tables(name: string): Promise<Tables> {
    const folder = join(this.rig.folder, `${this.name}-${name}`)
    mkdirSync(folder, { recursive: true })
    const clickhouse = new ClickHouse(this.rig.gateway.url, `${this.name}_${name}`)
    await clickhouse.create()
    return this.tablesIn(clickhouse, folder)
  }

  tablesIn(clickhouse: ClickHouse, folder: string, partitions = this.partitions): Tables {
    const config = join(folder, 'cluster.json')
    const text = JSON.stringify({
      kafka: { brokers: [this.#address], prefix: this.topic, session_timeout_ms: 6000 },
      clickhouse: { url: this.rig.gateway.url, database: clickhouse.database },
      inputs: [{ topic: this.topic, tenant: TENANT }],
      partitions,
      slices: this.#slices,
      checkpoints: join(folder, 'checkpoints'),
    })
    writeFileSync(config, text)
    return { clickhouse, config, checkpoints: join(folder, 'checkpoints'), folder }
  }

  /** Starts a process of this cluster that works on these tables. */
  start(role: string, tables: Tables, ...options: string[]): Running {
    const session = ['--session-ms', String(this.rig.sessionMs)]
    return this.#keep(startChild(['--config', tables.config, '--role', role, ...session, ...options]))
  }

  /** The same as operators start it. */
  startCommand(role: string, tables: Tables, ...options: string[]): Running {
    return this.#keep(startCommand(['run', '--config', tables.config, '--role', role, ...options]))
  }

  #keep(running: Running): Running {
    this.#running.add(running)
    void running.exit.then(() => this.#running.delete(running))
    return running
  }

  /** Ends all processes at once. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.end()))
  }

  log(): Promise<TopicRecord[]> {
    return readTopic(this.kafka, this.logTopic)
  }

  /** Waits until intake has taken all input, and all days that are over are closed in the log. */
  async logIsWhole(msMax = 120_000): Promise<void> {
    const input = await topicEnds(this.kafka, this.topic)
    const admin = this.kafka.admin()
    await admin.connect()
    try {
      await until(
        async () => {
          const read = await committedOffsets(admin, `${this.topic}-intake`, this.topic)
          return input.every((end, partition) => (read.get(partition) ?? 0) >= end)
        },
        'intake has read its input',
        msMax,
      )
    } finally {
      await admin.disconnect()
    }
    let ends = ''
    let since = performance.now()
    await until(
      async () => {
        const now = JSON.stringify(await topicEnds(this.kafka, this.logTopic))
        if (now !== ends) since = performance.now()
        ends = now
        return performance.now() - since > QUIET_MS
      },
      'all days are closed',
      msMax,
    )
  }

  /** Waits until the tables hold all of the log. */
  async tablesReach({ clickhouse }: Tables, msMax = 120_000): Promise<void> {
    const ends = await topicEnds(this.kafka, this.logTopic)
    await until(
      async () => {
        const places = await placesOf(clickhouse)
        return ends.every((end, partition) => (places.get(partition) ?? -1) >= end - 1)
      },
      'the tables hold all of the log',
      msMax,
    ).catch((error: Error) => {
      const said = [...this.#running].map(({ stderr }) => stderr.slice(-SAID_CHARACTERS))
      throw new Error(`${error.message}; its processes said:\n${said.join('\n\n')}`, { cause: error })
    })
  }

  /** A log with this input, made without a fault. */
  async fill(lines: readonly string[]): Promise<void> {
    await this.createTopic()
    await this.send(lines)
    const intake = this.start('intake', await this.tables('fill'))
    await this.logIsWhole()
    intake.kill('SIGTERM')
    await intake.exit
  }

  /** What a worker without a fault makes of the log, in tables of their own. */
  async replay(name = 'replay'): Promise<Dump> {
    const tables = await this.tables(name)
    const worker = this.start('worker', tables)
    try {
      await this.tablesReach(tables)
    } finally {
      worker.kill('SIGTERM')
      await worker.exit
    }
    return dumpTables(tables.clickhouse)
  }

  /** What is wrong with tables: against the log, and against a replay of it. */
  async verifyTables({ clickhouse }: Tables, replay: Dump, log?: readonly TopicRecord[]): Promise<string[]> {
    const against = await checkTablesAgainstLog(clickhouse, log ?? (await this.log()))
    return [...against, ...compareDumps(await dumpTables(clickhouse), replay)]
  }

  /** What is wrong with the log: against the input. */
  async verifyLog(): Promise<string[]> {
    const [input, log, dead] = await Promise.all([
      readTopic(this.kafka, this.topic),
      this.log(),
      readTopic(this.kafka, `${this.topic}.dead`),
    ])
    return checkLogAgainstInput(this.topic, input, log, dead)
  }
}

/** A database, and the folder of the processes that work on it. */
export type Tables = {
  readonly clickhouse: ClickHouse
  readonly config: string
  readonly checkpoints: string
  readonly folder: string
}

/** Last offset of each partition that the tables vouch for; nothing where there are no tables yet or nobody answers. */
export async function placesOf(clickhouse: ClickHouse): Promise<Map<number, number>> {
  try {
    const rows = await clickhouse.rows<{ partition: number; offset: number }>('SELECT partition, offset FROM progress')
    return new Map(rows.map(({ partition, offset }) => [partition, offset]))
  } catch {
    await pause(100)
    return new Map()
  }
}

/** What a group has committed, by partition; nothing where its coordinator is not ready to say. */
async function committedOffsets(admin: Admin, groupId: string, topic: string): Promise<Map<number, number>> {
  try {
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  } catch (error) {
    if ((error as { retriable?: boolean }).retriable !== true) throw error
    return new Map()
  }
}
