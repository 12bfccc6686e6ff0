import type { Dependencies } from '../../api/dependencies.ts'
import type { AnalystLimits } from '../../sql/analyst/settings.ts'
import { type AnalystAnswer, openAnalystSql } from '../../sql/analyst/statements.ts'
import type { Database } from '../../sql/client.ts'

/** What one statement may use; the README's table says so too. */
export const SQL_LIMITS: AnalystLimits = {
  seconds_max: 60,
  memory_bytes_max: 2_000_000_000,
  threads_max: 4,
  result_rows_max: 10_000_000,
  result_bytes_max: 500_000_000,
}
/** Statements of one key, and of all keys, that run at a time. Each takes a thread of the pool that everybody shares. */
export const STATEMENTS_PER_KEY_MAX = 4
export const STATEMENTS_MAX = 8
/** After its time the engine ends a statement by itself, unless nobody takes the result: then it is ended here. */
const READING_GRACE_MS = 5000

export type SqlDoor = { readonly sql: Dependencies['sql']; close(): Promise<void> }

/** Runs analysts' statements apart from sink and feed, so many at a time. */
export function openSqlDoor(database: Database, limits: AnalystLimits = SQL_LIMITS): SqlDoor {
  const analyst = openAnalystSql(database, limits)
  const running = new Map<string, number>()
  let total = 0

  /** A place for one statement, given back by the function; undefined when there is none. */
  function enter(holder: string): (() => void) | undefined {
    const own = running.get(holder) ?? 0
    if (own >= STATEMENTS_PER_KEY_MAX || total >= STATEMENTS_MAX) return undefined
    running.set(holder, own + 1)
    total++
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      total--
      const left = (running.get(holder) ?? 1) - 1
      if (left === 0) running.delete(holder)
      else running.set(holder, left)
    }
  }

  return {
    async sql({ holder, ...statement }, signal) {
      const leave = enter(holder)
      if (leave === undefined) return tooMany()
      const late = AbortSignal.timeout(limits.seconds_max * 1000 + READING_GRACE_MS)
      try {
        const answer = await analyst.run(statement, AbortSignal.any([signal, late]))
        if (!answer.ok) leave()
        return answer.ok ? { ...answer, pieces: finishing(answer.pieces, late, leave) } : answer
      } catch (error) {
        leave()
        throw error
      }
    },
    close: () => analyst.close(),
  }
}

function tooMany(): AnalystAnswer {
  const message =
    `too many statements run at this moment: at most ${STATEMENTS_PER_KEY_MAX} of a key's and ` +
    `${STATEMENTS_MAX} of all keys together; come again when one has ended`
  return { ok: false, failure: { code: 202, name: 'TOO_MANY_SIMULTANEOUS_QUERIES', message } }
}

/** Calls `finish` once when the pieces are over, left, failed, or too late. */
function finishing(
  pieces: AsyncIterableIterator<Uint8Array>,
  late: AbortSignal,
  finish: () => void,
): AsyncIterableIterator<Uint8Array> {
  const end = async () => {
    late.removeEventListener('abort', onLate)
    finish()
    await pieces.return?.()
  }
  const onLate = () => void end()
  late.addEventListener('abort', onLate, { once: true })
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    async next() {
      late.throwIfAborted()
      try {
        const next = await pieces.next()
        if (next.done === true) await end()
        return next
      } catch (error) {
        await end()
        throw error
      }
    },
    async return() {
      await end()
      return { done: true, value: undefined }
    },
  }
  return iterator
}
