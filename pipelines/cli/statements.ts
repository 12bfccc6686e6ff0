import { type Sql, SqlError } from '../../sql/client.ts'
import { openReadOnly } from '../../sql/read-only.ts'
import { isStreamable } from '../../sql/streamable.ts'
import { withData } from './data.ts'
import { ask, type Holder } from './holder.ts'
import { describeError, Failure } from './output.ts'

/** Reading statements against a data directory, whoever holds it. */
export type Statements = {
  /** The answer piece by piece, in a ClickHouse format unless the statement names its own. */
  output(statement: string, format: string): AsyncIterable<Uint8Array>
}

/** ClickHouse: a kind of statement that cannot be streamed, such as SHOW. */
const BAD_ARGUMENTS = 36

/** Runs `use` with statements over the directory, for at most the patience of `withData`. */
export function withStatements<Result>(
  directory: string,
  use: (statements: Statements) => Promise<Result>,
): Promise<Result> {
  return withData(directory, {
    opened: async (database) => use(localStatements(openReadOnly(database))),
    held: (holder) => use(remoteStatements(holder)),
  })
}

/** The rows of a statement as objects. */
export async function readRows<Row>(statements: Statements, statement: string): Promise<Row[]> {
  const lines = (await readBytes(statements, statement, 'JSONEachRow')).toString('utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Row)
}

/** The whole answer of a statement in a ClickHouse format. */
export async function readBytes(statements: Statements, statement: string, format: string): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of statements.output(statement, format)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Over a read-only session of this process. */
export function localStatements(sql: Sql): Statements {
  return {
    async *output(statement, format) {
      let hasBegun = false
      if (canStream(statement, format)) {
        try {
          for await (const piece of sql.stream(statement, format)) {
            hasBegun = true
            yield piece
          }
          return
        } catch (error) {
          if (hasBegun || !(error instanceof SqlError) || error.code !== BAD_ARGUMENTS) throw error
        }
      }
      yield await sql.bytes(statement, format)
    },
  }
}

/** Over the SQL endpoint of the process that holds the directory. */
export function remoteStatements(holder: Holder): Statements {
  return {
    async *output(statement, format) {
      const path = `/sql?${new URLSearchParams({ default_format: format }).toString()}`
      const response = await ask(holder, path, { body: statement })
      if (response.body === null) return
      try {
        for await (const piece of response.body) yield piece as Uint8Array
      } catch (error) {
        throw new Failure(`the running process ended before its answer did (${describeError(error)}): try again`)
      }
    },
  }
}

/** Whether the pieces of this answer, put together, are the answer. */
function canStream(statement: string, format: string): boolean {
  if (!isStreamable(format)) return false
  if (!/\bformat\b/i.test(statement)) return true
  const named = /\bformat\s+([a-z0-9]+)\s*;?\s*$/i.exec(statement)?.[1]
  return named !== undefined && isStreamable(named)
}
