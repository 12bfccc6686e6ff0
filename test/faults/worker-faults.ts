import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pause, type Running, until } from './process.ts'
import { createRandom } from './random.ts'
import { type Cluster, placesOf, type Tables } from './rig.ts'
import type { Dump } from './verifier/tables.ts'

/**
 * Faults of workers, of what they write to and of checkpoints: after each the tables must equal a fault-free replay of the same
 * log. A fault does its mischief, brings the tables to the log's end and says what went otherwise than it must.
 */
export type WorkerFault = {
  readonly name: string
  run(cluster: Cluster, tables: Tables, random: () => number): Promise<string[]>
}

/** A worker that goes through the log in small steps, so that there is time to do something to it. */
const SLOW = ['--records-per-batch', '20', '--pause-ms', '40', '--flush-ms', '50', '--checkpoint-evaluations', '100']
const BUSY = ['--records-per-batch', '20', '--flush-ms', '20', '--checkpoint-evaluations', '60']
const STOP_MS_MAX = 10_000

/** Runs a fault in tables of its own and verifies them. */
export async function runWorkerFault(
  fault: WorkerFault,
  cluster: Cluster,
  name: string,
  replay: Dump,
): Promise<string[]> {
  const tables = await cluster.tables(name)
  try {
    const said = await fault.run(cluster, tables, createRandom(cluster.rig.seed))
    return [...said, ...(await cluster.verifyTables(tables, replay))]
  } finally {
    await cluster.rig.gateway.fault({ kind: 'none' })
    await cluster.endAll()
  }
}

async function finish(cluster: Cluster, tables: Tables, ...options: string[]): Promise<void> {
  const worker = cluster.start('worker', tables, ...options)
  await cluster.tablesReach(tables)
  worker.kill('SIGTERM')
  await worker.exit
}

/** Points at which a worker kills itself, each in the life of another process. */
export function killAtPoints(points: readonly string[]): WorkerFault {
  return {
    name: `kill -9 of a worker at ${points.join(', ')}`,
    async run(cluster, tables) {
      const said: string[] = []
      for (const point of points) {
        const worker = cluster.start('worker', tables, ...BUSY, '--die-at', point)
        const reached = cluster.tablesReach(tables).then(() => 'end' as const)
        const outcome = await Promise.race([worker.exit, reached])
        if (outcome === 'end' || outcome.signal !== 'SIGKILL') {
          said.push(`${point}: the worker did not die there: ${JSON.stringify(outcome)} ${worker.stderr.slice(-400)}`)
          await worker.end()
        }
        reached.catch(() => {})
      }
      await finish(cluster, tables)
      return said
    },
  }
}

export function randomKills(kills: number): WorkerFault {
  return {
    name: `${kills} times kill -9 of one of two workers at random`,
    async run(cluster, tables, random) {
      const workers = [cluster.start('worker', tables, ...SLOW), cluster.start('worker', tables, ...SLOW)]
      await Promise.all(workers.map((worker) => worker.said(/running/)))
      for (let kill = 0; kill < kills; kill++) {
        await pause(200 + random() * 2500)
        const which = random() < 0.5 ? 0 : 1
        await workers[which]?.end()
        workers[which] = cluster.start('worker', tables, ...SLOW)
      }
      await cluster.tablesReach(tables)
      return []
    },
  }
}

/** A worker that sleeps for longer than its session and wakes up when another has its partitions. */
export const stoppedWorker: WorkerFault = {
  name: 'SIGSTOP of a worker beyond its session, then SIGCONT',
  async run(cluster, tables) {
    const sleeper = cluster.start('worker', tables, ...SLOW)
    await somethingIsDurable(tables)
    const other = cluster.start('worker', tables, ...SLOW)
    await other.said(/partition \d/)
    sleeper.kill('SIGSTOP')
    await pause(cluster.rig.sessionMs * 2)
    await until(() => openedBy(other) === cluster.partitions, 'the other worker has all partitions')
    sleeper.kill('SIGCONT')
    await cluster.tablesReach(tables)
    const isAlive = sleeper.ended === undefined
    return isAlive ? [] : [`the worker that woke up ended: ${sleeper.stderr.slice(-400)}`]
  },
}

export function comingAndGoing(seconds: number): WorkerFault {
  return {
    name: `workers come and go every 2 s for ${seconds} s`,
    async run(cluster, tables, random) {
      const stays = cluster.start('worker', tables, ...SLOW)
      await stays.said(/running/)
      const until = performance.now() + seconds * 1000
      while (performance.now() < until) {
        const guest = cluster.start('worker', tables, ...SLOW)
        await guest.said(/running/)
        await pause(2000)
        if (random() < 0.5) await guest.end()
        else {
          guest.kill('SIGTERM')
          await guest.exit
        }
      }
      await cluster.tablesReach(tables)
      return stays.ended === undefined ? [] : [`the worker that stays ended: ${stays.stderr.slice(-400)}`]
    },
  }
}

