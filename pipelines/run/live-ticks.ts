import { schedule } from 'node-cron'
import type { Pipeline } from './pipeline.ts'

/** How often it is asked whether a day is due: a day closes hours after its end, so minutes are early enough. */
const EVERY_MINUTE = '* * * * *'

/**
 * Closes the days of live tenants by the clock, quiet days too. A day closes slice by slice, and every slice waits its
 * turn among the events that arrive. A tenant that also has a source without a clock is closed by that one's time.
 * Returns the function that ends it.
 */
export function startLiveTicks(pipeline: Pipeline, onFailure: (error: unknown) => void): () => Promise<void> {
  let running: Promise<void> | undefined
  let isStopped = false

  async function closeDue(): Promise<void> {
    for (const clock of pipeline.intake.tenants) {
      if (!clock.is_live || pipeline.clocklessTenants.has(clock.tenant)) continue
      while (!isStopped && (await pipeline.closeDueSlice(clock.tenant, Date.now()))) {
        // The next slice, behind whatever arrived meanwhile.
      }
    }
  }

  function start(): void {
    running ??= closeDue()
      .catch(onFailure)
      .finally(() => {
        running = undefined
      })
  }

  const task = schedule(EVERY_MINUTE, start)
  start()
  return async () => {
    isStopped = true
    await task.stop()
    await running
  }
}
