import type { Sql } from '../client.ts'
import type { Hash64 } from '../native.ts'

/** Ids of one statement at most, so that its text stays bounded. */
const IDS_PER_STATEMENT = 2000

export type KnownId = { readonly id_hash: Hash64; readonly content_hash: Hash64 }

/** The places of the log whose records the engine refused: an event that has no other place does not count as received. */
export const REFUSED_PLACES =
  "(SELECT assumeNotNull(partition), assumeNotNull(offset) FROM dead_letters WHERE step = 'apply' AND partition IS NOT NULL)"

/**
 * Which of these ids `events` holds, each with the hash of what its event says; what the engine refused is left out.
 * `whenFound` is awaited before that is asked, where there is anything to ask: so that the tables say all of it.
 */
export function findKnownIds(sql: Sql, ids: readonly Hash64[], whenFound?: () => Promise<void>): Promise<KnownId[]> {
  return knownIdRows(sql, ids, '1', whenFound)
}

/** The same among the rows that a condition leaves. */
export async function knownIdRows(
  sql: Sql,
  ids: readonly Hash64[],
  condition: string,
  whenFound?: () => Promise<void>,
): Promise<KnownId[]> {
  const found: KnownId[] = []
  for (let i = 0; i < ids.length; i += IDS_PER_STATEMENT) {
    const list = ids
      .slice(i, i + IDS_PER_STATEMENT)
      .map(toDecimal)
      .join(', ')
    const read = (more: string) =>
      sql.query<{ id_hash: string; content_hash: string }>(
        `SELECT DISTINCT toString(id_hash) AS id_hash, toString(content_hash) AS content_hash
         FROM events PREWHERE events.id_hash IN (${list}) WHERE ${condition}${more}`,
      )
    // Most late events are new, and then nothing else is read.
    if ((await read('')).length === 0) continue
    await whenFound?.()
    const rows = await read(` AND (partition, offset) GLOBAL NOT IN ${REFUSED_PLACES}`)
    for (const row of rows) found.push({ id_hash: toHash(row.id_hash), content_hash: toHash(row.content_hash) })
  }
  return found
}

function toDecimal({ high, low }: Hash64): string {
  return ((BigInt(high) << 32n) | BigInt(low)).toString()
}

function toHash(decimal: string): Hash64 {
  const value = BigInt(decimal)
  return { high: Number(value >> 32n), low: Number(value & 0xffffffffn) }
}
