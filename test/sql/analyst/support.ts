import type { AnalystLimits } from '../../../sql/analyst/settings.ts'
import { type AnalystStatement, openAnalystSql } from '../../../sql/analyst/statements.ts'
import type { Database } from '../../../sql/client.ts'
import { quoteIdentifier, quoteString, SqlError } from '../../../sql/client.ts'
import { migrate } from '../../../sql/migrate.ts'

export const LIMITS: AnalystLimits = {
  seconds_max: 20,
  memory_bytes_max: 500_000_000,
  threads_max: 2,
  result_rows_max: 100_000,
  result_bytes_max: 50_000_000,
}

/** In every text column of every row of a tenant's. */
export function secretOf(tenant: string): string {
  return `secret-of-${tenant}`
}

/** All tables of the schema, each with a few rows of each tenant's; tables without a tenant have rows of nobody's. */
export async function fillTables(database: Database, tenants: readonly string[]): Promise<void> {
  const sql = database.session()
  await migrate(sql)
  const tables = await sql.query<{ of_table: string; columns: [string, string][] }>(
    'SELECT table AS of_table, groupArray((name, type)) AS columns FROM system.columns ' +
      "WHERE database = currentDatabase() AND table IN (SELECT name FROM system.tables WHERE engine LIKE '%MergeTree') " +
      // What a table makes of its other columns cannot be written.
      "AND default_kind = '' GROUP BY table",
  )
  for (const { of_table: name, columns } of tables) {
    for (const [index, tenant] of tenants.entries()) {
      const values = columns.map(([column, type]) => valueOf(column, type, index, tenant))
      const names = columns.map(([column]) => quoteIdentifier(column)).join(', ')
      await sql.command(`INSERT INTO ${quoteIdentifier(name)} (${names}) SELECT ${values.join(', ')} FROM numbers(3)`)
    }
  }
  await sql.close()
}

function valueOf(column: string, type: string, index: number, tenant: string): string {
  if (column === 'tenant') return quoteString(tenant)
  if (type.includes('Array')) return '[]'
  if (type.includes('String')) return `concat(${quoteString(`${secretOf(tenant)}-`)}, toString(number % 2))`
  if (type.includes('Date')) return "toDate('2024-01-01')"
  return `number + ${index * 100}`
}

/** Runs one statement; the answer's whole text, or the failure. */
export async function ask(
  analyst: ReturnType<typeof openAnalystSql>,
  tenant: string | undefined,
  statement: string,
  more: Partial<AnalystStatement> = {},
): Promise<{ ok: boolean; text: string; code: number }> {
  const wanted = { tenant, statement, format: 'TSVRaw', settings: {}, params: {}, ...more }
  const answer = await analyst.run(wanted, new AbortController().signal)
  if (!answer.ok) return { ok: false, text: answer.failure.message, code: answer.failure.code }
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of answer.pieces) pieces.push(piece)
  } catch (error) {
    // A statement may fail after its first rows have come.
    if (error instanceof SqlError) return { ok: false, text: error.message, code: error.code }
    throw error
  }
  return { ok: true, text: Buffer.concat(pieces).toString('utf8'), code: 0 }
}
