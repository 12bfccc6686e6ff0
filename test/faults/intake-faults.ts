import type { TestBroker } from '../kafka/broker.ts'
import { pause, type Running } from './process.ts'
import { createRandom } from './random.ts'
import { type BrokerRig, Cluster, type Tables } from './rig.ts'

/**
 * Faults of intake and of the broker: afterwards the log must hold what the input does, and the tables equal a replay of that
 * log. Each has an input of its own.
 */
export type IntakeFault = {
  readonly name: string
  /** Sends the lines and does its mischief; it starts intake and workers. What it gives is what went otherwise than it must. */
  run(parts: FaultParts): Promise<string[]>
}

export type FaultParts = {
  readonly cluster: Cluster
  readonly broker: TestBroker
  readonly tables: Tables
  readonly lines: readonly string[]
  readonly random: () => number
}

const CONNECTS_PER_SECOND_MAX = 1
/** Each of a process's clients (groups, producer, admin, reader) connects by itself. */
const CLIENTS_PER_PROCESS = 5

/** A cluster whose processes reach Kafka through the proxy. */
export function proxiedCluster(rig: BrokerRig): Cluster {
  return new Cluster(rig, { slices: 1, address: rig.broker.proxied })
}

/** Runs a fault with a topic of its own and verifies log and tables. */
export async function runIntakeFault(fault: IntakeFault, rig: BrokerRig, lines: readonly string[]): Promise<string[]> {
  const cluster = proxiedCluster(rig)
  try {
    await cluster.createTopic()
    const tables = await cluster.tables('faulty')
    const said = await strike(fault, { cluster, broker: rig.broker, tables, lines, random: createRandom(rig.seed) })
    return [...said, ...(await cluster.verifyTables(tables, await cluster.replay()))]
  } finally {
    await cluster.endAll()
  }
}

/** Lets a fault happen, waits until all is through, ends its processes in order and verifies the log. */
export async function strike(fault: IntakeFault, parts: FaultParts): Promise<string[]> {
  const { cluster, broker, tables } = parts
  try {
    const said = await fault.run(parts)
    await cluster.logIsWhole()
    await cluster.tablesReach(tables)
    await cluster.deadLettersReach(tables)
    return [...said, ...(await cluster.stopAll()), ...(await cluster.verifyLog(tables))]
  } finally {
    broker.proxy.setMode({ kind: 'pass' })
  }
}

/** What intake refuses, so that there are dead letters to be killed at. */
const REFUSED = ['{"this is": "no event"}', 'nor is this']

/**
 * Intake dies between append and commit, then between the insert of dead letters and the commit of what they came from, each
 * so many times, and at last at a random moment.
 */
export function killedIntake(kills: number): IntakeFault {
  return {
    name: `${kills} times each kill -9 of intake between append and commit, between insert and commit of dead letters`,
    async run({ cluster, tables, lines, random }) {
      const said: string[] = []
      cluster.start('worker', tables)
      const points = Array.from({ length: kills }, () => ['appended#1', 'after:dead_letters#1']).flat()
      const part = Math.ceil(lines.length / (points.length + 1))
      for (const [kill, point] of points.entries()) {
        const intake = cluster.start('intake', tables, '--die-at', point)
        await cluster.send([...lines.slice(kill * part, (kill + 1) * part), ...REFUSED])
        const { signal } = await intake.exit
        if (signal !== 'SIGKILL') said.push(`intake did not die at ${point}: ${intake.stderr.slice(-400)}`)
      }
      const intake = cluster.start('intake', tables)
      await cluster.send(lines.slice(points.length * part))
      await pause(random() * 1000)
      await intake.end()
      cluster.start('intake', tables)
      return said
    },
  }
}

/** The broker ends in the midst of things, in order (SIGTERM) or at once, and comes back. */
export function stoppedBroker(signals: readonly ('SIGTERM' | 'SIGKILL')[], awayMs: number): IntakeFault {
  return {
    name: `the broker stops (${signals.join(', then ')}) and starts`,
    async run({ cluster, broker, tables, lines }) {
      const part = Math.ceil(lines.length / (signals.length + 1))
      const running = [cluster.start('intake', tables), cluster.start('worker', tables)]
      await Promise.all(running.map((one) => one.said(/running/)))
      for (const [i, signal] of signals.entries()) {
        await cluster.send(lines.slice(i * part, (i + 1) * part))
        await broker.kill(signal)
        await pause(awayMs)
        await broker.start()
      }
      await cluster.send(lines.slice(signals.length * part))
      await cluster.logIsWhole()
      return survivors(running)
    },
  }
}

/** Connections break, nobody listens, and answers come seconds late. */
export function badNetwork(awayMs: number, latencyMs: number): IntakeFault {
  return {
    name: `connections to the broker reset, then refused, then ${latencyMs} ms of latency`,
    async run({ cluster, broker, tables, lines }) {
      const { proxy } = broker
      const part = Math.ceil(lines.length / 3)
      const running = [cluster.start('intake', tables), cluster.start('worker', tables)]
      await Promise.all(running.map((one) => one.said(/running/)))
      await cluster.send(lines.slice(0, part))
      for (let reset = 0; reset < 3; reset++) {
        await pause(300)
        proxy.resetAll()
      }
      proxy.setMode({ kind: 'refuse' })
      const from = proxy.connectedAt.length
      await pause(awayMs)
      const tries = proxy.connectedAt.length - from
      await cluster.send(lines.slice(part, 2 * part))
      proxy.setMode({ kind: 'delay', ms: latencyMs / 2 })
      await pause(latencyMs * 3)
      await cluster.send(lines.slice(2 * part))
      proxy.setMode({ kind: 'pass' })
      const said = survivors(running)
      const triesMax = running.length * CLIENTS_PER_PROCESS * CONNECTS_PER_SECOND_MAX * (awayMs / 1000 + 1)
      if (tries > triesMax) said.push(`${tries} connections were tried in ${awayMs} ms, at most ${triesMax} are due`)
      return said
    },
  }
}

function survivors(running: readonly Running[]): string[] {
  return running.flatMap(({ ended, stderr }) =>
    ended === undefined ? [] : [`a process ended: ${JSON.stringify(ended)} ${stderr.slice(-600)}`],
  )
}
