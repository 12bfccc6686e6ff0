import type { Sql } from '../client.ts'

/** The features that definitions put in force, at their place in the log. */
export type PublishedFeatures = {
  readonly partition: number
  readonly offset: number
  /** `name@version` of each. */
  readonly features: readonly string[]
}

/** Every `definitions.published` of the log, by partition and offset. */
export function readPublished(sql: Sql): Promise<PublishedFeatures[]> {
  return sql.query<PublishedFeatures>(
    `SELECT partition, offset, JSONExtract(data, 'features', 'Array(String)') AS features
     FROM events WHERE type = 'definitions.published' ORDER BY partition, offset`,
  )
}
