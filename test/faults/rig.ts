import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Admin, Kafka } from 'kafkajs'
import type { Gateway } from '../gateway/start.ts'
import type { TestBroker } from '../kafka/broker.ts'

import { ClickHouse } from './clickhouse.ts'
import { pause, type Running, startChild, startCommand, until } from './process.ts'
import { openLibrary } from './verifier/library.ts'
import { checkLogAgainstInput } from './verifier/log.ts'
import { checkDeadLetters, checkTablesAgainstLog, compareDumps, type Dump, dumpTables } from './verifier/tables.ts'
import { readTopic, type TopicRecord, topicEnds } from './verifier/topic.ts'

const TENANT = 'acme'
const SOURCE_PARTITIONS = 2
const LINES_PER_SEND = 500
/** Broker and ClickHouse have better to do than to answer those who wait. */
const ASK_AGAIN_MS = 250
const WAIT_MS_MAX = 120_000
const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 24 * MS_PER_HOUR
/** The tenant has the default zone, Asia/Shanghai, and the default delay of ticks. */
const ZONE_MS = 8 * MS_PER_HOUR
const TICK_DELAY_MS = 6 * MS_PER_HOUR

/** So much of what a process said last is told when it comes to nothing. */
const SAID_CHARACTERS = 1500
const SAID_PROCESSES = 8

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
  /** Everything that was started. */
  readonly #started: { readonly running: Running; readonly tables: Tables }[] = []
  /** The log, where nothing is appended to it any more. */
  #whole: readonly TopicRecord[] | undefined

  constructor(rig: Rig, { partitions = 4, slices = 2, address }: ClusterOptions = {}) {
    this.rig = rig
    this.name = `c${names++}`
    this.topic = `${this.name}-${process.pid}-in`
    this.partitions = partitions
    this.#slices = slices
    this.#address = address ?? rig.address
    this.kafka = openLibrary(rig.address)
  }

  get logTopic(): string {
    return `${this.topic}.log`
  }

  async createTopic(): Promise<void> {
    const admin = this.kafka.admin()
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic: this.topic, numPartitions: SOURCE_PARTITIONS }],
      waitForLeaders: false,
    })
    // The broker may not know yet what the controller does.
    const isThere = async () => {
      const found = await admin.fetchTopicMetadata({ topics: [this.topic] }).catch(() => undefined)
      return found?.topics[0]?.partitions.every(({ leader }) => leader >= 0) === true
    }
    await until(isThere, `the topic ${this.topic} is made`)
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

  /** Tables of its own, with workers that are a group of their own. */
  async tables(name: string, gateway = this.rig.gateway): Promise<Tables> {
    const folder = join(this.rig.folder, `${this.name}-${name}`)
    mkdirSync(folder, { recursive: true })
    const clickhouse = new ClickHouse(gateway.url, `${this.name}_${name}`)
    await clickhouse.create()
    return this.tablesIn(clickhouse, folder)
  }

  tablesIn(clickhouse: ClickHouse, folder: string, partitions = this.partitions): Tables {
    const group = `${this.topic}-${clickhouse.database}`
    const config = join(folder, 'cluster.json')
    const text = JSON.stringify({
      kafka: { brokers: [this.#address], prefix: this.topic, worker_group: group, session_timeout_ms: 6000 },
      clickhouse: { url: clickhouse.url, database: clickhouse.database },
      inputs: [{ topic: this.topic, tenant: TENANT }],
      partitions,
      slices: this.#slices,
      checkpoints: join(folder, 'checkpoints'),
    })
    writeFileSync(config, text)
    return { clickhouse, config, group, checkpoints: join(folder, 'checkpoints'), folder }
  }

  /** Starts a process of this cluster that works on these tables. */
  start(role: string, tables: Tables, ...options: string[]): Running {
    const session = ['--session-ms', String(this.rig.sessionMs)]
    return this.#keep(startChild(['--config', tables.config, '--role', role, ...session, ...options]), tables)
  }

  /** The same as operators start it. */
  startCommand(role: string, tables: Tables, ...options: string[]): Running {
    return this.#keep(
      startCommand(['run', '--port', '0', '--config', tables.config, '--role', role, ...options]),
      tables,
    )
  }

  #keep(running: Running, tables: Tables): Running {
    this.#started.push({ running, tables })
    return running
  }

  #running(tables?: Tables): Running[] {
    return this.#started.flatMap((one) =>
      one.running.ended === undefined && (tables === undefined || one.tables === tables) ? [one.running] : [],
    )
  }

  /** Ends all processes at once, or those that work on these tables. */
  async endAll(tables?: Tables): Promise<void> {
    await Promise.all(this.#running(tables).map((running) => running.end()))
  }

  /** Ends all processes as operators do, and says which did not end as they must. */
  async stopAll(): Promise<string[]> {
    const running = this.#running()
    const exits = await Promise.all(running.map((one) => one.stop()))
    return exits.flatMap(({ code, signal }, i) =>
      code === 0 ? [] : [`a process ended with ${code ?? signal}: ${running[i]?.stderr.slice(-SAID_CHARACTERS)}`],
    )
  }

  /** Offset after the last record of each partition of the log. */
  async logEnds(): Promise<number[]> {
    if (this.#whole === undefined) return topicEnds(this.kafka, this.logTopic)
    return Array.from({ length: this.partitions }, (_, partition) => {
      const last = this.#whole?.findLast((record) => record.partition === partition)
      return (last?.offset ?? -1) + 1
    })
  }

  async logRecords(): Promise<number> {
    return (await this.logEnds()).reduce((sum, end) => sum + end, 0)
  }

  log(): Promise<TopicRecord[]> {
    return readTopic(this.kafka, this.logTopic)
  }

  /** Waits until intake has taken all input. */
  async logIsRead(msMax = WAIT_MS_MAX): Promise<void> {
    const input = await topicEnds(this.kafka, this.topic)
    const admin = this.kafka.admin()
    await admin.connect()
    const isRead = async () => {
      const read = await committedOffsets(admin, `${this.topic}-intake`, this.topic)
      return input.every((end, partition) => (read.get(partition) ?? 0) >= end)
    }
    try {
      await until(isRead, 'intake has read its input', msMax, ASK_AGAIN_MS)
    } finally {
      await admin.disconnect()
    }
  }

  /** Waits until intake has taken all input, and all days that are over are closed in the log. */
  async logIsWhole(msMax = WAIT_MS_MAX): Promise<void> {
    await this.logIsRead(msMax)
    await until(async () => this.#isClosed(await this.log()), 'all days are closed', msMax, ASK_AGAIN_MS)
  }

  /** Whether each partition holds the last slice of the last day that is over. */
  #isClosed(log: readonly TopicRecord[]): boolean {
    const day = Math.floor((Date.now() + ZONE_MS - TICK_DELAY_MS) / MS_PER_DAY) - 1
    const date = new Date(day * MS_PER_DAY).toISOString().slice(0, 10)
    const id = `"day.closed/${date}/${this.#slices - 1}"`
    return new Set(log.filter(({ value }) => value?.includes(id)).map((one) => one.partition)).size === this.partitions
  }

  /** Waits until the tables hold all of the log. */
  tablesReach(tables: Tables, msMax = WAIT_MS_MAX): Promise<void> {
    return this.tablesHold(tables, 1, msMax)
  }

  /** Waits until the tables hold a share of the log, of all its partitions together. */
  async tablesHold({ clickhouse, group }: Tables, share: number, msMax = WAIT_MS_MAX): Promise<void> {
    const ends = await this.logEnds()
    const all = await this.logRecords()
    let held = 0
    await until(
      async () => {
        const places = await placesOf(clickhouse)
        held = ends.reduce((sum, _, partition) => sum + (places.get(partition) ?? -1) + 1, 0)
        return held >= all * share
      },
      `the tables hold ${share} of the log`,
      msMax,
      ASK_AGAIN_MS,
    ).catch((error: Error) => {
      const ours = this.#started
        .filter((one) => one.tables.group === group)
        .slice(-SAID_PROCESSES)
        .map(({ running: { ended, stderr } }) => `${JSON.stringify(ended)} ${stderr.slice(-SAID_CHARACTERS)}`)
      const what = `${error.message}; ${group} holds ${held} of ${all}`
      throw new Error(`${what}, the last processes said:\n${ours.join('\n\n')}`, { cause: error })
    })
  }

  /** Share of the log that the tables hold now. */
  async shareIn({ clickhouse }: Tables): Promise<number> {
    const ends = await this.logEnds()
    const places = await placesOf(clickhouse)
    const held = ends.reduce((sum, _, partition) => sum + (places.get(partition) ?? -1) + 1, 0)
    return held / (await this.logRecords())
  }

  /** A log with this input, made without a fault. */
  async fill(lines: readonly string[]): Promise<void> {
    await this.createTopic()
    await this.send(lines)
    const intake = this.start('intake', await this.tables('fill'))
    await this.logIsWhole()
    await intake.stop()
    this.#whole = await this.log()
  }

  /** What a worker without a fault makes of the log, in tables of their own. */
  async replay(name = 'replay'): Promise<Dump> {
    const tables = await this.tables(name)
    const worker = this.start('worker', tables)
    try {
      await this.tablesReach(tables)
    } finally {
      await worker.stop()
    }
    return dumpTables(tables.clickhouse)
  }

  /** What is wrong with tables: against the log, and against a replay of it. */
  async verifyTables({ clickhouse }: Tables, replay: Dump): Promise<string[]> {
    const against = await checkTablesAgainstLog(clickhouse, this.#whole ?? (await this.log()))
    return [...against, ...compareDumps(await dumpTables(clickhouse), replay)]
  }

  /** What is wrong with the log, and with what was put aside: against the input. */
  async verifyLog({ clickhouse }: Tables): Promise<string[]> {
    const [input, log, dead] = await Promise.all([
      readTopic(this.kafka, this.topic),
      this.log(),
      readTopic(this.kafka, `${this.topic}.dead`),
    ])
    return [...checkLogAgainstInput(this.topic, input, log, dead), ...(await checkDeadLetters(clickhouse, dead))]
  }

  /** Waits until the table of dead letters has a row for each record that was put aside. */
  async deadLettersReach({ clickhouse }: Tables): Promise<void> {
    const dead = await readTopic(this.kafka, `${this.topic}.dead`)
    const isThere = async () => (await checkDeadLetters(clickhouse, dead)).length === 0
    await until(isThere, 'the table has all dead letters').catch(() => {
      // The verifier says what is missing.
    })
  }
}

/** A database, and the folder of the processes that work on it. */
export type Tables = {
  readonly clickhouse: ClickHouse
  readonly config: string
  /** The workers' consumer group. */
  readonly group: string
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
