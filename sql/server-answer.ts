/** Watches over one statement: it is given up when the server shows no sign of life, or when the caller wants no more. */
export type Watch = {
  /** Aborted when the statement is given up. */
  readonly signal: AbortSignal
  /** Why it was given up, if it was. */
  readonly givenUp: 'late' | 'cancelled' | undefined
  /** The server has been heard; from now on it is the caller who takes time. */
  pause(): void
  /** Waits for the server again, for the full time. */
  resume(): void
  /** The statement is over. */
  stop(): void
}

export function createWatch(idleMsMax: number, signal: AbortSignal | undefined): Watch {
  const controller = new AbortController()
  let givenUp: 'late' | 'cancelled' | undefined
  let timer: NodeJS.Timeout | undefined
  function giveUp(why: 'late' | 'cancelled'): void {
    givenUp ??= why
    controller.abort()
  }
  const cancel = () => giveUp('cancelled')
  const watch: Watch = {
    signal: controller.signal,
    get givenUp() {
      return givenUp
    },
    pause: () => clearTimeout(timer),
    resume() {
      clearTimeout(timer)
      timer = setTimeout(giveUp, idleMsMax, 'late')
    },
    stop() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', cancel)
    },
  }
  if (signal?.aborted === true) cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  watch.resume()
  return watch
}

/** What the server writes into an answer that had begun well, and the header that says with which tag. */
const EXCEPTION_MARKER = '__exception__'
/** After the text of an exception stands its length, the tag and the marker again. */
const TRAILER = /\n\d+ [^\n]*\r\n__exception__\s*$/

/** Thrown by `pieces` for an exception within the answer. */
export class AnswerBroken extends Error {}

/**
 * The pieces of an answer's body. An exception after the first piece comes as text at the end, marked with a tag that is
 * new for each answer: the pieces stop before it, then `AnswerBroken` is thrown with the text.
 */
export async function* pieces(
  body: AsyncIterable<Uint8Array>,
  tag: string | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (tag === undefined) {
    yield* body
    return
  }
  const marker = Buffer.from(`\r\n${EXCEPTION_MARKER}\r\n${tag}`)
  const iterator = body[Symbol.asyncIterator]()
  // As much as may be the beginning of the marker is kept back until the next piece is there.
  let kept: Uint8Array = new Uint8Array()
  try {
    for (;;) {
      const next = await iterator.next()
      if (next.done === true) break
      const piece = next.value
      const joined = Buffer.concat([kept, piece])
      const at = joined.indexOf(marker)
      if (at >= 0) {
        if (at > 0) yield joined.subarray(0, at)
        throw new AnswerBroken(await readException(joined.subarray(at + marker.length), iterator))
      }
      const sure = Math.max(0, joined.length - marker.length + 1)
      if (sure > 0) yield joined.subarray(0, sure)
      kept = joined.subarray(sure)
    }
    if (kept.length > 0) yield kept
  } finally {
    await iterator.return?.()
  }
}

async function readException(first: Uint8Array, rest: AsyncIterator<Uint8Array>): Promise<string> {
  const parts = [first]
  try {
    for (;;) {
      const next = await rest.next()
      if (next.done === true) break
      parts.push(next.value)
    }
  } catch {
    // The server breaks the connection after the text, so that nobody takes the answer for whole.
  }
  return Buffer.concat(parts).toString('utf8').replace(TRAILER, '').trim()
}
