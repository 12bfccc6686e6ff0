import { join } from 'node:path'
import { startGateway } from '../gateway/start.ts'
import { transaction } from '../pipelines/run/events.ts'
import { flatMemory } from './clickhouse-faults.ts'
import { pause, until } from './process.ts'
import { Cluster, type Rig, type Tables } from './rig.ts'

/** Events a second that come in all the time. */
const RATE = 200
const SEND_EVERY_MS = 250
const BORROWERS = 500
/** Before the outage: what is compiled and grown for good is so by then. */
const WARM_UP_MS = 8000
/** A backlog is to be worked off at so many times the rate at which more comes. */
const CATCH_UP_MIN = 3
const LOOK_EVERY_MS = 250

export function nameOfOverload(seconds: number): string {
  return `ClickHouse refuses for ${seconds} s while ${RATE} events a second come`
}

/**
 * ClickHouse is away while events go on coming: the processes' memory must stay flat meanwhile, and the backlog be worked off
 * at `CATCH_UP_MIN` times the rate of the input.
 */
export async function runOverload(rig: Rig, seconds: number): Promise<string[]> {
  const gateway = await startGateway(join(rig.folder, 'overload-clickhouse'), '')
  const cluster = new Cluster(rig)
  const input = createInput(cluster)
  try {
    await cluster.createTopic()
    const tables = await cluster.tables('overload', gateway)
    const processes = [cluster.start('intake', tables), cluster.start('worker', tables)]
    await Promise.all(processes.map((one) => one.said(/running/)))
    input.begin()
    await pause(WARM_UP_MS)
    await gateway.fault({ kind: 'refuse' })
    const said = await flatMemory(processes, { kind: 'refuse', seconds })
    await gateway.fault({ kind: 'none' })
    said.push(...(await catchesUp(cluster, tables, seconds)))
    await input.end()
    await cluster.logIsRead()
    await cluster.tablesReach(tables)
    for (const { ended, stderr } of processes)
      if (ended !== undefined) said.push(`a process ended: ${stderr.slice(-600)}`)
    said.push(...(await cluster.stopAll()), ...(await cluster.verifyLog(tables)))
    return [...said, ...(await cluster.verifyTables(tables, await cluster.replay()))]
  } finally {
    await input.end()
    await cluster.endAll()
    await gateway.close()
  }
}

/** At k times the rate a backlog of so many seconds is gone after 1 / (k − 1) of them. */
async function catchesUp(cluster: Cluster, tables: Tables, seconds: number): Promise<string[]> {
  const from = performance.now()
  const isNear = async () => (1 - (await cluster.shareIn(tables))) * (await cluster.logRecords()) < RATE
  await until(isNear, 'the backlog is worked off', seconds * 1000 * 2, LOOK_EVERY_MS)
  const took = (performance.now() - from) / 1000
  const times = 1 + seconds / took
  return times >= CATCH_UP_MIN ? [] : [`the backlog was worked off at ${times.toFixed(1)} times the input's rate`]
}

/** Sends events at a steady rate from `begin` until `end`. */
function createInput(cluster: Cluster): { begin(): void; end(): Promise<void> } {
  let isOver = false
  let sending: Promise<void> | undefined
  async function run(): Promise<void> {
    const begun = performance.now()
    for (let sent = 0; !isOver; ) {
      const due = Math.floor(((performance.now() - begun) / 1000) * RATE)
      const lines = Array.from({ length: due - sent }, (_, i) => {
        const number = sent + i
        return JSON.stringify(transaction(`t-${number}`, Date.now(), `b-${number % BORROWERS}`))
      })
      await cluster.send(lines)
      sent = due
      await pause(SEND_EVERY_MS)
    }
  }
  return {
    begin: () => {
      sending ??= run()
    },
    end: async () => {
      isOver = true
      await sending
    },
  }
}
