import { setTimeout as sleep } from 'node:timers/promises'

/** How requests to a bucket are made, made again, and fail. */

/** How often a request is made, with growing pauses: by the client, or here where a file is sent or received. */
export const ATTEMPTS_MAX = 3
const RETRY_AFTER_MS = 200
/** Files of a checkpoint on their way at once. */
const FILES_AT_ONCE = 4

/** The bucket did not do what it was asked to, after all attempts. */
export type CheckpointBucketUnavailable = { readonly kind: 'CheckpointBucketUnavailable'; readonly message: string }
/** It was told to stop. */
export type Stopped = { readonly kind: 'stopped' }

/** What the bucket answered, or that it did not: anything else that is thrown is a mistake of ours. */
export class BucketFailure extends Error {}
/** The object is not there, or not as the condition says. */
export class NotAsExpected extends Error {}

/** What the client answers; its failures are all the bucket's. */
export async function asked<Answer>(request: Promise<Answer>): Promise<Answer> {
  try {
    return await request
  } catch (error) {
    const { name, message } = error as Error
    const status = statusOf(error)
    const Failure = name === 'NoSuchKey' || status === 409 || status === 412 ? NotAsExpected : BucketFailure
    throw new Failure(`${name}: ${message}`, { cause: error })
  }
}

/** Does what the client does not do by itself: it sends no file twice, and does not know how receiving one ended. */
export async function again<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const isFinal = error instanceof NotAsExpected || attemptsOf(error) >= ATTEMPTS_MAX || isRefusal(statusOf(error))
      if (isFinal || signal.aborted || attempt === ATTEMPTS_MAX) throw error
      await sleep(RETRY_AFTER_MS * attempt)
    }
  }
}

/** An expected failure is a value. */
export async function answerOf<Answer>(
  signal: AbortSignal,
  work: () => Promise<Answer>,
): Promise<Answer | CheckpointBucketUnavailable | Stopped> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BucketFailure || error instanceof NotAsExpected)) throw error
    return signal.aborted ? { kind: 'stopped' } : { kind: 'CheckpointBucketUnavailable', message: error.message }
  }
}

/** Works on a few items at a time, and ends only when nothing is under way any more. */
export async function atOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const pending = items.values()
  let hasFailed = false
  async function line(): Promise<void> {
    for (const item of pending) {
      if (hasFailed) return
      try {
        await work(item)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: Math.min(FILES_AT_ONCE, items.length) }, line))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

type ClientError = { $metadata?: { httpStatusCode?: number; attempts?: number }; cause?: unknown }

export function statusOf(error: unknown): number | undefined {
  const { $metadata, cause } = error as ClientError
  return $metadata?.httpStatusCode ?? (cause as ClientError | undefined)?.$metadata?.httpStatusCode
}

/** How often the client itself has tried. */
function attemptsOf(error: unknown): number {
  return ((error as ClientError).cause as ClientError | undefined)?.$metadata?.attempts ?? 1
}

function isRefusal(status = 0): boolean {
  return status >= 400 && status < 500
}
