import type { FeaturePartition } from '../../features/partition.ts'
import type { Metrics, Sample } from './metrics.ts'

/** What a step has done: events that it looked at, and the batches that they came in. */
export type StepCount = { events: number; batches: number }

export type WatchedCounts = {
  readonly steps: Readonly<Record<string, StepCount>>
  readonly repeats: number
  readonly late: number
  readonly evaluations: number
  readonly dropped_fields: number
  /** By `type severity`. */
  readonly warnings: Readonly<Record<string, number>>
  /** By reason. */
  readonly dead_letters: Readonly<Record<string, number>>
}

export type WatchedPartition = {
  readonly partition: number
  /** Records of the log that the tables do not vouch for yet. */
  readonly lag: number
  readonly features: FeaturePartition
  readonly checkpoint: WrittenCheckpoint | undefined
}

/** The checkpoint that counts: when it was written, by the clock, and how long that took where this process did it. */
export type WrittenCheckpoint = { readonly at_ms: number; readonly duration_ms: number | undefined }

/** What is looked at of a pipeline, embedded or a cluster's, whenever Prometheus asks. */
export type Watched = {
  counts(): WatchedCounts
  partitions(): readonly WatchedPartition[]
  /** Per tenant, in no order, how many days ago the last closed day was. */
  closedDayAges(now: number): readonly number[]
}

/** Registers what embedded pipelines and clusters have in common. */
export function registerPipeline(metrics: Metrics, watched: Watched): void {
  registerCounts(metrics, () => watched.counts())
  registerPartitions(metrics, () => watched.partitions())
  metrics.gauge('foreshock_tenants', 'Tenants whose days this process closes.', [], () => [
    [watched.closedDayAges(Date.now()).length],
  ])
  metrics.gauge(
    'foreshock_closed_day_age_days',
    'Days since the last closed day of the tenant that is furthest behind; 1 is yesterday.',
    [],
    () => {
      const ages = watched.closedDayAges(Date.now())
      return ages.length === 0 ? [] : [[ages.reduce((largest, age) => Math.max(largest, age))]]
    },
  )
}

function registerCounts(metrics: Metrics, counts: () => WatchedCounts): void {
  const count = (name: string, help: string, read: (counts: WatchedCounts) => number) =>
    metrics.counter(`foreshock_${name}_total`, help, [], () => [[read(counts())]])
  const steps = (read: (count: StepCount) => number) => () =>
    Object.entries(counts().steps).map(([step, count]) => [read(count), step] as const)
  metrics.counter(
    'foreshock_step_events_total',
    'Events that a step looked at, whatever became of them.',
    ['step'],
    steps(({ events }) => events),
  )
  metrics.counter(
    'foreshock_step_batches_total',
    'Batches that a step took.',
    ['step'],
    steps(({ batches }) => batches),
  )
  metrics.counter('foreshock_dead_letters_total', 'Events refused.', ['reason'], () => samples(counts().dead_letters))
  metrics.counter('foreshock_warnings_total', 'Rows of the feed made.', ['type', 'severity'], () =>
    Object.entries(counts().warnings).map(([key, n]) => [n, ...key.split(' ')] as const),
  )
  count('repeats', 'Events left out because they were there already.', ({ repeats }) => repeats)
  count('late_events', 'Events whose time lay before what their borrower had seen.', ({ late }) => late)
  count('evaluations', 'Events and borrower-days evaluated.', ({ evaluations }) => evaluations)
  count('dropped_fields', 'Unknown fields that were never stored.', ({ dropped_fields }) => dropped_fields)
}

function registerPartitions(metrics: Metrics, partitions: () => readonly WatchedPartition[]): void {
  const gauge = (name: string, help: string, read: (one: WatchedPartition) => number | undefined) =>
    metrics.gauge(`foreshock_${name}`, help, ['partition'], () =>
      partitions().flatMap((one): Sample[] => {
        const value = read(one)
        return value === undefined ? [] : [[value, String(one.partition)]]
      }),
    )
  gauge('log_lag_records', 'Records of the log that the tables do not vouch for yet.', ({ lag }) => lag)
  gauge('state_borrowers', 'Borrowers in memory.', ({ features }) => features.borrowers.length)
  gauge('state_bytes', 'Stores of rows, loans and columns, without the objects that name borrowers.', ({ features }) =>
    bytesOf(features),
  )
  gauge('checkpoint_age_seconds', 'Since the checkpoint that counts was written.', ({ checkpoint }) =>
    checkpoint === undefined ? undefined : Math.max(0, (Date.now() - checkpoint.at_ms) / 1000),
  )
  gauge('checkpoint_duration_seconds', 'What the last checkpoint took, from its place to its end.', ({ checkpoint }) =>
    checkpoint?.duration_ms === undefined ? undefined : checkpoint.duration_ms / 1000,
  )
}

function samples(counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([key, count]) => [count, key])
}

function bytesOf({ transactions, queries, accounts, book, columns }: FeaturePartition): number {
  let bytes = transactions.runs.bytes + queries.runs.bytes + accounts.runs.bytes + book.runs.bytes
  for (const column of Object.values(columns)) if (ArrayBuffer.isView(column)) bytes += column.byteLength
  return bytes
}
