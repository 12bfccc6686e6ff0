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
  /** Series by kind and reference, as they were looked up: a map of maps needs no text made of both. */
  readonly #asked = new Map<string, Map<string, IndexPoints | undefined>>()

  add({ time, data }: EventOf<'signal.reported'>): void {
    if (data.value === undefined || data.reference === undefined) return
    const name = indexName(data.kind, data.reference)
    let series = this.points.get(name)
    if (series === undefined) {
      series = { times: [], values: [] }
      this.points.set(name, series)
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
    let ofKind = this.#asked.get(kind)
    if (ofKind === undefined) {
      ofKind = new Map()
      this.#asked.set(kind, ofKind)
    }
    let series = ofKind.get(reference)
    if (series === undefined) {
      series = this.points.get(indexName(kind, reference))
      if (series !== undefined) ofKind.set(reference, series)
    }
    return series
  }
}

function indexName(kind: string, reference: string): string {
  return `${kind}/${reference}`
}
