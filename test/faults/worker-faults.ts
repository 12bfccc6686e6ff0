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

const BUSY = ['--records-per-batch', '20', '--pause-ms', '40', '--flush-ms', '100', '--checkpoint-evaluations', '60']
const STOP_MS_MAX = 10_000
/** What the last guest of a busy machine may take longer than its time. */
const GUEST_SECONDS_MAX = 20
/** The shortest session that the configuration takes. Tests have shorter ones, but no faster machines. */
const SESSION_MS_MIN = 6000
const STEP_MS = 200
const SAID_CHARACTERS = 600

/** A worker that is busy with its partitions for about so long, so that there is time to do something to it. */
export async function slowly(cluster: Cluster, seconds: number): Promise<string[]> {
  const perPartition = (await cluster.logRecords()) / cluster.partitions
  const records = Math.max(1, Math.round((perPartition * STEP_MS) / (seconds * 1000)))
  const pauseMs = Math.round((records * seconds * 1000) / perPartition)
  const pace = ['--records-per-batch', String(records), '--pause-ms', String(pauseMs)]
  return [...pace, '--flush-ms', '300', '--checkpoint-evaluations', '200']
}

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
    await cluster.endAll(tables)
  }
}

/** Points at which a worker kills itself, each in the life of another process. */
export function killAtPoints(points: readonly string[]): WorkerFault {
  return {
    name: `kill -9 of a worker at ${points.join(', ')}`,
    async run(cluster, tables) {
      const said: string[] = []
      const reached = cluster.tablesReach(tables, POINTS_MS_MAX).then(() => NOT_ENDED)
      for (const [life, point] of points.entries()) {
        // Each in a group of its own: to wait for the end of the dead one's session is another fault's business.
        const group = `${tables.group}-${life}`
        const worker = cluster.start('worker', tables, ...BUSY, '--group', group, '--die-at', point)
        const { signal } = await Promise.race([worker.exit, reached])
        if (signal === 'SIGKILL') continue
        said.push(`${point}: the worker did not die there: ${worker.stderr.slice(-SAID_CHARACTERS)}`)
        await worker.end()
      }
      cluster.start('worker', tables)
      await reached
      return said
    },
  }
}
const NOT_ENDED = { signal: null }
const POINTS_MS_MAX = 400_000

/** Kills that are spread over the log: where the tables stand then is drawn, and which worker it hits. */
export function randomKills(kills: number, seconds: number): WorkerFault {
  return {
    name: `${kills} times kill -9 of one of two workers at random`,
    async run(cluster, tables, random) {
      const pace = await slowly(cluster, seconds)
      const workers = [cluster.start('worker', tables, ...pace), cluster.start('worker', tables, ...pace)]
      for (let kill = 0; kill < kills; kill++) {
        await cluster.tablesHold(tables, (kill + random()) / (kills + 1))
        const which = random() < 0.5 ? 0 : 1
        await workers[which]?.end()
        workers[which] = cluster.start('worker', tables, ...pace)
      }
      await cluster.tablesReach(tables)
      return []
    },
  }
}

/** A worker that sleeps for longer than its session and wakes up when another has its partitions. */
export function stoppedWorker(seconds: number): WorkerFault {
  return {
    name: 'SIGSTOP of a worker beyond its session, then SIGCONT',
    async run(cluster, tables) {
      const pace = await slowly(cluster, seconds)
      const sleeper = cluster.start('worker', tables, ...pace)
      await cluster.tablesHold(tables, 0.1)
      sleeper.kill('SIGSTOP')
      const said = await workIsLeft(cluster, tables)
      const other = cluster.start('worker', tables, ...pace)
      await until(() => openedBy(other) === cluster.partitions, 'the other worker has all partitions')
      sleeper.kill('SIGCONT')
      await sleeper.said(/membership is lost/)
      await cluster.tablesReach(tables)
      if (sleeper.ended !== undefined) said.push(`the worker that woke up ended: ${sleeper.stderr.slice(-400)}`)
      return said
    },
  }
}

