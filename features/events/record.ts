import type { Event } from './contract.ts'

/**
 * One record of the log. Its place is (partition, offset); everything after the log is a function of these records.
 * `source_partition` and `source_position` say where the source had it: file and line, or request and index.
 */
export type LogRecord = {
  readonly partition: number
  readonly offset: number
  /** UTC milliseconds, stamped by intake: the clock for live sources, the time reached for files. */
  readonly received_at: number
  readonly source_partition: string
  readonly source_position: number
  readonly event: Event
}
