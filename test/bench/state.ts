import { hash64 } from '../../features/hash.ts'
import { FeaturePartition } from '../../features/partition.ts'
import { BorrowerSet } from '../../pipelines/engine/borrower-set.ts'
import { DISCARD } from '../../pipelines/engine/outputs.ts'
import { RecentIds } from '../../pipelines/intake/recent-ids.ts'
import { CHECKPOINT_EVALUATIONS } from '../../pipelines/run/pipeline.ts'
import { memoryInUse } from './clock.ts'
import type { Histories, Population } from './population.ts'
import { liveRows, TENANT } from './simulated.ts'

/** Days of ids that intake holds at the most: 31 closed ones, and those until it forgets again. */
export const ID_DAYS_MAX = 39
const RECORDS_PER_CALL = 4096

/** Bytes per borrower, by what they are for. */
export type StateBytes = {
  readonly live_rows: number
  readonly transactions: number
  readonly queries: number
  readonly accounts: number
  readonly loans: number
  readonly columns: number
  readonly decisions: number
  /** Objects of borrowers, their tokens, maps and lists, reports: what is left of all. */
  readonly objects: number
  readonly recent_ids: number
  readonly ids: number
  readonly all: number
}

/**
 * What a population takes, in bytes per borrower: the difference in memory that is in use, before it and with it. Every
 * borrower gets one more event through the whole engine, so that there are decisions too.
 */
export async function measureState(
  build: () => Population,
  histories: Histories,
): Promise<{ readonly bytes: StateBytes; readonly population: Population }> {
  const before = memoryInUse()
  const population = build()
  const { size, engine } = population
  const partitions = engine.partitions.map(({ features }) => features)
  const built = memoryInUse() - before
  const stored = storedBytes(partitions)
  await decideAll(population)
  const all = memoryInUse() - before
  const stores = storedBytes(partitions)
  const total = sum(Object.values(stores))
  const decisions = all - total - (built - sum(Object.values(stored)))
  const { bytes: recent_ids, ids } = measureRecentIds(histories, size)
  const per = (bytes: number) => bytes / size
  const bytes: StateBytes = {
    live_rows: liveRows(partitions),
    transactions: per(stores.transactions),
    queries: per(stores.queries),
    accounts: per(stores.accounts),
    loans: per(stores.loans),
    columns: per(stores.columns),
    decisions: per(decisions),
    objects: per(all - total - decisions),
    recent_ids: per(recent_ids),
    ids: per(ids),
    all: per(all + recent_ids),
  }
  return { bytes, population }
}

/** One event of every borrower through the engine; what changed is forgotten as often as checkpoints forget it. */
async function decideAll(population: Population): Promise<void> {
  const { engine, size } = population
  let sinceCheckpoint = 0
  for (let from = 0; from < size; from += RECORDS_PER_CALL) {
    const records = population.nextRecords(from, Math.min(RECORDS_PER_CALL, size - from))
    await engine.process(records, DISCARD)
    sinceCheckpoint += records.length
    if (sinceCheckpoint < CHECKPOINT_EVALUATIONS) continue
    sinceCheckpoint = 0
    for (const state of engine.partitions) state.dirty = new BorrowerSet()
  }
  population.goOn()
}

function storedBytes(partitions: readonly FeaturePartition[]) {
  const of = (bytesOf: (partition: FeaturePartition) => number) => sum(partitions.map(bytesOf))
  return {
    transactions: of(({ transactions }) => transactions.runs.bytes),
    queries: of(({ queries }) => queries.runs.bytes),
    accounts: of(({ accounts }) => accounts.runs.bytes),
    loans: of(({ book }) => book.runs.bytes),
    columns: of(({ columns }) => sum(Object.values(columns).map((values) => (values as Float64Array).byteLength))),
  }
}

/** The table of ids at its fullest, with as many as such a population sends in those days. */
function measureRecentIds(histories: Histories, size: number): { bytes: number; ids: number } {
  const ids = Math.round(eventsPerDay(histories) * ID_DAYS_MAX * size)
  const before = memoryInUse()
  const recent = new RecentIds()
  const hashes = new Uint32Array(4)
  for (let id = 0; id < ids; id++) {
    hash64(`${TENANT}\u0000sim/core-banking\u0000b${id % size}-${id}`, hashes, 0)
    recent.add(hashes, 0, id % ID_DAYS_MAX)
  }
  const bytes = memoryInUse() - before
  if (recent.size === 0) throw new Error('no ids were kept')
  return { bytes, ids: recent.size }
}

function eventsPerDay({ borrowers, days }: Histories): number {
  return sum(borrowers.map(({ next }) => next)) / borrowers.length / days
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
