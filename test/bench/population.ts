import type { Event } from '../../features/events/contract.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { borrowerHash } from '../../features/hash.ts'
import type { BorrowerEvent } from '../../features/partition.ts'
import type { Model } from '../../models/model.ts'
import { PARTITIONS_DEFAULT, SLICES_DEFAULT } from '../../pipelines/config.ts'
import { createResolve, currentDefinitions } from '../../pipelines/engine/definitions.ts'
import { Engine } from '../../pipelines/engine/engine.ts'
import { loadModels } from '../../pipelines/run/models.ts'
import { isConfiguration, simulatedDays, TENANT } from './simulated.ts'

/** Simulated borrowers whose histories all others of a population have, under tokens of their own. */
const HISTORIES = 2000
/** After so many days they have 100 live rows on average; the days behind hold the events that are still to come. */
const DAYS = 128
const DAYS_TO_COME = 25
/** Events that a borrower gets in a row before another one does, so that what it takes lies as far apart as in life. */
const EVENTS_IN_A_ROW = 8
const SEED = 11

/** One borrower's events in time order; from `next` on they are still to come. */
export type History = { readonly events: readonly BorrowerEvent[]; readonly next: number }

export type Histories = {
  readonly configuration: readonly Event[]
  readonly borrowers: readonly History[]
  /** Number of the last day that is over, from the simulation's first. */
  readonly days: number
}

export function simulatedHistories(count = HISTORIES): Histories {
  const lists = new Map<string, { events: BorrowerEvent[]; next: number }>()
  const shared: Event[] = []
  simulatedDays(count, DAYS + DAYS_TO_COME, SEED).forEach((events, day) => {
    for (const event of events) {
      if (event.subject === '') {
        if (day < DAYS) shared.push(event)
        continue
      }
      const list = lists.get(event.subject) ?? { events: [], next: 0 }
      lists.set(event.subject, list)
      list.events.push(event as BorrowerEvent)
      if (day < DAYS) list.next++
    }
  })
  const borrowers = [...lists.values()].filter(({ next }) => next > 0)
  return { configuration: shared, borrowers, days: DAYS }
}

/**
 * An engine with so many borrowers, each with the state of one of the histories up to its `next`. What is left out is
 * the evaluation of those events, which leaves nothing but the decision.
 */
export class Population {
  readonly engine: Engine
  readonly tokens: string[] = []
  readonly #histories: readonly History[]
  /** Events of each borrower that are in its state, counted beyond `next`. */
  #further = 0

  constructor(engine: Engine, histories: Histories, size: number) {
    this.engine = engine
    this.#histories = histories.borrowers
    for (const { features } of engine.partitions) {
      for (const event of histories.configuration) {
        if (isConfiguration(event)) features.configure(event)
        else features.apply(event as BorrowerEvent, 0)
      }
    }
    for (let i = 0; i < size; i++) this.tokens.push(flatText(`b${String(i).padStart(7, '0')}`))
    const longest = Math.max(...histories.borrowers.map(({ next }) => next))
    for (let from = 0; from < longest; from += EVENTS_IN_A_ROW) {
      for (let i = 0; i < size; i++) this.#apply(i, from)
    }
  }

  get size(): number {
    return this.tokens.length
  }

  #apply(borrower: number, from: number): void {
    const { events, next } = this.#historyOf(borrower)
    const until = Math.min(from + EVENTS_IN_A_ROW, next)
    if (from >= until) return
    const { features } = this.engine.partitions[this.#partitionOf(borrower)] as Engine['partitions'][number]
    const subject = this.tokens[borrower] as string
    for (let k = from; k < until; k++) {
      const event = events[k] as BorrowerEvent
      if (isKept(event)) features.apply(this.#own(event, borrower), 0)
      else {
        // Nothing of it is kept as an object, so there is no need of a copy.
        ;(event as { subject: string }).subject = subject
        features.apply(event, 0)
      }
    }
  }

  /** The next event of each of `count` borrowers from `first` on, as records of the log. Those whose history ends give none. */
  nextRecords(first: number, count: number): LogRecord[] {
    const offsets = this.engine.partitions.map(({ offset }) => offset)
    const records: LogRecord[] = []
    for (let n = 0; n < count; n++) {
      const borrower = this.scattered(first + n)
      const { events, next } = this.#historyOf(borrower)
      const event = events[next + this.#further]
      if (event === undefined) continue
      const partition = this.#partitionOf(borrower)
      const offset = (offsets[partition] as number) + 1
      offsets[partition] = offset
      records.push(recordOf(this.#own(event, borrower), partition, offset))
    }
    return records
  }

  /** All borrowers have had their next event. */
  goOn(): void {
    this.#further++
  }

  /** Goes round over all borrowers so that neighbours in time are none in memory. */
  scattered(n: number): number {
    return (n * SCATTER) % this.size
  }

  #historyOf(borrower: number): History {
    return this.#histories[borrower % this.#histories.length] as History
  }

  #partitionOf(borrower: number): number {
    return borrowerHash(TENANT, this.tokens[borrower] as string) % this.engine.partitions.length
  }

  /** The event as if it were this borrower's. What state keeps of an event as an object must not be shared. */
  #own(event: BorrowerEvent, borrower: number): BorrowerEvent {
    const subject = this.tokens[borrower] as string
    return { ...event, subject, ...(isKept(event) ? { data: structuredClone(event.data) } : {}) } as BorrowerEvent
  }
}

/** Whether state may keep objects of such an event's data: other events become numbers alone. */
function isKept({ type }: BorrowerEvent): boolean {
  return type !== 'transaction.posted' && type !== 'bureau.queried'
}

/** A prime, so that no population of a round size is a multiple of it. */
const SCATTER = 7_368_787

export function recordOf(event: Event, partition: number, offset: number): LogRecord {
  return { partition, offset, received_at: 0, source_partition: 'bench', source_position: offset, event }
}

/** A new engine as a data directory has it by default, with the release's model, rules and features in force. */
export async function newEngine(): Promise<Engine> {
  const models = await releaseModels()
  const shape = { partitions: PARTITIONS_DEFAULT, slices: SLICES_DEFAULT }
  const engine = new Engine(shape, createResolve(models))
  const definitions = currentDefinitions(models.at(-1) ?? null)
  for (const state of engine.partitions) engine.publish(state, definitions)
  return engine
}

export async function releaseModels(): Promise<readonly Model[]> {
  const loaded = await loadModels()
  if (!loaded.ok) throw new Error(loaded.detail)
  return loaded.models
}

/** A text of its own, as parsing makes one, where joining two keeps both. */
function flatText(text: string): string {
  return Buffer.from(text).toString('latin1')
}
