import type { TestBroker } from '../kafka/broker.ts'
import { pause, type Running, until } from './process.ts'
import { createRandom } from './random.ts'
import { type BrokerRig, Cluster, type Rig, type Tables } from './rig.ts'

/**
 * Faults of intake and of the broker: afterwards the log must hold what the input does, and the tables equal a replay of that
 * log. Each has an input of its own.
 */
export type IntakeFault = {
  readonly name: string
  /** Whether its processes reach Kafka through the proxy. */
  readonly isProxied: boolean
  /** Sends the lines and does its mischief; `start` starts intake and a worker. */
  run(parts: FaultParts): Promise<string[]>
}

export type FaultParts = {
  readonly cluster: Cluster
  readonly broker: TestBroker
  readonly tables: Tables
  readonly lines: readonly string[]
  readonly random: () => number
}

const BROKER_AWAY_MS = 3000
const CONNECTS_PER_SECOND_MAX = 1

/** Runs a fault with a topic of its own and verifies log and tables. */
export async function runIntakeFault(fault: IntakeFault, rig: BrokerRig, lines: readonly string[]): Promise<string[]> {
  const cluster = new Cluster(rig, { slices: 1, ...(fault.isProxied ? { address: rig.broker.proxied } : {}) })
  try {
    await cluster.createTopic()
    const tables = await cluster.tables('faulty')
    const said = await fault.run({ cluster, broker: rig.broker, tables, lines, random: createRandom(rig.seed) })
    await cluster.logIsWhole()
    await cluster.tablesReach(tables)
    await cluster.endAll()
    rig.broker.proxy.setMode({ kind: 'pass' })
    const against = await cluster.verifyLog()
    return [...said, ...against, ...(await cluster.verifyTables(tables, await cluster.replay()))]
  } finally {
    rig.broker.proxy.setMode({ kind: 'pass' })
    await cluster.endAll()
  }
}

/** Intake dies between append and commit, again and again, and at random moments. */
export function killedIntake(kills: number): IntakeFault {
  return {
    name: `${kills} times kill -9 of intake between append and commit, then at random`,
    isProxied: false,
    async run({ cluster, tables, lines, random }) {
      const said: string[] = []
      cluster.start('worker', tables)
      const part = Math.ceil(lines.length / (kills + 1))
      for (let kill = 0; kill < kills; kill++) {
        const intake = cluster.start('intake', tables, '--die-at', 'appended#1')
        await cluster.send(lines.slice(kill * part, (kill + 1) * part), kill * part)
        const { signal } = await intake.exit
        if (signal !== 'SIGKILL') said.push(`intake did not die: ${intake.stderr.slice(-400)}`)
      }
      const intake = cluster.start('intake', tables)
      await cluster.send(lines.slice(kills * part), kills * part)
      await pause(random() * 1000)
      await intake.end()
      cluster.start('intake', tables)
      return said
    },
  }
}

function survivors(...running: readonly Running[]): string[] {
  return running.flatMap(({ ended, stderr }) =>
    ended === undefined ? [] : [`a process ended: ${JSON.stringify(ended)} ${stderr.slice(-600)}`],
  )
}

/** The broker ends in the midst of things, in order or at once, and comes back. */
export const stoppedBroker: IntakeFault = {
  name: 'the broker stops and starts, in order and at once',
  isProxied: false,
  async run({ cluster, broker, tables, lines }) {
    const half = lines.length >> 1
    const running = [cluster.start('intake', tables), cluster.start('worker', tables)]
    await cluster.send(lines.slice(0, half))
    await Promise.all(running.map((one) => one.said(/running/)))
    await broker.kill('SIGTERM')
    await pause(BROKER_AWAY_MS)
    await broker.start()
    await cluster.send(lines.slice(half), half)
    await broker.kill('SIGKILL')
    await pause(BROKER_AWAY_MS)
    await broker.start()
    await cluster.logIsWhole()
    return survivors(...running)
  },
}

