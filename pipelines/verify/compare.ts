import { dateOfDay } from '../../features/time.ts'
import type { Sql } from '../../sql/client.ts'
import {
  type HashedRow,
  type RowScope,
  readColumns,
  readRowHashes,
  readRowTexts,
  type TableColumn,
} from '../../sql/queries/row-hashes.ts'
import type { ComparedTable } from './tables.ts'

/** One cell that differs, or a whole row, whose `column` is null. What is not there is null. */
export type Difference = {
  readonly table: string
  readonly key: Readonly<Record<string, string | number>>
  readonly column: string | null
  /** As ClickHouse writes them in tab-separated values: `\N` is NULL. */
  readonly stored: string | null
  readonly recomputed: string | null
}

export type TableReport = {
  readonly table: string
  /** Rows that both have, and cells of theirs that were compared. */
  readonly rows: number
  readonly cells: number
  readonly rows_differing: number
  readonly rows_missing: number
  readonly rows_extra: number
  /** Rows that a later place than the last one compared has replaced since. */
  readonly rows_gone_on: number
}

/** Keys of rows that differ, as far as they are to be named. */
type Found = { readonly kind: 'differing' | 'missing' | 'extra'; readonly key: readonly (string | number)[] }

const PRESENT = 'there'

/** Compares a table as stored with its recomputation, names up to `namedMax` differences, and counts all of them. */
export async function compareTable(
  stored: Sql,
  recomputed: Sql,
  compared: ComparedTable,
  scope: RowScope,
  namedMax: number,
  signal: AbortSignal,
): Promise<{ readonly report: TableReport; readonly differences: Difference[] }> {
  const { table, key, isReplaced } = compared
  const columns = await readColumns(stored, table)
  const own = { ...scope, withLater: isReplaced === true }
  const mine = new Rows(readRowHashes(stored, table, key, columns, own))
  const theirs = new Rows(readRowHashes(recomputed, table, key, columns, own))
  const counts = { rows: 0, differing: 0, missing: 0, extra: 0, goneOn: 0 }
  const found: Found[] = []
  const note = (kind: Found['kind'], row: HashedRow) => {
    counts[kind]++
    if (found.length < namedMax) found.push({ kind, key: row.key })
  }
  try {
    await Promise.all([mine.load(), theirs.load()])
    for (;;) {
      if (mine.isUsedUp || theirs.isUsedUp) {
        signal.throwIfAborted()
        await Promise.all([mine.load(), theirs.load()])
      }
      const a = mine.row
      const b = theirs.row
      if (a === undefined && b === undefined) break
      const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a.key, b.key)
      if (a !== undefined && order <= 0) mine.next()
      if (b !== undefined && order >= 0) theirs.next()
      if (a?.isLater === true && order <= 0) counts.goneOn++
      else if (order < 0) note('extra', a as HashedRow)
      else if (order > 0) note('missing', b as HashedRow)
      else {
        counts.rows++
        if (a?.low !== b?.low || a?.high !== b?.high) note('differing', a as HashedRow)
      }
    }
  } finally {
    await Promise.all([mine.close(), theirs.close()])
  }
  const report: TableReport = {
    table,
    rows: counts.rows,
    cells: counts.rows * (columns.length - key.length),
    rows_differing: counts.differing,
    rows_missing: counts.missing,
    rows_extra: counts.extra,
    rows_gone_on: counts.goneOn,
  }
  const differences = await nameDifferences(stored, recomputed, compared, columns, found)
  return { report, differences: differences.slice(0, namedMax) }
}

/** Rows that arrive in pieces, one after the other. */
class Rows {
  readonly #pieces: AsyncGenerator<HashedRow[], void, undefined>
  #rows: readonly HashedRow[] = []
  #at = 0
  #isAtEnd = false

  constructor(pieces: AsyncGenerator<HashedRow[], void, undefined>) {
    this.#pieces = pieces
  }

  /** The row that is next, undefined after the last one. */
  get row(): HashedRow | undefined {
    return this.#rows[this.#at]
  }

  get isUsedUp(): boolean {
    return this.#at >= this.#rows.length && !this.#isAtEnd
  }

  next(): void {
    this.#at++
  }

  async load(): Promise<void> {
    while (this.isUsedUp) {
      const next = await this.#pieces.next()
      this.#isAtEnd = next.done === true
      this.#rows = next.done === true ? [] : next.value
      this.#at = 0
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return()
  }
}

/** In the order of the engine: numbers by size, strings by their bytes, which for tokens are their units. */
function compareKeys(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (let i = 0; i < a.length; i++) {
    const left = a[i] as string | number
    const right = b[i] as string | number
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

async function nameDifferences(
  stored: Sql,
  recomputed: Sql,
  { table, key }: ComparedTable,
  columns: readonly TableColumn[],
  found: readonly Found[],
): Promise<Difference[]> {
  const differing = found.filter(({ kind }) => kind === 'differing').map((one) => one.key)
  const [mine, theirs] =
    differing.length === 0
      ? [[], []]
      : await Promise.all([stored, recomputed].map((sql) => readRowTexts(sql, table, key, columns, differing)))
  let at = 0
  return found.flatMap(({ kind, key: values }): Difference[] => {
    const named = nameKey(key, columns, values)
    if (kind === 'missing') return [{ table, key: named, column: null, stored: null, recomputed: PRESENT }]
    if (kind === 'extra') return [{ table, key: named, column: null, stored: PRESENT, recomputed: null }]
    const a = mine?.[at] ?? []
    const b = theirs?.[at] ?? []
    at++
    return columns.flatMap(({ name }, i) =>
      a[i] === b[i] ? [] : [{ table, key: named, column: name, stored: a[i] ?? null, recomputed: b[i] ?? null }],
    )
  })
}

function nameKey(
  key: readonly string[],
  columns: readonly TableColumn[],
  values: readonly (string | number)[],
): Record<string, string | number> {
  return Object.fromEntries(
    key.map((name, i) => {
      const value = values[i] as string | number
      const isDate = columns.find((one) => one.name === name)?.type === 'Date'
      return [name, isDate ? dateOfDay(Number(value)) : value]
    }),
  )
}
