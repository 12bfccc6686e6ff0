import type { EventOf } from '../../features/events/contract.ts'
import type { LogRecord } from '../../features/events/record.ts'
import type { FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { dayOfDate } from '../../features/time.ts'
import type { EvaluationMeta } from './outputs.ts'

/** Steps that serving and backfill share. */

/** A slice's day that was closed: all its borrowers, the day number, and the last millisecond of that day. */
export type ClosedSlice = { readonly borrowers: readonly Borrower[]; readonly day: number; readonly end: number }

/** Closes one slice's day; undefined where it was closed before. */
export function closeSlice(features: FeaturePartition, event: EventOf<'day.closed'>): ClosedSlice | undefined {
  if (!features.close(event)) return undefined
  const group = features.tenantOf(event.tenant)
  const day = dayOfDate(event.data.date)
  const borrowers = group.slices[event.data.slice]?.borrowers ?? []
  return { borrowers, day, end: group.tenant.calendar.endOfDay(day) }
}

/**
 * Whether a day's sweep, up to its last millisecond `end`, evaluates a borrower: whoever has a loan that runs, and
 * whoever has a warning, which else could never be cleared; but nobody who was evaluated later than that.
 */
export function isSwept(borrower: Borrower, end: number, hasWarning: () => boolean): boolean {
  return borrower.time <= end && (borrower.isExposed() || hasWarning())
}

/** What a row of `features` says besides its values; `time` is the borrower's as it was when they were computed. */
export function evaluationMeta(
  borrower: Borrower,
  { partition, offset, event }: Pick<LogRecord, 'partition' | 'offset' | 'event'>,
  late_ms: number,
  time = borrower.time,
): EvaluationMeta {
  const tenant = borrower.tenant.name
  return { partition, offset, tenant, borrower: borrower.token, type: event.type, time, late_ms }
}