/** As operators stop it, in the midst of its work. */
export const terminated: WorkerFault = {
  name: 'SIGTERM under load',
  async run(cluster, tables) {
    const said: string[] = []
    const worker = cluster.start('worker', tables, ...SLOW)
    await somethingIsDurable(tables)
    const at = performance.now()
    worker.kill('SIGTERM')
    const { code, signal } = await worker.exit
    const ms = performance.now() - at
    if (code !== 0) said.push(`it ended with ${code ?? signal}: ${worker.stderr.slice(-400)}`)
    if (ms > STOP_MS_MAX) said.push(`it took ${Math.round(ms)} ms to end`)
    const left = await placesOf(tables.clickhouse)
    if ([...left.values()].length === 0) said.push('it left nothing durable')
    const next = cluster.start('worker', tables)
    await cluster.tablesReach(tables)
    const restored = next.stderr.match(/partition \d+: \d+ borrowers/g)?.length ?? 0
    if (restored !== cluster.partitions)
      said.push(`only ${restored} partitions went on from a checkpoint: ${next.stderr}`)
    return said
  },
}

/** What ClickHouse does wrong while a worker works. */
export function clickhouseFault(
  kind: 'refuse' | 'drop_answer' | 'disk_full' | 'status_500',
  seconds: number,
): WorkerFault {
  return {
    name: `ClickHouse: ${kind} for ${seconds} s`,
    async run(cluster, tables) {
      const { gateway } = cluster.rig
      const worker = cluster.start('worker', tables, ...SLOW)
      await somethingIsDurable(tables)
      await gateway.fault({ kind })
      await pause(Math.min(2000, seconds * 250))
      const before = worker.residentBytes()
      await pause(seconds * 1000)
      const after = worker.residentBytes()
      await gateway.fault({ kind: 'none' })
      await cluster.tablesReach(tables)
      const said: string[] = []
      if (after > before * 1.1) said.push(`memory grew from ${before} to ${after} bytes while ClickHouse was away`)
      if (worker.ended !== undefined) said.push(`the worker ended: ${worker.stderr.slice(-400)}`)
      return said
    },
  }
}

/** Checkpoints that are not as they were written: each worker finds one partition's damaged, in another way. */
export const damagedCheckpoints: WorkerFault = {
  name: 'a checkpoint with one byte changed, cut, or missing',
  async run(cluster, tables, random) {
    const said: string[] = []
    const damages = [changeByte, cut, remove]
    const worker = cluster.start('worker', tables, ...BUSY)
    await until(async () => (await placesOf(tables.clickhouse)).size === cluster.partitions, 'work is done')
    worker.kill('SIGTERM')
    await worker.exit
    for (let partition = 0; partition < damages.length; partition++) {
      const folder = join(tables.checkpoints, String(partition), 'checkpoint')
      const states = readdirSync(folder).filter((name) => name.endsWith('.state'))
      const name = states[Math.floor(random() * states.length)]
      if (name === undefined) said.push(`partition ${partition} has no checkpoint to damage`)
      else damages[partition]?.(join(folder, name), random)
    }
    const next = cluster.start('worker', tables)
    await cluster.tablesReach(tables)
    for (let partition = 0; partition < damages.length; partition++) {
      if (new RegExp(`partition ${partition}: \\d+ borrowers`).test(next.stderr)) {
        said.push(`the damaged checkpoint of partition ${partition} was used`)
      }
    }
    return said
  },
}

function changeByte(path: string, random: () => number): void {
  const bytes = readFileSync(path)
  const at = Math.floor(random() * bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ 0x10
  writeFileSync(path, bytes)
}

function cut(path: string, random: () => number): void {
  truncateSync(path, Math.floor(random() * statSync(path).size))
}

function remove(path: string): void {
  rmSync(path)
}

/** The same log, otherwise worked on. */
export function otherwise(workers: number, records: number): WorkerFault {
  return {
    name: `${workers} workers, ${records} records a batch`,
    async run(cluster, tables) {
      const options = ['--records-per-batch', String(records)]
      const all = Array.from({ length: workers }, () => cluster.start('worker', tables, ...options))
      await cluster.tablesReach(tables)
      await Promise.all(all.map((worker) => worker.said(/running/)))
      return []
    },
  }
}

async function somethingIsDurable(tables: Tables): Promise<void> {
  await until(
    async () => [...(await placesOf(tables.clickhouse)).values()].some((offset) => offset > 40),
    'work is done',
  )
}

function openedBy(worker: Running): number {
  return new Set(worker.stderr.match(/partition \d+:/g)).size
}
