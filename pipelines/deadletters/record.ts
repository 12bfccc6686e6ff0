import type { Sql } from '../../sql/client.ts'
import { createRedrivesBlock } from '../../sql/tables/redrives.ts'
import type { Redriven } from './summary.ts'

/** Records what came of dead letters that were sent again. */
export async function recordOutcomes(sql: Sql, redriven: readonly Redriven[]): Promise<void> {
  const block = createRedrivesBlock()
  for (const { letter, outcome, reason, detail, place } of redriven) {
    block.append({
      tenant: letter.tenant,
      dead_letter: letter.id,
      attempt: letter.attempts + 1,
      outcome,
      detail: [reason, detail].filter((text) => text !== undefined && text !== '').join(': '),
      partition: place?.partition ?? null,
      offset: place?.offset ?? null,
    })
  }
  await sql.insertBlock('redrives', block)
}
