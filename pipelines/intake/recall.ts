import type { Calendar } from '../../features/time.ts'
import type { RecentIdRows } from '../../sql/queries/recent-ids.ts'
import { keptUntilDay } from './intake.ts'
import type { RecentIds } from './recent-ids.ts'

/** Puts back what `events` says was received. An id whose every event the engine refused may come again. */
export function recall(recentIds: RecentIds, calendar: Calendar, rows: RecentIdRows): void {
  const add = (row: number) => {
    const receivedDay = calendar.dayOf(rows.received_at[row] as number)
    recentIds.add(rows.hashes, row * 4, keptUntilDay(receivedDay, calendar.dayOf(rows.times[row] as number)))
  }
  const refused: number[] = []
  for (let row = 0; row < rows.rows; row++) {
    if (rows.refused[row] === 1) refused.push(row)
    else add(row)
  }
  // The last one received under an id is the one that it is compared with.
  refused.sort((a, b) => (rows.received_at[a] as number) - (rows.received_at[b] as number))
  for (const row of refused) {
    const isTaken = recentIds.lookUp(rows.hashes, row * 4) !== 'new' && !recentIds.isRefused(rows.hashes, row * 4)
    if (isTaken) continue
    add(row)
    recentIds.refuse(rows.hashes, row * 4)
  }
}
