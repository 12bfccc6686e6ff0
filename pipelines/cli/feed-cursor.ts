import { decodeCursor, encodeCursor } from '../../api/feed/cursor.ts'

/**
 * The command line's cursor over the feeds of several tenants: the API's cursors of those that have been read from,
 * joined by dots. So with one tenant it is the API's cursor, and either takes the other's.
 */

const SEPARATOR = '.'

/** Per tenant the `feed_seq` read last in each partition. */
export type Positions = Map<string, number[]>

export function encodeFeedCursor(positions: Positions): string {
  const tenants = [...positions.keys()].sort()
  const begun = tenants.filter((tenant) => positions.get(tenant)?.some((position) => position > 0))
  // Nothing read at all is a place too.
  const told = begun.length > 0 ? begun : tenants.slice(0, 1)
  return told.map((tenant) => encodeCursor(tenant, positions.get(tenant) ?? [])).join(SEPARATOR)
}

/** Reads a cursor of feeds of these tenants. One that the cursor does not tell of begins with its first row. */
export function decodeFeedCursor(
  cursor: string,
  tenants: readonly string[],
  partitions: number,
): { readonly ok: true; readonly positions: Positions } | { readonly ok: false; readonly detail: string } {
  const positions: Positions = new Map()
  for (const part of cursor.split(SEPARATOR)) {
    const tenant = tenants.find((one) => !positions.has(one) && decodeCursor(one, partitions, part).ok)
    if (tenant === undefined) return { ok: false, detail: 'it is no cursor of this feed, or a part of it got lost' }
    const decoded = decodeCursor(tenant, partitions, part)
    if (decoded.ok) positions.set(tenant, decoded.positions)
  }
  return { ok: true, positions }
}
