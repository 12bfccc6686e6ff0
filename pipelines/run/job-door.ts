import type { Dependencies } from '../../api/dependencies.ts'
import { backfill } from '../backfill/backfill.ts'
import { redrive } from '../deadletters/redrive.ts'
import type { JobProgress } from '../jobs.ts'
import { verifyLedger } from '../verify/ledger.ts'
import { verify } from '../verify/verify.ts'
import type { Pipeline } from './pipeline.ts'

/** How often a job says how far it is: a connection on which nothing came for minutes would be cut. */
const PROGRESS_EVERY_MS = 1000

type Outcome<Result> = { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly detail: string }
type Work<Result> = (onProgress: (progress: JobProgress) => void) => Promise<Outcome<Result>>

/**
 * Jobs over the whole log, in the process that holds the directory, beside intake and engine: sessions of their own, and
 * the event loop in short turns. One at a time.
 */
export function createJobDoor(
  pipeline: Pipeline,
  onError: (error: unknown) => void,
): NonNullable<Dependencies['jobs']> {
  const { database, shape } = pipeline
  const { catalogue } = pipeline.engine
  let isBusy = false

  async function* linesOf<Result>(signal: AbortSignal, work: Work<Result>): AsyncGenerator<string, void, undefined> {
    if (isBusy) {
      yield line({ failure: 'another verify, backfill or redrive is running: wait for its end' })
      return
    }
    isBusy = true
    let progress: JobProgress = { events: 0, share: 0, detail: 'starting' }
    let done: object | undefined
    const working = work((now) => {
      progress = now
    })
      .then((outcome) => {
        done = outcome.ok ? { result: outcome.result } : { failure: outcome.detail }
      })
      .catch((error: unknown) => {
        if (!signal.aborted) onError(error)
        done = { failure: signal.aborted ? 'stopped' : String(error instanceof Error ? error.message : error) }
      })
      .finally(() => {
        isBusy = false
      })
    while (done === undefined) {
      yield line({ progress })
      await Promise.race([working, pause(PROGRESS_EVERY_MS)])
    }
    yield line(done)
  }

  return {
    verify: (tenant, signal) =>
      linesOf(signal, async (onProgress) => {
        const outcome = await verify({
          database,
          shape,
          catalogue,
          models: pipeline.models,
          ...(tenant === undefined ? {} : { tenant }),
          atRest: (work) => pipeline.atRest(work),
          onProgress,
          signal,
        })
        return outcome.ok ? { ok: true, result: outcome.report } : outcome
      }),
    verifyLedger: (tenant, signal) =>
      linesOf(signal, async (onProgress) => {
        const parts = { database, onProgress, signal }
        return { ok: true, result: await verifyLedger({ ...parts, ...(tenant === undefined ? {} : { tenant }) }) }
      }),
    backfill: (features, signal) =>
      linesOf(signal, async (onProgress) => {
        const outcome = await backfill({ database, shape, catalogue, features, onProgress, signal })
        return outcome.ok ? { ok: true, result: outcome.summary } : outcome
      }),
    redrive: (wanted, signal) =>
      linesOf(signal, async (onProgress) => {
        const result = await redrive(pipeline, { ...wanted, onProgress, signal })
        return { ok: true, result }
      }),
  }
}

function line(message: object): string {
  return `${JSON.stringify(message)}\n`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
