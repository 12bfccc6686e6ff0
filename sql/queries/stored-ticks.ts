import type { Sql } from '../client.ts'
import { readRowBinary } from '../row-binary.ts'

/** A borrower whose features were stored at a tick, or whose warning was opened or cleared, at that place. */
export type PlaceOfBorrower = { readonly offset: number; readonly tenant: string; readonly borrower: string }
export type WarningTurn = PlaceOfBorrower & { readonly isOpen: boolean }

/** Ticks of a partition at `fromOffset` or after it and below `until` that have a row in `features`, by offset, piece by piece. */
export async function* readStoredTicks(
  sql: Sql,
  partition: number,
  fromOffset: number,
  until: number,
): AsyncGenerator<PlaceOfBorrower[], void, undefined> {
  const pieces = sql.stream(
    `SELECT offset, tenant, borrower FROM features
     WHERE partition = ${partition} AND offset >= ${fromOffset} AND offset < ${until} AND type = 'day.closed'
     ORDER BY offset`,
    'RowBinary',
  )
  for await (const piece of pieces) {
    const reader = readRowBinary(piece)
    const rows: PlaceOfBorrower[] = []
    while (reader.more()) rows.push({ offset: reader.uint64(), tenant: reader.string(), borrower: reader.string() })
    yield rows
  }
}

/** Places below `until` at which a borrower's warning was opened or cleared, by offset, piece by piece. */
export async function* readWarningTurns(
  sql: Sql,
  partition: number,
  until: number,
): AsyncGenerator<WarningTurn[], void, undefined> {
  const pieces = sql.stream(
    `SELECT offset, tenant, borrower, toUInt8(type = 'opened') FROM warnings
     WHERE partition = ${partition} AND offset < ${until} AND type IN ('opened', 'cleared')
     ORDER BY offset, seq`,
    'RowBinary',
  )
  for await (const piece of pieces) {
    const reader = readRowBinary(piece)
    const rows: WarningTurn[] = []
    while (reader.more()) {
      const place = { offset: reader.uint64(), tenant: reader.string(), borrower: reader.string() }
      rows.push({ ...place, isOpen: reader.uint8() === 1 })
    }
    yield rows
  }
}