/** Connections break, and answers come seconds late. */
export const badNetwork: IntakeFault = {
  name: 'connections to the broker reset, then 5 s of latency',
  isProxied: true,
  async run({ cluster, broker, tables, lines }) {
    const { proxy } = broker
    const half = lines.length >> 1
    const running = [cluster.start('intake', tables), cluster.start('worker', tables)]
    await Promise.all(running.map((one) => one.said(/running/)))
    await cluster.send(lines.slice(0, half))
    for (let reset = 0; reset < 3; reset++) {
      await pause(300)
      proxy.resetAll()
    }
    proxy.setMode({ kind: 'refuse' })
    const from = proxy.connectedAt.length
    await pause(BROKER_AWAY_MS)
    const tries = proxy.connectedAt.length - from
    proxy.setMode({ kind: 'delay', ms: 2500 })
    await cluster.send(lines.slice(half), half)
    await pause(BROKER_AWAY_MS * 3)
    proxy.setMode({ kind: 'pass' })
    const said = survivors(...running)
    // Each of a process's clients (groups, producer, admin, reader) connects by itself.
    const clients = running.length * CLIENTS_PER_PROCESS
    if (tries > clients * CONNECTS_PER_SECOND_MAX * (BROKER_AWAY_MS / 1000 + 1)) {
      said.push(`${tries} connections were tried in ${BROKER_AWAY_MS} ms`)
    }
    return said
  },
}
const CLIENTS_PER_PROCESS = 4

/** A topic that is made again, or that gets further partitions, ends intake with one line that says what to do. */
export async function runTopicFaults(rig: Rig, lines: readonly string[]): Promise<string[]> {
  const cluster = new Cluster(rig, { slices: 1 })
  const said: string[] = []
  try {
    await cluster.createTopic()
    const tables = await cluster.tables('topics')
    const intake = cluster.startCommand('intake', tables)
    await cluster.send(lines)
    await intake.said(/running as/)
    await cluster.logIsWhole()
    const admin = cluster.kafka.admin()
    await admin.connect()
    await admin.createPartitions({ topicPartitions: [{ topic: cluster.topic, count: 3 }] })
    said.push(...(await refusal(intake, 'has 3 partitions, it had 2')))
    said.push(...(await refusal(cluster.startCommand('intake', tables), 'has 3 partitions, it had 2')))
    await admin.deleteTopics({ topics: [cluster.topic] })
    await until(async () => !(await admin.listTopics()).includes(cluster.topic), 'the topic is gone')
    said.push(...(await refusal(cluster.startCommand('intake', tables), 'does not exist')))
    await cluster.createTopic()
    said.push(...(await refusal(cluster.startCommand('intake', tables), 'made again')))
    const accepting = cluster.startCommand('intake', tables, '--accept-topic', cluster.topic)
    await cluster.send(lines)
    await cluster.logIsWhole()
    if (accepting.ended !== undefined) said.push(`an accepted topic is refused: ${accepting.stderr.slice(-600)}`)
    await cluster.endAll()
    const wider = cluster.tablesIn(tables.clickhouse, tables.folder, cluster.partitions + 1)
    said.push(...(await refusal(cluster.startCommand('worker', wider), 'has 4 partitions')))
    await admin.disconnect()
  } finally {
    await cluster.endAll()
  }
  return said
}

/** It must end with 1 and one line, the last, that says what is the matter. */
async function refusal(running: Running, what: string): Promise<string[]> {
  const end = await Promise.race([running.exit, pause(REFUSAL_MS_MAX).then(() => undefined)])
  if (end === undefined) return [`it still runs, where it must say that a topic ${what}: ${running.stderr.slice(-600)}`]
  const last = running.stderr.trimEnd().split('\n').at(-1) ?? ''
  return end.code === 1 && last.includes(what) ? [] : [`it ended with ${end.code} and ${last}, not with 1 and ${what}`]
}
const REFUSAL_MS_MAX = 30_000
