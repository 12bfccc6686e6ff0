import type { EventOf } from '../events/contract.ts'

/** Signals without a subject that say how an industry or a region does. */
export const INDEX_KINDS: ReadonlySet<string> = new Set(['industry_index', 'region_index'])

/** Points of one index that are kept, the latest ones: monthly ones for many lifetimes. */
export const INDEX_POINTS_MAX = 10_000

/** The values of one index by time, ties in log order. */
export type IndexPoints = { readonly times: number[]; readonly values: number[] }

export class IndexSeries {
  /** By kind and reference, see `indexName`. */
  readonly points = new Map<string, IndexPoints>()
  /** The series asked for last, of each kind: neighbours often share an industry or region. */
  readonly #asked = new Map<string, { readonly reference: string; readonly series: IndexPoints | undefined }>()

  add({ time, data }: EventOf<'signal.reported'>): void {
    if (data.value === undefined || data.reference === undefined) return
    const name = indexName(data.kind, data.reference)
    let series = this.points.get(name)
    if (series === undefined) {
      series = { times: [], values: [] }
      this.points.set(name, series)
      this.#asked.clear()
    }
    let at = series.times.length
    while (at > 0 && (series.times[at - 1] as number) > time) at--
    series.times.splice(at, 0, time)
    series.values.splice(at, 0, data.value)
    if (series.times.length > INDEX_POINTS_MAX) {
      series.times.shift()
      series.values.shift()
    }
  }

  /** The latest value at `time`, NaN before the first. */
  valueAt(kind: string, reference: string, time: number): number {
    const series = this.#seriesOf(kind, reference)
    if (series === undefined) return Number.NaN
    let at = series.times.length - 1
    while (at >= 0 && (series.times[at] as number) > time) at--
    return at < 0 ? Number.NaN : (series.values[at] as number)
  }

  #seriesOf(kind: string, reference: string): IndexPoints | undefined {
    const asked = this.#asked.get(kind)
    if (asked?.reference === reference) return asked.series
    const series = this.points.get(indexName(kind, reference))
    this.#asked.set(kind, { reference, series })
    return series
  }
}

function indexName(kind: string, reference: string): string {
  return `${kind}/${reference}`
}
