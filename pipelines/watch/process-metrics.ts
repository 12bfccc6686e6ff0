import type { OnInsert } from './inserts.ts'
import { Metrics } from './metrics.ts'

const INSERT_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
const REQUEST_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** An answered request: its route as it is documented, never the path that was asked for, which may name a borrower. */
export type Answered = {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly seconds: number
}

/** What every process of foreshock counts from its start on, before it knows what it is going to do. */
export type ProcessMetrics = {
  readonly metrics: Metrics
  readonly onInsert: OnInsert
  readonly onAnswered: (answered: Answered) => void
}

export function createProcessMetrics(version: string): ProcessMetrics {
  const metrics = new Metrics()
  const rows = new Map<string, { rows: number; blocks: number }>()
  metrics.gauge('foreshock_build_info', 'The release, as a label.', ['version'], () => [[1, version]])
  const insert = metrics.durations(
    'foreshock_insert_duration_seconds',
    'What one block took to be durable in a table.',
    ['table'],
    INSERT_SECONDS,
  )
  metrics.counter('foreshock_rows_written_total', 'Rows that tables took, replayed ones included.', ['table'], () =>
    [...rows].map(([table, written]) => [written.rows, table] as const),
  )
  const request = metrics.durations(
    'foreshock_http_request_duration_seconds',
    'From a request’s head to the end of its answer. A long poll includes its wait; streams are left out.',
    ['method', 'route', 'status'],
    REQUEST_SECONDS,
  )
  return {
    metrics,
    onInsert(table, count, seconds) {
      const written = rows.get(table) ?? { rows: 0, blocks: 0 }
      rows.set(table, written)
      written.rows += count
      written.blocks++
      insert(seconds, table)
    },
    onAnswered: ({ method, route, status, seconds }) => request(seconds, method, route, String(status)),
  }
}
