import type { SqlAnswer } from '../../api/dependencies.ts'
import { type Database, SqlError } from '../../sql/client.ts'
import { openReadOnly, whyNotReading } from '../../sql/read-only.ts'

const FORMAT_DEFAULT = 'TabSeparated'
/** Bounds of one statement of the operator's: it must not take the machine from sink and feed. */
const MEMORY_BYTES_MAX = 2_000_000_000
const SECONDS_MAX = 60

/** A session of its own for people's statements, read only, so that a slow one delays neither sink nor feed. */
export async function openSqlDoor(
  database: Database,
): Promise<(statement: string, format: string | undefined, signal: AbortSignal) => Promise<SqlAnswer>> {
  const sql = openReadOnly(database, { memory_bytes_max: MEMORY_BYTES_MAX, seconds_max: SECONDS_MAX })
  return async (statement, format, signal) => {
    const reason = whyNotReading(statement)
    if (reason !== undefined) return { ok: false, message: reason, status: 403 }
    const wanted = format ?? FORMAT_DEFAULT
    try {
      const bytes = await sql.bytes(statement, wanted)
      if (signal.aborted) return { ok: false, message: 'the statement took too long', status: 408 }
      return { ok: true, bytes, contentType: contentTypeOf(wanted) }
    } catch (error) {
      if (error instanceof SqlError) return { ok: false, message: error.message.split('\n', 1)[0] ?? '', status: 400 }
      throw error
    }
  }
}

function contentTypeOf(format: string): string {
  if (format === 'JSON' || format === 'JSONCompact') return 'application/json; charset=utf-8'
  if (/^(Parquet|Arrow|Native|RowBinary|ORC|Avro)/.test(format)) return 'application/octet-stream'
  return 'text/plain; charset=utf-8'
}
