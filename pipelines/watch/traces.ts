import type { LogRecord } from '../../features/events/record.ts'
import { traceIdOf } from '../../features/events/traceparent.ts'
import type { FeedRow } from '../engine/outputs.ts'
import type { Incoming } from '../intake/items.ts'
import type { Log } from './log.ts'

/** Trace context of events on their way through the engine, by their offset in one partition of the log. */
export type Traces = Map<number, string>

/** Of events that intake has given a place and the engine has not done yet; the log does not keep them. */
export class TracesInFlight {
  readonly #byPartition = new Map<number, Traces>()

  /** Takes note of what requests brought along, now that their events have a place. */
  note(items: readonly Incoming[], records: readonly LogRecord[]): void {
    let byPlace: Map<string, string> | undefined
    for (const { traceparent, source_partition, source_position } of items) {
      if (traceparent === undefined) continue
      byPlace ??= new Map()
      byPlace.set(`${source_partition} ${source_position}`, traceparent)
    }
    if (byPlace === undefined) return
    for (const { partition, offset, source_partition, source_position } of records) {
      const traceparent = byPlace.get(`${source_partition} ${source_position}`)
      if (traceparent === undefined) continue
      const traces = this.#byPartition.get(partition) ?? new Map<number, string>()
      this.#byPartition.set(partition, traces.set(offset, traceparent))
    }
  }

  of(partition: number): Traces | undefined {
    return this.#byPartition.get(partition)
  }

  /** Forgets those of records that the engine has done. */
  done(records: readonly LogRecord[]): void {
    if (this.#byPartition.size === 0) return
    for (const { partition, offset } of records) {
      const traces = this.#byPartition.get(partition)
      if (traces?.delete(offset) === true && traces.size === 0) this.#byPartition.delete(partition)
    }
  }
}

/** A warning that an event with a trace context made, without whom it is about. */
export type TracedWarning = {
  readonly trace_id: string
  readonly traceparent: string
  readonly warning_id: string
  readonly id: string
  readonly type: string
  readonly severity: string
}

export type OnTracedWarning = (warning: TracedWarning) => void

/** What a feed row is in its trace; undefined where the event that made it had none, or a tick made it. */
export function tracedWarning(row: FeedRow, traces: Traces | undefined): TracedWarning | undefined {
  const traceparent = traces?.get(row.offset)
  if (traceparent === undefined) return undefined
  const { warning_id, id, type, severity } = row
  return { trace_id: traceIdOf(traceparent), traceparent, warning_id, id, type, severity }
}

/** One line, `warning opened`, by which the trace of an input leads to its warning. */
export function logTraced(log: Log): OnTracedWarning {
  return (warning) => log('info', `warning ${warning.type}`, warning)
}
