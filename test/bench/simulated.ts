import type { Event, EventOf } from '../../features/events/contract.ts'
import { decodeBytes } from '../../features/events/decode.ts'
import type { BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { createSimulation } from '../../pipelines/simulator/simulation.ts'

const NEWLINE = 10
export const TENANT = 'default'
export const FIRST_DATE = '2024-01-01'

/** The simulator's events of so many days from `FIRST_DATE` on, decoded, one list per day. */
export function simulatedDays(borrowers: number, days: number, seed: number): Event[][] {
  const simulation = createSimulation({ seed, borrowers, start: FIRST_DATE })
  return Array.from({ length: days }, () => {
    const { lines } = simulation.writeDay()
    const events: Event[] = []
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf(NEWLINE, from)
      const decoded = decodeBytes(lines.subarray(from, end), TENANT)
      if (!decoded.ok) throw new Error(`the simulator wrote what is refused: ${decoded.detail}`)
      events.push(decoded.event)
      from = end + 1
    }
    return events
  })
}

export function isConfiguration(event: Event): event is EventOf<'tenant.configured'> {
  return event.type === 'tenant.configured'
}

/** Applies an event as the engine does. The borrower to evaluate, if there is one. */
export function applySimulated(partition: FeaturePartition, event: Event, offset: number): Borrower | undefined {
  if (isConfiguration(event)) {
    partition.configure(event)
    return undefined
  }
  const applied = partition.apply(event as BorrowerEvent, offset)
  return applied.kind === 'applied' ? applied.borrower : undefined
}

/** Transactions and bureau queries in a borrower's state, on average. */
export function liveRows(partitions: readonly FeaturePartition[]): number {
  let rows = 0
  let borrowers = 0
  for (const { transactions, queries, borrowers: all } of partitions) {
    borrowers += all.length
    for (const { index } of all) rows += transactions.count(index) + queries.count(index)
  }
  return rows / borrowers
}
