import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { featureColumn } from '../../features/catalogue/define.ts'
import { borrowerHash } from '../../features/hash.ts'
import { severityOf } from '../../models/severity.ts'
import type { Sql } from '../../sql/client.ts'
import { readLatestOfWarning, type StoredFeedRow } from '../../sql/queries/feed.ts'
import type { Engine } from '../engine/engine.ts'

export type BorrowerNow = {
  readonly borrower: string
  /** As-of time of its last evaluation, UTC milliseconds. */
  readonly time: number
  readonly features: Record<string, number | null>
  readonly score: { readonly model: string; readonly score: number; readonly band: string } | null
  readonly warnings: readonly StoredFeedRow[]
}

/** What is known of a borrower now, from the state in memory: the same values that its last evaluation had. */
export function createBorrowerView(
  engine: Engine,
  sql: Sql,
): (tenant: string, borrower: string) => Promise<BorrowerNow | undefined> {
  const evaluate = compileCatalogue(engine.catalogue)
  const columns = engine.catalogue.map(featureColumn)
  return async (tenant, token) => {
    const state = engine.partitions[borrowerHash(tenant, token) % engine.partitions.length]
    const borrower = state?.features.tenants.get(tenant)?.byToken.get(token)
    if (state === undefined || borrower === undefined || !Number.isFinite(borrower.time)) return undefined
    const values = new Float64Array(columns.length)
    evaluate(borrower, values, 0)
    const { time } = borrower
    const { definitions } = state
    const warning = state.decisions.get(borrower.index)?.warning ?? null
    let score: BorrowerNow['score'] = null
    if (definitions?.scorer !== null && definitions !== null) {
      const [value] = await definitions.scorer.score(values, columns.length, 1)
      if (value !== undefined)
        score = { model: definitions.model, score: value, band: severityOf(definitions.bandOf(value)) }
    }
    const latest = warning === null ? undefined : await readLatestOfWarning(sql, tenant, warning.warning_id)
    return {
      borrower: token,
      time,
      features: Object.fromEntries(columns.map((name, i) => [name, orNull(values[i] as number)])),
      score,
      warnings: latest === undefined ? [] : [latest],
    }
  }
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
