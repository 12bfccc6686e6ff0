import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import { type VerifyReport, verify } from '../../../pipelines/verify/verify.ts'

/** Verifies what a pipeline serves, as the process that holds it does. */
export async function verifyPipeline(pipeline: Pipeline, tenant?: string): Promise<VerifyReport> {
  const outcome = await verify({
    database: pipeline.database,
    shape: pipeline.shape,
    catalogue: pipeline.engine.catalogue,
    models: pipeline.models,
    ...(tenant === undefined ? {} : { tenant }),
    atRest: (work) => pipeline.atRest(work),
    onProgress() {},
    signal: new AbortController().signal,
  })
  if (!outcome.ok) throw new Error(outcome.detail)
  return outcome.report
}

/** What a report says of differences, without the row's key. */
export function findingsOf({ differences }: VerifyReport): string[] {
  return differences.map(({ table, column, stored, recomputed }) => `${table} ${column}: ${stored}, not ${recomputed}`)
}
