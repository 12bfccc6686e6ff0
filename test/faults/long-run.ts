import type { ClickHouse } from './clickhouse.ts'
import { pause, type Running } from './process.ts'
import { createRandom } from './random.ts'
import { Cluster, type Rig } from './rig.ts'
import { POINTS } from './suite.ts'

const WORKERS = 2
/** A worker is given this long with its partitions before the next kill, at the least and at the most. */
const LIFE_MS_MIN = 1500
const LIFE_MS_MAX = 6000
/** A point that a worker does not reach in this time is given up: it is killed where it is. */
const POINT_MS_MAX = 15_000
const PACE = ['--flush-ms', '100', '--checkpoint-evaluations', '2000', '--records-per-batch', '200', '--pause-ms', '20']

export type KillsOptions = {
  readonly lines: readonly string[]
  readonly kills: number
  readonly clickhouse: ClickHouse
}

/**
 * Intake and two workers under a load that goes on as long as there are kills: each kill hits one of them, at random or at a
 * named point. Then log and tables are verified.
 */
export async function runKills(rig: Rig, { lines, kills, clickhouse }: KillsOptions): Promise<string[]> {
  const random = createRandom(rig.seed)
  const cluster = new Cluster(rig)
  try {
    await cluster.createTopic()
    const tables = cluster.tablesIn(clickhouse, rig.folder)
    const startWorker = (...options: string[]) => cluster.start('worker', tables, ...PACE, ...options)
    let intake = cluster.start('intake', tables)
    const workers: Running[] = Array.from({ length: WORKERS }, () => startWorker())
    const part = Math.ceil(lines.length / (kills + 1))
    for (let kill = 0; kill < kills; kill++) {
      await cluster.send(lines.slice(kill * part, (kill + 1) * part), kill * part)
      await pause(LIFE_MS_MIN + random() * (LIFE_MS_MAX - LIFE_MS_MIN))
      const victim = Math.floor(random() * (WORKERS + 1))
      if (victim === WORKERS) {
        await intake.end()
        intake = cluster.start('intake', tables)
        continue
      }
      await workers[victim]?.end()
      const point = POINTS[kill % POINTS.length] ?? 'decode#1'
      if (random() < 0.5) workers[victim] = startWorker()
      else {
        const doomed = startWorker('--die-at', point)
        await Promise.race([doomed.exit, pause(POINT_MS_MAX)])
        await doomed.end()
        workers[victim] = startWorker()
      }
    }
    await cluster.send(lines.slice(kills * part), kills * part)
    await cluster.logIsWhole()
    await cluster.tablesReach(tables)
    await cluster.deadLettersReach(tables)
    await cluster.endAll()
    return [...(await cluster.verifyLog(tables)), ...(await cluster.verifyTables(tables, await cluster.replay()))]
  } finally {
    await cluster.endAll()
  }
}
