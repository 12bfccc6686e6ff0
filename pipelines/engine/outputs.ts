import type { Event } from '../../features/events/contract.ts'
import type { Refusal } from '../../features/ledger/apply.ts'
import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import type { InspectionRow } from './inspection-row.ts'
import type { LoanDayRow, LoanMonthRow, LoanMovementRow, LoanRow } from './loan-rows.ts'

/** A day that was closed for one slice of a partition's borrowers of a tenant. */
export type ClosedDayRow = {
  readonly tenant: string
  readonly slice: number
  readonly slices: number
  /** Partitions of the log: a day is closed when each of them has closed it in each slice. */
  readonly partitions: number
  /** Day number. */
  readonly date: number
  /** Its last millisecond in the tenant's zone, UTC milliseconds. */
  readonly day_end: number
}

/** A contact of collection with a borrower. */
export type ContactRow = {
  readonly tenant: string
  readonly borrower: string
  /** Empty where the contact was about no loan in particular. */
  readonly loan: string
  /** Business date, as a day number. */
  readonly date: number
  /** UTC milliseconds. */
  readonly contacted_at: number
  readonly channel: string
  readonly result: string
}

/** A place in the log. */
export type Place = { readonly partition: number; readonly offset: number }

/** What one evaluation is about, apart from its values. */
export type EvaluationMeta = Place & {
  readonly tenant: string
  readonly borrower: string
  /** Event type, or `day.closed`. */
  readonly type: string
  /** As-of time T, UTC milliseconds. */
  readonly time: number
  /** How far behind T the event's own time lies; 0 for one in time and for ticks. */
  readonly late_ms: number
}

/** A row of the feed: the warning, its place, and its number in the tenant's part of the partition. */
export type FeedRow = WarningRow & Place & { readonly feed_seq: number }

/**
 * Where the engine's rows go. They are functions of the log alone; the place makes each one's key, so that writing one
 * twice leaves one.
 */
export type Outputs = {
  /** `generation` is that of the last backfill which wrote this row, 0 for what is served. */
  features(meta: EvaluationMeta, matrix: Float64Array, base: number, generation: number): void
  score(meta: EvaluationMeta, model: string, score: number, band: string): void
  signal(row: SignalRow, place: Place, seq: number): void
  warning(row: FeedRow): void
  loan(row: LoanRow, place: Place, seq: number): void
  loanDay(row: LoanDayRow, place: Place, seq: number): void
  loanMonth(row: LoanMonthRow, place: Place): void
  contact(row: ContactRow, place: Place): void
  /** All rows of this slice's day have been handed over. */
  closedDay(row: ClosedDayRow, place: Place): void
  inspection(row: InspectionRow, place: Place): void
  loanMovement(row: LoanMovementRow, place: Place, seq: number): void
  refused(event: Event, place: Place, refusal: Refusal): void
  /** Everything up to this place has been handed over. */
  progress(place: Place, feedSeqs: ReadonlyMap<string, number>): void
}

/** Takes rows that the tables hold already, and forgets them. */
export const DISCARD: Outputs = {
  features() {},
  score() {},
  signal() {},
  warning() {},
  loan() {},
  loanDay() {},
  loanMonth() {},
  contact() {},
  closedDay() {},
  inspection() {},
  loanMovement() {},
  refused() {},
  progress() {},
}
