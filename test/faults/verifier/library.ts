import { createRequire } from 'node:module'
import { Kafka, logLevel } from 'kafkajs'

/**
 * A client of a broker that shares no code with the product, for those who check it. It tries often, as the broker may
 * be away.
 */
export function openLibrary(address: string): Kafka {
  return new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 20, maxRetryTime: 2000 } })
}

type Queue = { readonly pending: readonly object[]; readonly throttledUntil: number }
type QueueClass = { readonly prototype: { scheduleCheckPendingRequests(this: Queue): void } }

/**
 * After every answer the library sets a timer for requests that wait for their turn, with a time far in the past where none
 * does: of that Node warns. Here it is set when something waits.
 */
function quietTimers({ prototype }: QueueClass): void {
  const schedule = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this)
  }
}

quietTimers(createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as QueueClass)
