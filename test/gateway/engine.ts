import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drainPending, Session } from 'chdb'

/**
 * Statements as ClickHouse's HTTP interface takes them, run by the embedded engine. It is opened bare, so that all that a
 * statement needs has to come with its request.
 */

export type Statement = {
  readonly sql: string
  /** What follows `FORMAT …` of an INSERT. */
  readonly data: Buffer | undefined
  readonly format: string
  readonly database: string
  readonly settings: readonly (readonly [name: string, value: string])[]
  /** `{name:Type}` → the value in ClickHouse's escaped form. */
  readonly params: readonly (readonly [name: string, value: string])[]
}

export type Refusal = { readonly code: number; readonly text: string }

export type Engine = {
  /** The whole answer. */
  run(statement: Statement): Promise<Buffer | Refusal>
  /** The answer piece by piece; an exception after the first is thrown. */
  stream(statement: Statement): AsyncGenerator<Uint8Array, void, undefined>
  close(): Promise<void>
}

/** Idle sessions that are kept for each set of settings. */
const IDLE_MAX = 4
/** Caches of a laptop, as the embedded engine of the program has them; they are no part of a statement. */
const ARGUMENTS = [
  '--mark_cache_size=67108864',
  '--index_mark_cache_size=16777216',
  '--primary_index_cache_size=33554432',
]
const INSERT = /^(\s*INSERT\s+INTO\s[\s\S]*?)\s+FORMAT\s+(\w+)\s*$/i

export function openEngine(directory: string): Engine {
  const first = new Session(directory, { connectionArgs: ARGUMENTS })
  const idle = new Map<string, Session[]>()
  let files = 0

  async function take(statement: Statement): Promise<{ readonly session: Session; readonly key: string }> {
    const setup = setupOf(statement)
    const key = setup.join(';')
    const kept = idle.get(key)?.pop()
    if (kept !== undefined) return { session: kept, key }
    const session = new Session(directory, { connectionArgs: ARGUMENTS })
    try {
      for (const line of setup) await session.queryAsync(line)
      return { session, key }
    } catch (error) {
      session.close()
      throw error
    }
  }

  function give(session: Session, key: string, { sql, params }: Statement): void {
    const list = idle.get(key) ?? []
    // What such a statement changed is over with the request.
    const isChanged = params.length > 0 || /^\s*(?:SET|USE)\b/i.test(sql)
    if (isChanged || list.length >= IDLE_MAX) session.close()
    else idle.set(key, [...list, session])
  }

  function withFile<Result>(statement: Statement, use: (sql: string) => Promise<Result>): Promise<Result> {
    const insert = statement.data === undefined ? null : INSERT.exec(statement.sql)
    if (statement.data === undefined || insert === null) return use(statement.sql)
    const path = join(directory, `gateway-${files++}.block`)
    writeFileSync(path, statement.data)
    return use(`${insert[1]} FROM INFILE '${path}' FORMAT ${insert[2]}`).finally(() => rmSync(path))
  }

  return {
    async run(statement) {
      try {
        const { session, key } = await take(statement)
        try {
          const { format } = statement
          const result = await withFile(statement, (sql) => session.queryAsync(sql, { format }))
          return Buffer.from(result.bytes())
        } finally {
          give(session, key, statement)
        }
      } catch (error) {
        return refusalOf(error)
      }
    },
    async *stream(statement) {
      const { session, key } = await take(statement)
      const pieces = session.queryStream(statement.sql, { format: statement.format })
      try {
        for await (const piece of pieces) yield piece.raw()
      } finally {
        pieces.cancel()
        give(session, key, statement)
      }
    },
    async close() {
      for (const sessions of idle.values()) for (const session of sessions) session.close()
      first.close()
      await drainPending()
    },
  }
}

function setupOf({ database, settings, params }: Statement): string[] {
  const literal = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = [`USE \`${database}\``]
  // The rights are checked before any setting is in force, so reading alone comes last.
  const order = [...settings].sort(([a], [b]) => Number(a === 'readonly') - Number(b === 'readonly'))
  for (const [name, value] of params) lines.push(`SET param_${name} = ${literal(value)}`)
  for (const [name, value] of order) lines.push(`SET ${name} = ${literal(value)}`)
  return lines
}

/** The exception as the server words it: `Code: N. DB::Exception: … (NAME)`. */
export function refusalOf(error: unknown): Refusal {
  const message = error instanceof Error ? error.message : String(error)
  const code = (error as { clickhouseCode?: number }).clickhouseCode ?? 0
  return { code, text: message.startsWith('Code:') ? message : `Code: ${code}. DB::Exception: ${message}` }
}
