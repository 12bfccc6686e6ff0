import { readFileSync } from 'node:fs'

type Dashboard = {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
  readonly templating: { readonly list: readonly { readonly query: string }[] }
}

/** Metrics that only a process of a cluster has. */
export const CLUSTER_ONLY = [
  'foreshock_clickhouse_unavailable_seconds',
  'foreshock_day_slices_closed_total',
  'foreshock_kafka_unacknowledged_seconds',
  'foreshock_partitions_owned',
  'foreshock_partitions_restoring',
  'foreshock_rebalances_total',
  'foreshock_schema_registry_unavailable_seconds',
  'foreshock_source_lag_records',
]

export function readDashboard(): Dashboard {
  return JSON.parse(
    readFileSync(new URL('../../../deploy/grafana/foreshock.json', import.meta.url), 'utf8'),
  ) as Dashboard
}

/** Names of all metrics that the dashboard asks for. */
export function dashboardMetrics(): string[] {
  const { panels, templating } = readDashboard()
  const texts = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.map(({ query }) => query),
  ]
  const names = texts.flatMap((text) =>
    [...text.matchAll(/\b(?:foreshock|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name),
  )
  return [...new Set(names)].sort()
}

/** Names under which values are there, and those that have a type but no value yet, in Prometheus' text. */
export function metricNames(text: string): Set<string> {
  const names = new Set<string>()
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (name === undefined) continue
    names.add(name)
    if (type === 'histogram') for (const suffix of ['bucket', 'count', 'sum']) names.add(`${name}_${suffix}`)
  }
  return names
}

/** The value of a metric with exactly these labels; undefined where there is none. */
export function valueOf(text: string, name: string, labels = ''): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name}${labels} `))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')))
}
