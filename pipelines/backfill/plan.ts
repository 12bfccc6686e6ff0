import { type FeatureDefinition, featureId } from '../../features/catalogue/define.ts'
import type { PublishedFeatures } from '../../sql/queries/published.ts'
import type { BackfillRow } from '../../sql/tables/backfills.ts'
import { describeMissing } from '../engine/definitions.ts'

/** One generation: what it brings, with how far it came per feature and partition. */
export type BackfillJob = { readonly generation: number; readonly rows: readonly BackfillRow[] }

export type BackfillPlan =
  | { readonly ok: false; readonly detail: string }
  | {
      readonly ok: true
      /** To be done one after the other: first what an earlier command left unfinished. */
      readonly jobs: readonly BackfillJob[]
      /** Asked for, but there already. */
      readonly done: readonly string[]
    }

export type BackfillFacts = {
  readonly catalogue: readonly FeatureDefinition[]
  readonly partitions: number
  readonly published: readonly PublishedFeatures[]
  readonly backfills: readonly BackfillRow[]
  /** Per partition the last place that is in the tables. */
  readonly progress: ReadonlyMap<number, number>
}

/** What has to be done to bring features (`name@version`) to all rows that were written before they were in force. */
export function planBackfill(requested: readonly string[], facts: BackfillFacts): BackfillPlan {
  const known = new Set(facts.catalogue.map(featureId))
  const unknown = requested.filter((id) => !known.has(id))
  if (unknown.length > 0) {
    const detail = `the catalogue has no feature ${unknown.join(', ')}: foreshock features list shows what there is`
    return { ok: false, detail }
  }
  const lacking = new Set(facts.published.flatMap(({ features }) => features).filter((id) => !known.has(id)))
  // A row is written again whole, so a column that this release cannot compute would be lost.
  if (lacking.size > 0) return { ok: false, detail: describeMissing([...lacking].map((id) => `feature ${id}`)) }

  const untils = new Map<string, number[]>()
  for (const id of requested) {
    const until = partitionsOf(facts).map((partition) => inForceSince(facts.published, partition, id))
    if (until.includes(undefined)) return { ok: false, detail: notInForce(id) }
    untils.set(id, until as number[])
  }
  const last = Math.max(0, ...facts.backfills.map(({ generation }) => generation))
  const unfinished = [...new Set(facts.backfills.filter(isOpen).map(({ generation }) => generation))]
  const jobs = unfinished.map((generation) => ({
    generation,
    rows: facts.backfills.filter((row) => row.generation === generation),
  }))
  const isThere = (id: string) =>
    (untils.get(id) as number[]).every((until, partition) =>
      [{ until: 0 }, ...facts.backfills.filter((row) => row.feature === id && row.partition === partition)].some(
        (row) => row.until >= until,
      ),
    )
  const wanted = requested.filter((id) => !isThere(id))
  if (wanted.length > 0) {
    const rows = wanted.flatMap((feature) =>
      (untils.get(feature) as number[]).map((until, partition) => {
        return { generation: last + 1, feature, partition, until, next_offset: 0 }
      }),
    )
    jobs.push({ generation: last + 1, rows })
  }
  const behind = jobs
    .flatMap(({ rows }) => rows)
    .find((row) => row.until > (facts.progress.get(row.partition) ?? -1) + 1)
  if (behind !== undefined) {
    const detail = `the log is ahead of the tables: let foreshock run or ingest catch up, then run the command again`
    return { ok: false, detail }
  }
  const isPending = (id: string) => jobs.some(({ rows }) => rows.some(({ feature }) => feature === id))
  return { ok: true, jobs, done: requested.filter((id) => !isPending(id)) }
}

function isOpen({ until, next_offset }: BackfillRow): boolean {
  return next_offset < until
}

function partitionsOf({ partitions }: BackfillFacts): number[] {
  return Array.from({ length: partitions }, (_, partition) => partition)
}

/** The place from which on a partition's rows have had this feature up to now, undefined where it is not in force. */
function inForceSince(published: readonly PublishedFeatures[], partition: number, id: string): number | undefined {
  let since: number | undefined
  for (const one of published) {
    if (one.partition !== partition) continue
    since = one.features.includes(id) ? (since ?? one.offset) : undefined
  }
  return since
}

function notInForce(id: string): string {
  return `${id} is not in force yet: start foreshock run or ingest once with this release, which puts it in force`
}
