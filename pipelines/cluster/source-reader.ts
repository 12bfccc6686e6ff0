import { validTraceparent } from '../../features/events/traceparent.ts'
import { prepare } from '../intake/prepare.ts'
import { LIVE_FUTURE_MS_MAX } from '../intake/tenant-clock.ts'
import type { KafkaRecord } from '../kafka/port.ts'
import { NO_SCHEMAS, type Schemas } from '../registry/schemas.ts'
import type { KnownTopic, SourceReport } from './control-state.ts'
import { headerText } from './headers.ts'
import { decodeInput, type InputTopic } from './inputs.ts'
import type { LogEntry } from './log-message.ts'

/** What is refused of an input topic: it goes to the topic's dead letters. */
export type RefusedRecord = {
  readonly record: KafkaRecord
  readonly tenant: string
  readonly step: 'decode' | 'intake'
  readonly reason: string
  readonly detail: string
  /** Where it stood: `kafka/topic/partition` and offset. */
  readonly source_partition: string
}

export type ReadBatch = {
  readonly entries: LogEntry[]
  readonly refused: RefusedRecord[]
  readonly dropped_fields: number
}

/** Name of a topic's partition as a source: another one for each topic that had the name, as its offsets begin anew. */
export function sourceName(topic: string, { epoch }: Pick<KnownTopic, 'epoch'>, partition: number): string {
  return `kafka/${topic}${epoch === 0 ? '' : `@${epoch}`}/${partition}`
}

/** Whether a source is a partition of a topic of that name, the one there is now or one before it. */
export function isOfTopic(source: string, topic: string): boolean {
  return source.startsWith(`kafka/${topic}/`) || source.startsWith(`kafka/${topic}@`)
}

/**
 * Reads one partition of an input topic: its records become entries of the log or are refused, and how far it has come is
 * what it reports.
 */
export class SourceReader {
  readonly name: string
  readonly #input: InputTopic
  /** Per tenant the largest event time, and the one that at least two events have reached. */
  readonly #times = new Map<string, { largest: number; reached: number }>()
  #caughtUpAt: number | null = null
  /** Offset of the next record. */
  position: number
  high_watermark: number

  constructor(input: InputTopic, name: string, position: number) {
    this.#input = input
    this.name = name
    this.position = position
    this.high_watermark = position
  }

  /** Decodes records that were read at `now` by the clock. Nothing is reported of them before `appended`. */
  read(records: readonly KafkaRecord[], now: number, schemas: Schemas = NO_SCHEMAS): ReadBatch {
    const batch = { entries: [] as LogEntry[], refused: [] as RefusedRecord[], dropped_fields: 0 }
    for (const record of records) {
      const { tenant, decoded } = decodeInput(this.#input, record, schemas)
      const refuse = (step: 'decode' | 'intake', reason: string, detail: string) =>
        batch.refused.push({ record, tenant, step, reason, detail, source_partition: this.name })
      if (!decoded.ok) refuse('decode', decoded.reason, decoded.detail)
      else if (decoded.event.type === 'tenant.configured') {
        refuse('intake', 'control_from_outside', 'a tenant is configured where foreshock is, not in a topic')
      } else if (decoded.event.time > now + LIVE_FUTURE_MS_MAX) {
        refuse('intake', 'future', `${isoOf(decoded.event.time)} lies too far ahead of the clock, ${isoOf(now)}`)
      } else {
        batch.dropped_fields += decoded.dropped_fields
        batch.entries.push({
          ...prepare(decoded),
          event: decoded.event,
          received_at: now,
          source_partition: this.name,
          source_position: record.offset,
          traceparent: validTraceparent(headerText(record.headers, 'traceparent')),
        })
      }
    }
    return batch
  }

  /** Takes note that everything through `last` is in the log. */
  appended(entries: readonly LogEntry[], last: number, highWatermark: number): void {
    for (const { event } of entries) this.#note(event.tenant, event.time)
    this.position = last + 1
    this.high_watermark = Math.max(highWatermark, this.position)
  }

  /** Takes note that at `now`, by the clock, the partition ended at `highWatermark`. */
  ended(highWatermark: number, now: number): void {
    this.high_watermark = Math.max(this.high_watermark, highWatermark)
    if (this.position >= highWatermark) this.#caughtUpAt = now
  }

  report(): SourceReport {
    const reached: Record<string, number> = {}
    for (const [tenant, times] of this.#times) if (times.reached > 0) reached[tenant] = times.reached
    const { position, high_watermark } = this
    return { reached, caught_up_at: this.#caughtUpAt, position, high_watermark }
  }

  /** One mistyped time moves nothing: what counts has been reached by two events. */
  #note(tenant: string, time: number): void {
    const times = this.#times.get(tenant)
    if (times === undefined) this.#times.set(tenant, { largest: time, reached: 0 })
    else if (time > times.largest) {
      times.reached = times.largest
      times.largest = time
    } else if (time > times.reached) times.reached = time
  }
}

function isoOf(ms: number): string {
  return new Date(Math.min(ms, 8.64e15)).toISOString()
}
