/**
 * `npm run bench`: measures what README promises, each figure with machine, load and spread, and writes BENCHMARKS.md.
 * `npm run bench -- --quick` takes smaller sizes and prints only.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureFeatures } from './features.ts'
import { measureLatency } from './latency.ts'
import { describeMachine, measureJsonParse_us } from './machine.ts'
import { measureRestart } from './restart.ts'
import { measureThroughput, spread } from './throughput.ts'

const isQuick = process.argv.includes('--quick')
const RUNS = isQuick ? 1 : 3
const RESTARTS = isQuick ? 1 : 2
const folder = mkdtempSync(join(tmpdir(), 'foreshock-bench-'))
const lines: string[] = []

function report(line: string): void {
  lines.push(line)
  console.log(line)
}

try {
  report('# Benchmarks')
  report('')
  report(`Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${describeMachine()}.`)
  const parse = measureJsonParse_us()
  report(`JSON.parse of one ${parse.bytes}-byte event took ${parse.us.toFixed(2)} µs in the same run.`)
  report('Figures are medians, with the smallest and largest of the runs in brackets.')
  report('')
  reportFeatures()
  await reportThroughput()
  await reportMemory()
  await reportLatency()
  await reportRestart()
  if (!isQuick) writeFileSync('BENCHMARKS.md', `${lines.join('\n')}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function reportFeatures(): void {
  const speed = measureFeatures(isQuick ? 500 : 2000, 180)
  report('## Feature computation alone, one core')
  report('')
  report('| entries | live rows a borrower | apply, µs/event | all features, µs/evaluation | state, bytes/borrower |')
  report('|---|---|---|---|---|')
  report(
    `| ${speed.entries} | ${speed.live_rows.toFixed(0)} | ${speed.apply_us.toFixed(2)} | ${speed.evaluate_us.toFixed(2)} | ${speed.state_bytes_per_borrower.toFixed(0)} |`,
  )
  report('')
}

async function reportThroughput(): Promise<void> {
  report('## File to durable feature rows, scores and warnings, embedded ClickHouse')
  report('')
  report(
    'The whole process with its start and stop, all features, the model and the rules; evaluations are events and borrower-days.',
  )
  report('')
  report(
    '| borrowers × months | events | evaluations | evaluations/s | evaluations/core-second | events/core-second | peak MiB | disk bytes/event |',
  )
  report('|---|---|---|---|---|---|---|---|')
  for (const size of isQuick ? [{ borrowers: 500, months: 6 }] : [{ borrowers: 1000, months: 12 }]) {
    const one = await measureThroughput(folder, size, RUNS)
    report(
      `| ${size.borrowers} × ${size.months} | ${one.events} | ${one.evaluations} | ${spread(one.evaluations_per_s)} | ${spread(one.evaluations_per_cpu_s)} | ${spread(one.events_per_cpu_s)} | ${spread(one.memory_peak_mib)} | ${one.disk_bytes_per_event.toFixed(0)} |`,
    )
  }
  report('')
}

async function reportMemory(): Promise<void> {
  report('## Memory while the file grows')
  report('')
  report(
    'The same borrowers over ten times the months; windows end at a year, so the state grows until then and no further.',
  )
  report('')
  report('| months | events | peak MiB |')
  report('|---|---|---|')
  const borrowers = isQuick ? 50 : 100
  for (const months of isQuick ? [12, 36] : [12, 120]) {
    const one = await measureThroughput(folder, { borrowers, months }, 1)
    report(`| ${months} | ${one.events} | ${spread(one.memory_peak_mib)} |`)
  }
  report('')
}

async function reportLatency(): Promise<void> {
  const latency = await measureLatency(folder, isQuick ? 10 : 30)
  report('## Event accepted to visible in the feed')
  report('')
  report(
    'From sending the request to the warning on an open stream, client and server on the same cores, no day being closed.',
  )
  report('')
  report('| events/s | warnings | p50 ms | p99 ms | max ms |')
  report('|---|---|---|---|---|')
  report(
    `| ${latency.events_per_s.toFixed(0)} | ${latency.warnings} | ${latency.p50_ms.toFixed(0)} | ${latency.p99_ms.toFixed(0)} | ${latency.max_ms.toFixed(0)} |`,
  )
  report('')
}

async function reportRestart(): Promise<void> {
  const restart = await measureRestart(folder, isQuick ? 2000 : 100_000, 1, RESTARTS)
  report('## Restart after kill -9, to the first answer')
  report('')
  report('| borrowers | events in the log | seconds |')
  report('|---|---|---|')
  report(`| ${restart.borrowers} | ${restart.events} | ${spread(restart.ready_s, 1)} |`)
}
