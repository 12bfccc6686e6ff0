import type { EventOf } from '../events/contract.ts'
import type { Names } from './names.ts'

/** Signals without a subject that say how an industry or a region does. */
export const INDEX_KINDS: ReadonlySet<string> = new Set(['industry_index', 'region_index'])

export type IndexKind = 'industry_index' | 'region_index'

/** Points of one index that are kept, the latest ones: monthly ones for many lifetimes. */
export const INDEX_POINTS_MAX = 10_000

/** The values of one index by time, ties in log order. */
export type IndexPoints = { readonly times: number[]; readonly values: number[] }

export class IndexSeries {
  /** By kind and reference, see `indexName`. */
  readonly points = new Map<string, IndexPoints>()
  /** Series as they were looked up, by the numbers of the partition's words: each evaluation asks for two. */
  readonly #asked = { industry_index: new Map<number, IndexPoints>(), region_index: new Map<number, IndexPoints>() }

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

  /** The series of a loan's industry or region, `name` of `names`; undefined where there is none. */
  seriesOf(kind: IndexKind, name: number, names: Names): IndexPoints | undefined {
    const asked = this.#asked[kind]
    const known = asked.get(name)
    if (known !== undefined) return known
    const series = this.points.get(indexName(kind, names.textOf(name)))
    if (series !== undefined) asked.set(name, series)
    return series
  }
}

/** The latest value at `time`, NaN before the first. */
export function valueAt({ times, values }: IndexPoints, time: number): number {
  let at = times.length - 1
  while (at >= 0 && (times[at] as number) > time) at--
  return at < 0 ? Number.NaN : (values[at] as number)
}

function indexName(kind: string, reference: string): string {
  return `${kind}/${reference}`
}
