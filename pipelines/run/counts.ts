import type { Incoming, IntakeResult } from '../intake/items.ts'
import type { StepCount } from '../watch/pipeline-metrics.ts'

/** Counts of one run, for people and for metrics. */
export type Counts = {
  events: number
  repeats: number
  dropped_fields: number
  late: number
  warnings: Record<string, number>
  dead_letters: Record<string, number>
  readonly steps: { readonly intake: StepCount; readonly engine: StepCount }
}

export function createCounts(): Counts {
  const steps = { intake: { events: 0, batches: 0 }, engine: { events: 0, batches: 0 } }
  return { events: 0, repeats: 0, dropped_fields: 0, late: 0, warnings: {}, dead_letters: {}, steps }
}

export function countBatch(step: StepCount, events: number): void {
  step.events += events
  step.batches++
}

/** Counts what became of a batch that intake took. */
export function countResults(counts: Counts, items: readonly Incoming[], results: readonly IntakeResult[]): void {
  countBatch(counts.steps.intake, items.length)
  results.forEach((result, i) => {
    if (result.status === 'refused') {
      if (items[i]?.redrive !== true) count(counts.dead_letters, result.reason ?? 'unknown')
    } else if (result.status === 'repeat') counts.repeats++
    else counts.events++
    const decoded = items[i]?.decoded
    if (decoded?.ok === true && result.status === 'accepted') counts.dropped_fields += decoded.dropped_fields
  })
}

export function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}
