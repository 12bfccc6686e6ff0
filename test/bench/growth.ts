import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { LogRecord } from '../../features/events/record.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { DISCARD } from '../../pipelines/engine/outputs.ts'
import { processCpu_us } from './clock.ts'
import type { Population } from './population.ts'
import { applySimulated } from './simulated.ts'

/** Events of one round, of as many borrowers. */
const EVENTS_PER_ROUND = 50_000
const ROUNDS = 5
const WARM_UP_EVALUATIONS = 60_000
const RECORDS_PER_CALL = 4096

export type GrowthRates = {
  /** Events applied with all entries computed, and through the whole engine, per second of one core. */
  readonly features_per_s: number[]
  readonly engine_per_s: number[]
}

/** How fast a population's next events go, each of another borrower, none near the one before. */
export async function measureGrowth(population: Population): Promise<GrowthRates> {
  const evaluate = compileCatalogue(CATALOGUE)
  const row = new Float64Array(CATALOGUE.length)
  const compute = (borrower: Borrower) => evaluate(borrower, row, 0)
  warmUp(population, compute)
  const features_per_s: number[] = []
  const engine_per_s: number[] = []
  // Each round goes on behind the borrowers of the one before, and round to the first ones' following events.
  let at = 0
  const take = (): LogRecord[] => {
    if (at + Math.min(EVENTS_PER_ROUND, population.size) > population.size) {
      population.goOn()
      at = 0
    }
    const count = Math.min(EVENTS_PER_ROUND, population.size)
    const records = population.nextRecords(at, count)
    at += count
    return records
  }
  for (let round = 0; round < ROUNDS; round++) {
    features_per_s.push(applyAndCompute(population, take(), compute))
    engine_per_s.push(await processAll(population, take()))
  }
  return { features_per_s, engine_per_s }
}

function warmUp(population: Population, compute: (borrower: Borrower) => void): void {
  const groups = population.engine.partitions.map(({ features }) => features.borrowers)
  for (let n = 0; n < WARM_UP_EVALUATIONS; n++) {
    const borrowers = groups[n % groups.length] as Borrower[]
    compute(borrowers[population.scattered(n) % borrowers.length] as Borrower)
  }
}

function applyAndCompute(
  { engine }: Population,
  records: readonly LogRecord[],
  compute: (borrower: Borrower) => void,
): number {
  const started = processCpu_us()
  for (const { event, partition, offset } of records) {
    const borrower = applySimulated(
      (engine.partitions[partition] as (typeof engine.partitions)[number]).features,
      event,
      offset,
    )
    if (borrower !== undefined) compute(borrower)
  }
  return (records.length * 1e6) / (processCpu_us() - started)
}

async function processAll({ engine }: Population, records: readonly LogRecord[]): Promise<number> {
  const started = processCpu_us()
  for (let from = 0; from < records.length; from += RECORDS_PER_CALL) {
    await engine.process(records.slice(from, from + RECORDS_PER_CALL), DISCARD)
  }
  return (records.length * 1e6) / (processCpu_us() - started)
}
