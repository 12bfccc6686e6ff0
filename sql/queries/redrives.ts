import { quoteString, type Sql } from '../client.ts'

/** Where a record that was sent again is now; `reason` is that of the engine's refusal there, '' for none. */
export type NewPlace = {
  readonly partition: number
  readonly offset: number
  readonly reason: string
  readonly detail: string
}

/**
 * Records beyond these places (last offset by partition) whose source partition contains a text, by source partition; the
 * first place of one that every partition has.
 */
export async function findNewPlaces(
  sql: Sql,
  ends: ReadonlyMap<number, number>,
  sourceText: string,
): Promise<Map<string, NewPlace>> {
  const beyond = [...ends]
    .map(([partition, offset]) => `(partition = ${partition} AND offset > ${offset})`)
    .join(' OR ')
  const rows = await sql.query<NewPlace & { readonly source_partition: string }>(
    `SELECT e.source_partition AS source_partition, e.partition AS partition, e.offset AS offset,
       d.reason AS reason, d.detail AS detail
     FROM (SELECT tenant, source_partition, partition, offset FROM events
       WHERE (${beyond}) AND position(source_partition, ${quoteString(sourceText)}) > 0) AS e
     GLOBAL LEFT JOIN (SELECT assumeNotNull(partition) AS p, assumeNotNull(offset) AS o, reason, detail FROM dead_letters
       WHERE step = 'apply' AND partition IS NOT NULL) AS d ON e.partition = d.p AND e.offset = d.o
     ORDER BY partition, offset`,
  )
  const places = new Map<string, NewPlace>()
  for (const { source_partition, ...place } of rows) {
    if (!places.has(source_partition)) places.set(source_partition, place)
  }
  return places
}

/** What the tables say of places of the log, by `partition/offset`: nothing of a repeat, an empty reason of what was taken. */
export async function readVerdicts(
  sql: Sql,
  places: readonly { readonly partition: number; readonly offset: number }[],
): Promise<Map<string, { readonly reason: string; readonly detail: string }>> {
  if (places.length === 0) return new Map()
  const list = `(${places.map(({ partition, offset }) => `(${partition}, ${offset})`).join(', ')})`
  const rows = await sql.query<NewPlace>(
    `SELECT partition, offset, max(why) AS reason, max(words) AS detail FROM (
       SELECT partition, offset, '' AS why, '' AS words FROM events WHERE (partition, offset) IN ${list}
       UNION ALL
       SELECT assumeNotNull(partition), assumeNotNull(offset), reason, detail FROM dead_letters
       WHERE partition IS NOT NULL AND (assumeNotNull(partition), assumeNotNull(offset)) IN ${list}
     ) GROUP BY partition, offset`,
  )
  return new Map(rows.map(({ partition, offset, reason, detail }) => [`${partition}/${offset}`, { reason, detail }]))
}
