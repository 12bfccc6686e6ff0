import { setTimeout as sleep } from 'node:timers/promises'
import type { Generation } from '../kafka/port.ts'

/** The time during which this process owns a partition. */
export type Ownership = Pick<Generation, 'number' | 'isCurrent' | 'lost'>

/** The partition was given to another process while this one was at it: what is in flight is dropped. */
export class OwnershipLost extends Error {}

const LOOK_AGAIN_MS = 20

/**
 * Whether the partition is still this process's own. Waits while that is not known, as when the coordinator cannot be
 * reached: to go on would write what may be another's, to give up would leave a hole.
 */
export async function isOwned(ownership: Ownership): Promise<boolean> {
  while (!ownership.isCurrent()) {
    if (ownership.lost.aborted) return false
    await sleep(LOOK_AGAIN_MS)
  }
  return true
}
