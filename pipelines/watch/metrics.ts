import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** A value with those of its labels, in the order of their names. */
export type Sample = readonly [value: number, ...labels: string[]]

export type MetricsText = { readonly contentType: string; readonly text: string }

/**
 * What Prometheus is told of one process. Values are read when it asks, from numbers that are counted anyway; only durations
 * are put into a histogram as they happen.
 */
export class Metrics {
  readonly #registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  /** A number that only rises as long as the process lives. */
  counter(name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        counter.reset()
        for (const [value, ...labels] of read()) counter.inc(named(labelNames, labels), value)
      },
    })
  }

  /** A number as it is now. */
  gauge(name: string, help: string, labelNames: readonly string[], read: () => Iterable<Sample>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        gauge.reset()
        // Without labels a reset leaves a zero, and what nobody knows is not zero.
        if (labelNames.length === 0) gauge.remove()
        for (const [value, ...labels] of read()) gauge.set(named(labelNames, labels), value)
      },
    })
  }

  /** Durations in seconds, into the buckets given. Returns what takes one. */
  durations(
    name: string,
    help: string,
    labelNames: readonly string[],
    buckets: readonly number[],
  ): (seconds: number, ...labels: readonly string[]) => void {
    const registers = [this.#registry]
    const histogram = new Histogram({ name, help, labelNames, buckets: [...buckets], registers })
    return (seconds, ...labels) => histogram.observe(named(labelNames, labels), seconds)
  }

  /** Names of all metrics. */
  names(): string[] {
    return this.#registry.getMetricsAsArray().map(({ name }) => name)
  }

  /** All values now, in Prometheus' text format. */
  async text(): Promise<MetricsText> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() }
  }
}

function named(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
}
