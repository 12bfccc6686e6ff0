import { cpus, loadavg, totalmem } from 'node:os'
import { processCpu_us } from './clock.ts'
import { sampleLines } from './sample-event.ts'

const ROUNDS = 9
const PARSES_PER_ROUND = 100_000

/** What the figures were measured on: the same machine differs by a factor of two from one day to the next. */
export function describeMachine(): string {
  const [first] = cpus()
  const memory = (totalmem() / 2 ** 30).toFixed(0)
  const model = first?.model.trim() ?? 'unknown processor'
  return `${model}, ${cpus().length} cores, ${memory} GiB, Node ${process.version}, load ${currentLoad().toFixed(1)}`
}

/** Processes that ran or wanted to, on average over the last minute. */
export function currentLoad(): number {
  return loadavg()[0] ?? 0
}

/** Microseconds of processor time that JSON.parse of one event takes here and now, median of several rounds. */
export function measureJsonParse_us(): { us: number; bytes: number } {
  const lines = sampleLines()
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const started = processCpu_us()
    for (let i = 0; i < PARSES_PER_ROUND; i++) JSON.parse(lines[i % lines.length] as string)
    rounds.push((processCpu_us() - started) / PARSES_PER_ROUND)
  }
  return { us: median(rounds), bytes: (lines[0] as string).length }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}
