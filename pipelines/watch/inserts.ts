import type { Sql } from '../../sql/client.ts'

/** Told of each block that a table took. */
export type OnInsert = (table: string, rows: number, seconds: number) => void

/** The session, telling of its inserts: each attempt that succeeded, without the waiting between attempts. */
export function watchInserts(sql: Sql, onInsert: OnInsert): Sql {
  return {
    query: (text, of) => sql.query(text, of),
    bytes: (text, format, of) => sql.bytes(text, format, of),
    stream: (text, format, of) => sql.stream(text, format, of),
    command: (text) => sql.command(text),
    async insertBlock(table, block) {
      const { rows } = block
      const started = performance.now()
      await sql.insertBlock(table, block)
      if (rows > 0) onInsert(table, rows, (performance.now() - started) / 1000)
    },
    close: () => sql.close(),
  }
}
