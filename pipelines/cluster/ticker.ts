import type { PublishedDefinitions } from '../../features/events/contract.ts'
import { dateOfDay, MS_PER_DAY } from '../../features/time.ts'
import type { LogShape } from '../intake/items.ts'
import { controlEvent } from '../intake/prepare.ts'
import type { LogAppender } from './appender.ts'
import {
  type ControlRecord,
  type ControlState,
  type DueSlice,
  definitionsRecord,
  tenantRecord,
} from './control-state.ts'

/**
 * Live, so much time lies between two slices of a day, so that no event waits for more than one sweep. A day that should
 * have been closed long ago is closed as fast as the log takes it.
 */
export const SLICE_SPACING_MS = 500
const BACKLOG_MS = MS_PER_DAY

/** What the owner of the control topic does: makes definitions and ticks known to every partition of the log. */
export class Ticker {
  readonly #state: ControlState
  readonly #appender: LogAppender
  readonly #record: (record: ControlRecord) => Promise<void>
  readonly #shape: LogShape
  readonly #sources: () => readonly string[]
  readonly #all: readonly number[]
  readonly #sentAt = new Map<string, number>()
  ticks = 0

  constructor(parts: {
    state: ControlState
    appender: LogAppender
    /** Writes to the control topic. */
    record: (record: ControlRecord) => Promise<void>
    shape: LogShape
    /** Names of all partitions of all input topics, as they are now. */
    sources: () => readonly string[]
  }) {
    this.#state = parts.state
    this.#appender = parts.appender
    this.#record = parts.record
    this.#shape = parts.shape
    this.#sources = parts.sources
    this.#all = Array.from({ length: parts.shape.partitions }, (_, partition) => partition)
  }

  /** Puts definitions in force, unless they are: first in the log, then on record, so that it is done at least once. */
  async publish(definitions: PublishedDefinitions, now: number): Promise<void> {
    if (JSON.stringify(definitions) === JSON.stringify(this.#state.definitions)) return
    const event = controlEvent('definitions.published', `definitions/${now}`, '', now, definitions)
    await this.#appender.appendOwn(event, now, this.#all)
    await this.#put(definitionsRecord(definitions))
  }

  /** Sends one slice of each tenant's next day where that is due at `now`. True where something was sent. */
  async tick(now: number): Promise<boolean> {
    const sources = this.#sources()
    let sent = false
    for (const tenant of this.#state.tenants.keys()) {
      const due = this.#state.due(tenant, sources, now)
      if (due === undefined || !this.#isSpaced(due, now)) continue
      await this.#send(due, now)
      sent = true
    }
    return sent
  }

  /** Per tenant, in no order, how many days ago the last closed day was. */
  closedDayAges(now: number): readonly number[] {
    return this.#state.closedDayAges(now)
  }

  #isSpaced({ tenant, end }: DueSlice, now: number): boolean {
    return now - end > BACKLOG_MS || now - (this.#sentAt.get(tenant) ?? 0) >= SLICE_SPACING_MS
  }

  async #send(due: DueSlice, now: number): Promise<void> {
    const { tenant, day, slice, end } = due
    const { slices } = this.#shape
    const date = dateOfDay(day)
    const event = controlEvent('day.closed', `day.closed/${date}/${slice}`, tenant, end, { date, slice, slices })
    await this.#appender.appendOwn(event, now, this.#all)
    await this.#put(tenantRecord(tenant, this.#state.after(due, slices)))
    this.#sentAt.set(tenant, now)
    this.ticks++
  }

  async #put(record: ControlRecord): Promise<void> {
    await this.#record(record)
    this.#state.take(record.key, record.value)
  }
}
