import { join } from 'node:path'
import { startGateway } from '../gateway/start.ts'
import { pause, type Running } from './process.ts'
import type { Cluster } from './rig.ts'
import type { Dump } from './verifier/tables.ts'
import { slowly, workIsLeft } from './worker-faults.ts'

/** What ClickHouse does wrong, and for how long. */
export type Outage = {
  readonly kind: 'refuse' | 'drop_answer' | 'disk_full' | 'status_500'
  readonly seconds: number
}

const GROWTH_MAX = 1.1
/** How much of its time an outage is left before memory is looked at: what was under way has then ended. */
const SETTLE_SHARE = 0.3
const LOOK_EVERY_MS = 250

export function nameOfOutages(outages: readonly Outage[]): string {
  return `ClickHouse: ${outages.map(({ kind, seconds }) => `${kind} for ${seconds} s`).join(', then ')}`
}

/** A ClickHouse of its own fails again and again while a worker works; the tables must equal the replay afterwards. */
export async function runOutages(
  outages: readonly Outage[],
  cluster: Cluster,
  name: string,
  replay: Dump,
): Promise<string[]> {
  const gateway = await startGateway(join(cluster.rig.folder, `${name}-clickhouse`), '')
  const tables = await cluster.tables(name, gateway)
  try {
    const seconds = outages.reduce((sum, one) => sum + one.seconds, 0)
    const worker = cluster.start('worker', tables, ...(await slowly(cluster, seconds + outages.length * 2)))
    const said: string[] = []
    for (const [i, outage] of outages.entries()) {
      await cluster.tablesHold(tables, (i + 1) / (outages.length + 2))
      said.push(...(await workIsLeft(cluster, tables)))
      await gateway.fault({ kind: outage.kind })
      said.push(...(await flatMemory([worker], outage)))
      await gateway.fault({ kind: 'none' })
    }
    await cluster.tablesReach(tables)
    if (worker.ended !== undefined) said.push(`the worker ended: ${worker.stderr.slice(-400)}`)
    return [...said, ...(await cluster.verifyTables(tables, replay))]
  } finally {
    await cluster.endAll(tables)
    await gateway.close()
  }
}

/** Waits for the end of an outage and says which processes hold more memory than when it began. */
export async function flatMemory(processes: readonly Running[], { kind, seconds }: Outage): Promise<string[]> {
  await pause(seconds * 1000 * SETTLE_SHARE)
  const before = processes.map((one) => one.residentBytes())
  const most = [...before]
  const end = performance.now() + seconds * 1000 * (1 - SETTLE_SHARE)
  while (performance.now() < end) {
    await pause(LOOK_EVERY_MS)
    for (const [i, one] of processes.entries()) most[i] = Math.max(most[i] ?? 0, one.residentBytes())
  }
  return before.flatMap((bytes, i) =>
    (most[i] ?? 0) <= bytes * GROWTH_MAX ? [] : [`memory grew from ${bytes} to ${most[i]} bytes during ${kind}`],
  )
}
