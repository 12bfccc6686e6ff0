import { type BackfillOutcome, type BackfillSummary, backfill } from '../../../pipelines/backfill/backfill.ts'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import type { Sql } from '../../../sql/client.ts'

export type BackfillRun = {
  readonly rowsPerBlock?: number
  readonly signal?: AbortSignal
  readonly onEvents?: (events: number) => void
}

/** Backfills in the process that holds the directory. */
export function backfillIn(
  pipeline: Pipeline,
  features: readonly string[],
  { rowsPerBlock, signal, onEvents }: BackfillRun = {},
): Promise<BackfillOutcome> {
  return backfill({
    database: pipeline.database,
    shape: pipeline.shape,
    catalogue: pipeline.engine.catalogue,
    features,
    onProgress: ({ events }) => onEvents?.(events),
    signal: signal ?? new AbortController().signal,
    ...(rowsPerBlock === undefined ? {} : { rowsPerBlock }),
  })
}

/** The same, which must work. */
export async function backfilled(
  pipeline: Pipeline,
  features: readonly string[],
  run: BackfillRun = {},
): Promise<BackfillSummary> {
  const outcome = await backfillIn(pipeline, features, run)
  if (!outcome.ok) throw new Error(outcome.detail)
  return outcome.summary
}

/**
 * Rows of `features` as text, each under the event that made it: two logs of the same events have the same ones, though
 * definitions were put in force at other places.
 */
export async function featureTexts(sql: Sql): Promise<string[]> {
  const bytes = await sql.bytes(
    `SELECT e.source, e.id, f.* EXCEPT (offset, generation)
     FROM features AS f JOIN events AS e ON (e.partition, e.offset) = (f.partition, f.offset)
     ORDER BY e.source, e.id, f.borrower`,
    'JSONEachRow',
  )
  return Buffer.from(bytes).toString('utf8').trimEnd().split('\n')
}
