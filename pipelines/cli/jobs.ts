import { z } from 'zod'
import type { JobProgress } from '../jobs.ts'
import { type DataUse, withData } from './data.ts'
import { ask, type Holder } from './holder.ts'
import { describeError, Failure } from './output.ts'
import { Progress } from './progress.ts'

/** Jobs over the whole log, here or, like `sql`, in the process that holds the directory. */

const lineSchema = z.union([
  z.object({ progress: z.object({ events: z.number(), share: z.number(), detail: z.string() }) }),
  z.object({ result: z.unknown() }),
  z.object({ failure: z.string() }),
])

export type JobUse<Result> = {
  readonly label: string
  /** The job when nobody else holds the directory. An expected failure is a `Failure`. */
  readonly opened: (
    database: Parameters<DataUse<Result>['opened']>[0],
    onProgress: (progress: JobProgress) => void,
    signal: AbortSignal,
  ) => Promise<Result>
  /** Path and query of the job at the process that holds it. */
  readonly path: string
  /** What is sent there as JSON, if anything. */
  readonly body?: object
  /** A directory that is absent or empty is made, instead of being a mistake. */
  readonly makes?: true
}

/** Runs a job until its end or Ctrl-C, with its progress on standard error. */
export function runJob<Result>(directory: string, use: JobUse<Result>): Promise<Result> {
  return withJobProgress(use.label, (onProgress, signal) =>
    withData(
      directory,
      {
        opened: (database) => use.opened(database, onProgress, signal),
        held: (holder) => askForJob<Result>(holder, use, onProgress, signal),
      },
      use.makes === true ? { makes: true } : {},
    ),
  )
}

/** Shows the progress of some work on standard error, and stops it with Ctrl-C. */
export async function withJobProgress<Result>(
  label: string,
  work: (onProgress: (progress: JobProgress) => void, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const progress = new Progress(label)
  const stop = new AbortController()
  const onSignal = () => stop.abort(new Failure('stopped before the end: run the same command again'))
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  let events = 0
  const show = (now: JobProgress) => {
    events = now.events
    progress.show(now.events, now.share, now.detail)
  }
  const result = await work(show, stop.signal)
  progress.end(events)
  return result
}

/** Asks the process that holds the directory for a job and follows it. */
export async function askForJob<Result>(
  holder: Holder,
  { path, body }: Pick<JobUse<Result>, 'path' | 'body'>,
  onProgress: (progress: JobProgress) => void,
  signal: AbortSignal,
): Promise<Result> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' }
  const response = await ask(holder, path, { method: 'POST', signal, ...sent })
  for await (const line of linesOf(response, signal)) {
    const message = lineSchema.parse(JSON.parse(line))
    if ('progress' in message) onProgress(message.progress)
    else if ('failure' in message) throw new Failure(message.failure)
    else return message.result as Result
  }
  throw new Failure('the running process ended before the job did: run the same command again')
}

async function* linesOf(response: Response, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const piece of response.body ?? []) {
      const lines = (rest + decoder.decode(piece as Uint8Array, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new Failure(`the running process ended before the job did (${describeError(error)}): run the command again`)
  }
}