/** A worker stays, others come, are at work for 2 s and go, in order or at once. */
export function comingAndGoing(seconds: number): WorkerFault {
  return {
    name: `workers come and go every 2 s for ${seconds} s`,
    async run(cluster, tables, random) {
      const pace = await slowly(cluster, seconds * 2 + GUEST_SECONDS_MAX)
      const stays = cluster.start('worker', tables, ...pace)
      await cluster.tablesHold(tables, 0.02)
      const idle = watchIdle(cluster, tables)
      const end = performance.now() + seconds * 1000
      while (performance.now() < end) {
        const guest = cluster.start('worker', tables, ...pace)
        await guest.said(/running/)
        await pause(2000)
        await (random() < 0.5 ? guest.end() : guest.stop())
      }
      const idleMs = await idle()
      const said = await workIsLeft(cluster, tables)
      if (stays.ended !== undefined) said.push(`the worker that stays ended: ${stays.stderr.slice(-400)}`)
      // Where it stands is no matter: the rest may go fast.
      await stays.stop()
      cluster.start('worker', tables)
      await cluster.tablesReach(tables)
      const idleMsMax = Math.max(cluster.rig.sessionMs, SESSION_MS_MIN) * 2
      if (idleMs > idleMsMax) said.push(`a partition was idle for ${Math.round(idleMs)} ms, more than ${idleMsMax}`)
      return said
    },
  }
}

/** Looks at the tables again and again; the function that it gives ends this and tells the longest that one partition stood. */
function watchIdle(cluster: Cluster, tables: Tables): () => Promise<number> {
  const moved = new Map<number, { readonly place: number; readonly at: number }>()
  let longest = 0
  let isOver = false
  const watching = (async () => {
    const ends = await cluster.logEnds()
    while (!isOver) {
      const places = await placesOf(tables.clickhouse)
      const now = performance.now()
      for (const [partition, place] of places) {
        const before = moved.get(partition)
        if (before !== undefined && place < (ends[partition] ?? 0) - 1) longest = Math.max(longest, now - before.at)
        if (before?.place !== place) moved.set(partition, { place, at: now })
      }
      await pause(STEP_MS)
    }
  })()
  return async () => {
    isOver = true
    await watching
    return longest
  }
}

/** As operators stop it, in the midst of its work. */
export const terminated: WorkerFault = {
  name: 'SIGTERM under load',
  async run(cluster, tables) {
    const worker = cluster.start('worker', tables, ...(await slowly(cluster, 6)))
    await cluster.tablesHold(tables, 0.2)
    const at = performance.now()
    const { code, signal } = await worker.stop()
    const ms = performance.now() - at
    const said = await workIsLeft(cluster, tables)
    if (code !== 0) said.push(`it ended with ${code ?? signal}: ${worker.stderr.slice(-400)}`)
    if (ms > STOP_MS_MAX) said.push(`it took ${Math.round(ms)} ms to end`)
    const next = cluster.start('worker', tables)
    await cluster.tablesReach(tables)
    for (let partition = 0; partition < cluster.partitions; partition++) {
      const found = foundFirst(next, partition)
      if (!/^\d+ borrowers/.test(found)) said.push(`partition ${partition} did not go on from a checkpoint: ${found}`)
    }
    return said
  },
}

/** Checkpoints that are not as they were written: each worker finds one partition's damaged, in another way. */
export const damagedCheckpoints: WorkerFault = {
  name: 'a checkpoint with one byte changed, cut, or missing',
  async run(cluster, tables, random) {
    const damages = [changeByte, cut, remove]
    const worker = cluster.start('worker', tables, ...(await slowly(cluster, 4)))
    await cluster.tablesHold(tables, 0.4)
    await worker.stop()
    const said = await workIsLeft(cluster, tables)
    for (const [partition, damage] of damages.entries()) {
      const folder = join(tables.checkpoints, String(partition), 'checkpoint')
      const states = readdirSync(folder).filter((name) => name.endsWith('.state'))
      const name = states[Math.floor(random() * states.length)]
      if (name === undefined) said.push(`partition ${partition} has no checkpoint to damage`)
      else damage(join(folder, name), random)
    }
    const next = cluster.start('worker', tables)
    await cluster.tablesReach(tables)
    for (let partition = 0; partition < damages.length; partition++) {
      const found = foundFirst(next, partition)
      if (!/damaged/.test(found)) said.push(`the damaged checkpoint of partition ${partition}: ${found}`)
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

/** A fault that comes when all is done shows nothing. */
export async function workIsLeft(cluster: Cluster, tables: Tables): Promise<string[]> {
  const share = await cluster.shareIn(tables)
  return share < 1 ? [] : ['all was done before it happened: nothing is shown']
}

/** What a worker found of a partition first: where it loses it and gets it back it has a checkpoint of its own. */
function foundFirst(worker: Running, partition: number): string {
  return new RegExp(`partition ${partition}: (.*)`).exec(worker.stderr)?.[1] ?? 'nothing'
}

function openedBy(worker: Running): number {
  return new Set(worker.stderr.match(/partition \d+:/g)).size
}
