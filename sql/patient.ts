import { setTimeout as sleep } from 'node:timers/promises'
import { type Sql, SqlError } from './client.ts'
import { createSerialQueue } from './serial-queue.ts'

/**
 * Statements that wait for ClickHouse instead of failing: for the sink and for reading the log, whose work cannot be left
 * out. A statement that may succeed later is said again until it does; so whoever uses this gives only statements that may
 * be done twice (rows are keyed, DDL says IF NOT EXISTS). Nothing is dropped and nothing is queued here: the caller waits,
 * and with it whatever feeds the caller.
 */

/** The first pause; each further one is twice as long, up to the largest. */
export const PAUSE_MS_FIRST = 100
export const PAUSE_MS_MAX = 5000

export type Outage = {
  /** By the clock: when the first of the statements that wait now failed for the first time. */
  readonly clickhouse_unavailable_since: number
  /** The latest failure, in one line. */
  readonly reason: string
  /** Statements that wait. */
  readonly waiting: number
  /** Attempts that failed since then. */
  readonly failures: number
}

/** Knows whether statements wait for ClickHouse; one for all sessions of a process. */
export type Availability = {
  /** Undefined while nothing waits. */
  readonly outage: Outage | undefined
  /** Told of a failed attempt of a statement. `statement` stands for it until `ended`. */
  failed(statement: object, error: SqlError): void
  ended(statement: object): void
}

/** `onChange` is called when an outage begins, and with undefined when it is over. */
export function createAvailability(onChange: (outage: Outage | undefined) => void = () => {}): Availability {
  const waiting = new Set<object>()
  let outage: Outage | undefined
  return {
    get outage() {
      return outage
    },
    failed(statement, error) {
      waiting.add(statement)
      const isFirst = outage === undefined
      outage = {
        clickhouse_unavailable_since: outage?.clickhouse_unavailable_since ?? Date.now(),
        reason: error.message.split('\n', 1)[0] ?? '',
        waiting: waiting.size,
        failures: (outage?.failures ?? 0) + 1,
      }
      if (isFirst) onChange(outage)
    },
    ended(statement) {
      if (!waiting.delete(statement)) return
      if (waiting.size > 0 && outage !== undefined) {
        outage = { ...outage, waiting: waiting.size }
        return
      }
      outage = undefined
      onChange(undefined)
    },
  }
}

export type PatientOptions = {
  readonly availability: Availability
  /** Ends the waiting: the statement then fails as it did last. */
  readonly signal: AbortSignal
  readonly pause_ms_first?: number
  readonly pause_ms_max?: number
}

/**
 * The session with statements that wait, and those after them behind them. What the engine refuses fails at once, as ever.
 * `close` waits for them too, until the signal ends that.
 */
export function patient(sql: Sql, options: PatientOptions): Sql {
  const { availability, signal, pause_ms_first = PAUSE_MS_FIRST, pause_ms_max = PAUSE_MS_MAX } = options

  const queue = createSerialQueue()

  /** Waits after a failure; throws it when waiting has no sense. */
  async function pauseAfter(error: unknown, statement: object, attempt: number): Promise<void> {
    if (!(error instanceof SqlError && error.isRetryable) || signal.aborted) throw error
    availability.failed(statement, error)
    // No chance in the length: a worker alone decides when it asks again, and there are few of them.
    const ms = Math.min(pause_ms_max, pause_ms_first * 2 ** attempt)
    try {
      await sleep(ms, undefined, { signal })
    } catch {
      throw error
    }
  }

  function persist<Result>(work: () => Promise<Result>): Promise<Result> {
    return queue.exclusive(() => insist(work))
  }

  async function insist<Result>(work: () => Promise<Result>): Promise<Result> {
    const statement = {}
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          return await work()
        } catch (error) {
          await pauseAfter(error, statement, attempt)
        }
      }
    } finally {
      availability.ended(statement)
    }
  }

  /** Begins again as long as the caller has seen nothing; afterwards only the caller knows where to go on. */
  async function* persistentStream(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const release = await queue.hold()
    const statement = {}
    let isBegun = false
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          for await (const piece of open()) {
            isBegun = true
            availability.ended(statement)
            yield piece
          }
          return
        } catch (error) {
          if (isBegun) throw error
          await pauseAfter(error, statement, attempt)
        }
      }
    } finally {
      availability.ended(statement)
      release()
    }
  }

  return {
    query: (text, of) => persist(() => sql.query(text, of)),
    bytes: (text, format, of) => persist(() => sql.bytes(text, format, of)),
    stream: (text, format, of) => persistentStream(() => sql.stream(text, format, of)),
    command: (text) => persist(() => sql.command(text)),
    insertBlock: (table, block) => persist(() => sql.insertBlock(table, block)),
    async close() {
      await queue.close()
      await sql.close()
    },
  }
}
