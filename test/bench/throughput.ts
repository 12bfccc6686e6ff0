import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { folderBytes, runCli } from './child.ts'
import { median } from './machine.ts'

type Summary = {
  events: number
  evaluations: number
  seconds: number
  cpu_seconds: number
  memory_peak_bytes: number
}

export type Throughput = {
  borrowers: number
  months: number
  events: number
  evaluations: number
  evaluations_per_s: number[]
  evaluations_per_cpu_s: number[]
  events_per_cpu_s: number[]
  memory_peak_mib: number[]
  disk_bytes_per_event: number
}

/** File to durable rows, scores and warnings: the whole process, its start and stop included. */
export async function measureThroughput(
  folder: string,
  size: { borrowers: number; months: number },
  runs: number,
): Promise<Throughput> {
  const file = join(folder, `events-${size.borrowers}-${size.months}.ndjson`)
  const { borrowers, months } = size
  await runCli(['simulate', '--borrowers', `${borrowers}`, '--months', `${months}`, '--seed', '7', '--out', file])
  const summaries: Summary[] = []
  let disk = 0
  for (let run = 0; run < runs; run++) {
    const data = join(folder, `data-${borrowers}-${months}-${run}`)
    summaries.push(JSON.parse(await runCli(['ingest', file, '--data', data, '--json'])) as Summary)
    disk = folderBytes(join(data, 'store'))
    rmSync(data, { recursive: true })
  }
  rmSync(file)
  const first = summaries[0] as Summary
  return {
    borrowers,
    months,
    events: first.events,
    evaluations: first.evaluations,
    evaluations_per_s: summaries.map((one) => one.evaluations / one.seconds),
    evaluations_per_cpu_s: summaries.map((one) => one.evaluations / one.cpu_seconds),
    events_per_cpu_s: summaries.map((one) => one.events / one.cpu_seconds),
    memory_peak_mib: summaries.map((one) => one.memory_peak_bytes / 2 ** 20),
    disk_bytes_per_event: disk / first.events,
  }
}

export function spread(values: readonly number[], digits = 0): string {
  const show = (value: number) => value.toFixed(digits)
  return `${show(median(values))} (${show(Math.min(...values))} to ${show(Math.max(...values))})`
}
