import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { Event } from '../../features/events/contract.ts'
import { decodeBytes } from '../../features/events/decode.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { createSimulation } from '../../pipelines/simulator/simulation.ts'

const NEWLINE = 10
const TENANT = 'default'
const WARM_UP_EVALUATIONS = 50_000

export type FeatureSpeed = {
  entries: number
  live_rows: number
  apply_us: number
  evaluate_us: number
  state_bytes_per_borrower: number
}

/** Feature computation alone, on the simulator's events: applying an event, and computing all entries after it. */
export function measureFeatures(borrowers: number, days: number): FeatureSpeed {
  const events = simulated(borrowers, days)
  const partition = new FeaturePartition(1, 1)
  const evaluate = compileCatalogue(CATALOGUE)
  const out = new Float64Array(CATALOGUE.length)
  const before = memory()
  let started = cpu_ms()
  let applied = 0
  for (const event of events) {
    if (event.type === 'tenant.configured') partition.configure(event)
    else if (partition.apply(event as BorrowerEvent, applied).kind === 'applied') applied++
  }
  const apply_us = ((cpu_ms() - started) * 1000) / applied
  const state = memory() - before
  // Named here, so that the events are not collected meanwhile and taken for less state.
  if (events.length === 0) throw new Error('the simulator gave no events')
  const exposed = partition.borrowers.filter((borrower) => borrower.loanCount > 0)
  const live = exposed.reduce((sum, borrower) => sum + borrower.transactions.length, 0)
  // The generated loops are large, so the compiler takes its time with them.
  for (let n = 0; n < WARM_UP_EVALUATIONS; n++) evaluate(exposed[n % exposed.length] as Borrower, out, 0)
  started = cpu_ms()
  const rounds = 20
  for (let round = 0; round < rounds; round++) for (const borrower of exposed) evaluate(borrower, out, 0)
  return {
    entries: CATALOGUE.length,
    live_rows: live / exposed.length,
    apply_us,
    evaluate_us: ((cpu_ms() - started) * 1000) / (rounds * exposed.length),
    state_bytes_per_borrower: state / partition.borrowers.length,
  }
}

function simulated(borrowers: number, days: number): Event[] {
  const simulation = createSimulation({ seed: 3, borrowers, start: '2024-01-01' })
  const events: Event[] = []
  for (let day = 0; day < days; day++) {
    const { lines } = simulation.writeDay()
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(NEWLINE, from)
      const decoded = decodeBytes(lines.subarray(from, end), TENANT)
      if (decoded.ok) events.push(decoded.event)
      from = end + 1
    }
  }
  return events
}

function memory(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Processor time of this thread, which other work on the machine does not lengthen as it does the clock's. */
function cpu_ms(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
