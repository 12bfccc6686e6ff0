import { MS_PER_DAY } from '../../features/time.ts'
import { KEPT_DAYS } from '../intake/originals.ts'
import type { Job, JobKind } from './job.ts'

export const RETENTION: JobKind = {
  name: 'retention',
  description: `removes original bytes of refused input that nothing was added to for ${KEPT_DAYS} days`,
  cadence: 'day',
  schedule: '30 7 * * *',
}

/** Removes the original bytes of what was refused once they are older than originals are kept. */
export function createRetention(forgetOriginals: (beforeMs: number) => number): Job {
  return {
    ...RETENTION,
    async run({ start_ms }) {
      return { ok: true, result: { originals_removed: forgetOriginals(start_ms - KEPT_DAYS * MS_PER_DAY) } }
    },
  }
}
