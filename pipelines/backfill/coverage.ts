import { type FeatureDefinition, featureId } from '../../features/catalogue/define.ts'
import type { BackfillRow } from '../../sql/tables/backfills.ts'
import type { Coverage } from '../engine/coverage.ts'

/** What the backfills on record brought, as far as they came. */
export function coverageOf(rows: readonly BackfillRow[], catalogue: readonly FeatureDefinition[]): Coverage {
  const columnOf = new Map(catalogue.map((entry, column) => [featureId(entry), column]))
  const width = catalogue.length
  /** Per partition and column the place up to which it was brought. */
  const until = new Map<number, Float64Array>()
  /** Per partition the generations, the last one first, with the place up to which each came. */
  const generations = new Map<number, { readonly generation: number; until: number }[]>()
  for (const row of rows.toSorted((a, b) => b.generation - a.generation)) {
    const { partition, generation } = row
    const reached = Math.min(row.next_offset, row.until)
    const columns = until.get(partition) ?? new Float64Array(width)
    until.set(partition, columns)
    const column = columnOf.get(row.feature)
    if (column !== undefined) columns[column] = Math.max(columns[column] as number, reached)
    const known = generations.get(partition) ?? []
    generations.set(partition, known)
    const last = known.at(-1)
    if (last?.generation === generation) last.until = Math.max(last.until, reached)
    else known.push({ generation, until: reached })
  }
  return {
    has: (partition, offset, column) => offset < (until.get(partition)?.[column] ?? 0),
    generationAt: (partition, offset) => generations.get(partition)?.find((one) => offset < one.until)?.generation ?? 0,
  }
}
