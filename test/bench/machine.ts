import { cpus, loadavg, totalmem } from 'node:os'
import { simulateLine } from './sample-event.ts'

/** What the figures were measured on: the same machine differs by a factor of two from one day to the next. */
export function describeMachine(): string {
  const [first] = cpus()
  const memory = (totalmem() / 2 ** 30).toFixed(0)
  return `${first?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${memory} GiB, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`
}

/** Microseconds that JSON.parse of one event takes here and now, median of several rounds. */
export function measureJsonParse_us(): { us: number; bytes: number } {
  const line = simulateLine()
  const rounds: number[] = []
  for (let round = 0; round < 9; round++) {
    const started = performance.now()
    for (let i = 0; i < 100_000; i++) JSON.parse(line)
    rounds.push((performance.now() - started) / 100)
  }
  return { us: median(rounds), bytes: line.length }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}
