import type { Metrics } from '../watch/metrics.ts'
import { registerPipeline, type Watched } from '../watch/pipeline-metrics.ts'
import type { ClusterProcess } from './cluster.ts'

/** Registers what is to be known of one process of a cluster. Which of it has values depends on its roles. */
export function registerCluster(metrics: Metrics, cluster: ClusterProcess): void {
  registerPipeline(metrics, watchCluster(cluster))
  const { workers, reader, owner, parts } = cluster
  metrics.gauge(
    'foreshock_source_lag_records',
    'Records of an input topic’s partition that are not in the log yet.',
    ['source'],
    () => (reader?.lags() ?? []).map(({ source, records }) => [records, source] as const),
  )
  metrics.counter(
    'foreshock_rebalances_total',
    'How often a consumer group was formed while this process was in it.',
    ['group'],
    () =>
      Object.entries({ workers, intake: reader, control: owner }).flatMap(([group, role]) =>
        role === undefined ? [] : [[role.rebalances(), group] as const],
      ),
  )
  metrics.gauge('foreshock_partitions_owned', 'Log partitions that this process works on.', [], () =>
    workers === undefined ? [] : [[workers.workers.size]],
  )
  metrics.gauge('foreshock_partitions_restoring', 'Log partitions whose state is on its way back.', [], () =>
    workers === undefined ? [] : [[workers.restoring()]],
  )
  metrics.counter(
    'foreshock_day_slices_closed_total',
    'Slices of days that this process closed as the owner.',
    [],
    () => (owner === undefined ? [] : [[owner.slicesClosed()]]),
  )
  metrics.gauge('foreshock_clickhouse_unavailable_seconds', 'Since when statements wait for ClickHouse.', [], () => {
    const { outage } = parts.availability
    return [[outage === undefined ? 0 : (Date.now() - outage.clickhouse_unavailable_since) / 1000]]
  })
  metrics.gauge(
    'foreshock_schema_registry_unavailable_seconds',
    'Since when intake waits for the schema registry.',
    [],
    () => {
      const { outage } = parts.schemas
      return [[outage === undefined ? 0 : (Date.now() - outage.since) / 1000]]
    },
  )
  metrics.gauge(
    'foreshock_kafka_unacknowledged_seconds',
    'Age of the oldest record that Kafka has not taken.',
    [],
    () => {
      const since = parts.producer.waitingSince()
      return [[since === undefined ? 0 : (performance.now() - since) / 1000]]
    },
  )
}

function watchCluster({ counts, intake, rows, workers, owner }: ClusterProcess): Watched {
  const refused = () => Object.values(intake.refused).reduce((sum, one) => sum + one, 0)
  return {
    counts: () => ({
      steps: {
        intake: { events: intake.accepted + refused(), batches: intake.batches },
        engine: { events: counts.records, batches: counts.batches },
      },
      repeats: counts.repeats,
      late: rows.late,
      evaluations: counts.evaluations,
      dropped_fields: intake.dropped_fields,
      warnings: rows.warnings,
      dead_letters: added(intake.refused, rows.dead_letters),
    }),
    partitions: () =>
      (workers?.progress() ?? []).flatMap(({ partition, highWatermark }) => {
        const worker = workers?.workers.get(partition)
        if (worker === undefined) return []
        const { durable, engine, checkpoint } = worker
        const lag = Math.max(0, highWatermark - durable)
        return [{ partition, lag, features: engine.stateOf(partition).features, checkpoint }]
      }),
    closedDayAges: (now) => owner?.closedDayAges(now) ?? [],
  }
}

function added(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const sum = { ...a }
  for (const [key, value] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + value
  return sum
}
