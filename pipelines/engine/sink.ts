import { type FeatureDefinition, featureColumn } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { Event } from '../../features/events/contract.ts'
import type { LogRecord } from '../../features/events/record.ts'
import type { Refusal } from '../../features/ledger/apply.ts'
import type { SignalRow } from '../../models/decision/rows.ts'
import type { Sql } from '../../sql/client.ts'
import type { NativeBlock } from '../../sql/native.ts'
import { createClosedDaysBlock } from '../../sql/tables/closed-days.ts'
import { createContactsBlock } from '../../sql/tables/contacts.ts'
import { createDeadLettersBlock } from '../../sql/tables/dead-letters.ts'
import { createEventsBlock, eventsRow } from '../../sql/tables/events.ts'
import { createFeaturesBlock, type FeaturesBlock } from '../../sql/tables/features.ts'
import { createInspectionsBlock } from '../../sql/tables/inspections.ts'
import { createLoanDaysBlock } from '../../sql/tables/loan-days.ts'
import { createLoanMonthsBlock } from '../../sql/tables/loan-months.ts'
import { createLoanMovementsBlock } from '../../sql/tables/loan-movements.ts'
import { createLoansBlock } from '../../sql/tables/loans.ts'
import { createProgressBlock } from '../../sql/tables/progress.ts'
import { createScoresBlock } from '../../sql/tables/scores.ts'
import { createSignalsBlock } from '../../sql/tables/signals.ts'
import { createWarningsBlock, type WarningsBlock } from '../../sql/tables/warnings.ts'
import { EarlyWarnings, type EarlyWarningsOptions } from './early-warnings.ts'
import type { InspectionRow } from './inspection-row.ts'
import type { LoanDayRow, LoanMonthRow, LoanMovementRow, LoanRow } from './loan-rows.ts'
import type { ClosedDayRow, ContactRow, EvaluationMeta, FeedRow, Outputs, Place } from './outputs.ts'

/** Feature rows that are written as one block: 60 MB of 220 columns, and there are two such blocks. */
export const FEATURE_ROWS_PER_BLOCK = 30_000
/** Rows by which a block is commonly overfull, as it is written between two calls of the engine. */
const FEATURE_ROWS_OVER = 6000
/** How long a row may wait for its block. */
export const FLUSH_AFTER_MS = 1000

/** Told of rows as they are made: for the feed, and for counts that people see. */
export type RowWatcher = {
  warning(row: FeedRow): void
  /** `event` is what the engine refused; undefined for what was refused before it reached the engine. */
  refused(reason: string, event?: Event): void
  /** An event whose time lies before the borrower's as-of time was applied. */
  late(): void
}

/** A record that a worker took from a log elsewhere: stored as `events` before what follows from it. */
export type StoredRecord = { readonly record: LogRecord; readonly data: string; readonly hashes: Uint32Array }

/** Takes the engine's rows, and the records that they follow from where the log is elsewhere. */
export type SinkOutputs = Outputs & {
  event(stored: StoredRecord): void
  /** Another event has the id of this one: it is in the log, but was not applied. */
  conflict(record: LogRecord): void
}

/** One slice of output rows: a block per table, and the places it reaches to. */
class Slice implements SinkOutputs {
  readonly #events = createEventsBlock()
  readonly #features: FeaturesBlock
  readonly #width: number
  readonly #scores = createScoresBlock()
  readonly #signals = createSignalsBlock()
  #warnings = createWarningsBlock()
  readonly #loans = createLoansBlock()
  readonly #loanDays = createLoanDaysBlock()
  readonly #loanMonths = createLoanMonthsBlock()
  readonly #contacts = createContactsBlock()
  readonly #closedDays = createClosedDaysBlock()
  readonly #inspections = createInspectionsBlock()
  readonly #loanMovements = createLoanMovementsBlock()
  readonly #deadLetters = createDeadLettersBlock()
  readonly #progress = createProgressBlock()
  readonly places = new Map<number, { readonly offset: number; readonly feedSeqs: string }>()
  readonly #watcher: RowWatcher
  readonly #onWarning: () => void

  constructor(
    watcher: RowWatcher,
    featureColumns: readonly string[],
    featureRows: number,
    onWarning: () => void = () => {},
  ) {
    this.#onWarning = onWarning
    this.#width = featureColumns.length
    this.#watcher = watcher
    this.#features = createFeaturesBlock(featureColumns, featureRows + FEATURE_ROWS_OVER)
  }

  get rows(): number {
    return this.#features.rows
  }

  /** Gives the warnings that it has so far and goes on with an empty block. */
  takeWarnings(empty: WarningsBlock): WarningsBlock {
    const taken = this.#warnings
    this.#warnings = empty
    return taken
  }

  get hasWarnings(): boolean {
    return this.#warnings.rows > 0
  }

  /** The blocks in the order in which they are written: `progress`, which vouches for the others, is the last. */
  tables(): [string, NativeBlock][] {
    this.#progress.clear()
    for (const [partition, { offset, feedSeqs }] of this.places) {
      this.#progress.append({ partition, offset, seq: 0, feed_seqs: feedSeqs })
    }
    return [
      ['events', this.#events],
      ['warnings', this.#warnings],
      ['signals', this.#signals],
      ['dead_letters', this.#deadLetters],
      ['loans', this.#loans],
      ['loan_days', this.#loanDays],
      ['loan_months', this.#loanMonths],
      ['contacts', this.#contacts],
      // After the rows of the days that it says are closed.
      ['closed_days', this.#closedDays],
      ['inspections', this.#inspections],
      ['loan_movements', this.#loanMovements],
      ['scores', this.#scores],
      ['features', this.#features],
      ['progress', this.#progress],
    ]
  }

  clear(): void {
    for (const [, block] of this.tables()) block.clear()
    this.places.clear()
  }

  features(meta: EvaluationMeta, matrix: Float64Array, base: number, generation: number): void {
    if (meta.late_ms > 0) this.#watcher.late()
    const { tenant, partition, offset, borrower, type, time, late_ms } = meta
    const row = { tenant, partition, offset, borrower, type, time, late_ms, generation }
    this.#features.append(row, matrix, base / this.#width)
  }

  score(meta: EvaluationMeta, model: string, score: number, band: string): void {
    const { tenant, partition, offset, borrower, time } = meta
    this.#scores.append({ tenant, partition, offset, borrower, time, model, score, band })
  }

  signal(row: SignalRow, place: Place, seq: number): void {
    const { value, lower, upper } = row
    this.#signals.append({
      ...row,
      partition: place.partition,
      offset: place.offset,
      seq,
      value: value ?? Number.NaN,
      lower: lower ?? Number.NaN,
      upper: upper ?? Number.NaN,
    })
  }

  warning(row: FeedRow): void {
    this.#warnings.append({ ...row, score: row.score ?? Number.NaN })
    this.#watcher.warning(row)
    this.#onWarning()
  }

  loan(row: LoanRow, { partition, offset }: Place, seq: number): void {
    // A later place wins; what an event says comes before what its day's end says.
    this.#loans.append({
      ...row,
      annual_rate: row.annual_rate ?? Number.NaN,
      credit_limit_minor: row.credit_limit_minor ?? Number.NaN,
      partition,
      offset,
      version: offset * 2 + seq,
    })
  }

  loanDay(row: LoanDayRow, { partition, offset }: Place, seq: number): void {
    this.#loanDays.append({ ...row, partition, offset, seq })
  }

  loanMonth(row: LoanMonthRow, { partition, offset }: Place): void {
    this.#loanMonths.append({ ...row, partition, offset })
  }

  contact(row: ContactRow, { partition, offset }: Place): void {
    this.#contacts.append({ ...row, partition, offset })
  }

  closedDay(row: ClosedDayRow, { partition, offset }: Place): void {
    this.#closedDays.append({ ...row, partition, offset })
  }

  loanMovement(row: LoanMovementRow, { partition, offset }: Place, seq: number): void {
    this.#loanMovements.append({ ...row, partition, offset, seq })
  }

  inspection(row: InspectionRow, { partition, offset }: Place): void {
    this.#inspections.append({ ...row, partition, offset })
  }

  event({ record, data, hashes }: StoredRecord): void {
    this.#events.append(eventsRow(record, data, hashes))
  }

  conflict({ event, partition, offset, source_partition, source_position }: LogRecord): void {
    this.#watcher.refused('conflict')
    this.#deadLetters.append({
      tenant: event.tenant,
      source_partition,
      source_position,
      item: 0,
      step: 'intake',
      reason: 'conflict',
      detail: `another event of ${event.source} has the id ${event.id}`,
      event_id: event.id,
      event_type: event.type,
      borrower: event.subject,
      partition,
      offset,
      recorded_at: Date.now(),
    })
  }

  refused(event: Event, { partition, offset }: Place, refusal: Refusal): void {
    this.#watcher.refused(refusal.reason, event)
    this.#deadLetters.append({
      tenant: event.tenant,
      source_partition: `log/${partition}`,
      source_position: offset,
      item: 0,
      step: 'apply',
      reason: refusal.reason,
      detail: refusal.detail,
      event_id: event.id,
      event_type: event.type,
      borrower: event.subject,
      partition,
      offset,
      recorded_at: Date.now(),
    })
  }

  progress({ partition, offset }: Place, feedSeqs: ReadonlyMap<string, number>): void {
    this.places.set(partition, { offset, feedSeqs: JSON.stringify(Object.fromEntries(feedSeqs)) })
  }
}

/**
 * Writes output rows in bounded slices, each table's part of one as one block, and after them the place they reach to.
 * While one slice is being written the next one is filled; a third has to wait, which holds up the engine.
 */
export class Sink {
  readonly #sql: Sql
  readonly #featureRowsPerBlock: number
  /** How long a row may wait for its block. */
  readonly flushAfterMs: number
  #filling: Slice
  #spare: Slice
  #writing: Promise<void> = Promise.resolve()
  /** Resolved after each write that succeeded, and then another one. */
  #acknowledgement = Promise.withResolvers<void>()
  #since = 0
  /** Per partition the offset up to which everything is durable. */
  readonly acknowledged: Map<number, number>
  rows_written = 0
  readonly #early: EarlyWarnings | undefined

  constructor(
    sql: Sql,
    acknowledged: Map<number, number>,
    watcher: RowWatcher,
    {
      catalogue = CATALOGUE,
      featureRowsPerBlock = FEATURE_ROWS_PER_BLOCK,
      flushAfterMs = FLUSH_AFTER_MS,
      earlyWarnings,
    }: {
      readonly catalogue?: readonly FeatureDefinition[]
      readonly featureRowsPerBlock?: number | undefined
      readonly flushAfterMs?: number | undefined
      /** Where readers find warnings in the tables alone: writes them ahead of their block. */
      readonly earlyWarnings?: EarlyWarningsOptions | undefined
    } = {},
  ) {
    this.#sql = sql
    this.#featureRowsPerBlock = featureRowsPerBlock
    this.flushAfterMs = flushAfterMs
    this.acknowledged = acknowledged
    const columns = catalogue.map(featureColumn)
    if (earlyWarnings !== undefined) {
      this.#early = new EarlyWarnings(earlyWarnings, (empty) => this.#filling.takeWarnings(empty))
    }
    const onWarning = () => this.#early?.made()
    this.#filling = new Slice(watcher, columns, featureRowsPerBlock, onWarning)
    this.#spare = new Slice(watcher, columns, featureRowsPerBlock, onWarning)
  }

  /** Where the engine writes now. Ask again after each flush. */
  get outputs(): SinkOutputs {
    if (this.#since === 0) this.#since = performance.now()
    return this.#filling
  }

  /** Whether there are rows that no write has been started for. */
  get hasWaiting(): boolean {
    return this.#filling.places.size > 0
  }

  /** Starts writing when a block is full or has waited long enough; waits while the one before is being written. */
  async flushIfDue(): Promise<void> {
    const isFull = this.#filling.rows >= this.#featureRowsPerBlock
    const isDue = isFull || performance.now() - this.#since >= this.flushAfterMs
    if (this.#since > 0 && isDue) await this.#startWriting()
  }

  /** Writes all there is and waits for it. */
  async flush(): Promise<void> {
    await this.#startWriting()
    await this.#writing
  }

  /** Waits until everything up to these places is durable; whoever fills the blocks must go on, or flush them. */
  async reached(places: Iterable<readonly [partition: number, offset: number]>): Promise<void> {
    for (const [partition, offset] of places) {
      while ((this.acknowledged.get(partition) ?? -1) < offset) await this.#acknowledgement.promise
    }
  }

  /** Ends what writes by itself, for whoever is about to close the sessions. */
  async stop(): Promise<void> {
    await this.#early?.stop()
  }

  async #startWriting(): Promise<void> {
    // Those of a block that is due need not wait for the blocks before it.
    if (this.#filling.hasWarnings) this.#early?.writeNow()
    await this.#writing
    const slice = this.#filling
    if (slice.places.size === 0) return
    this.#filling = this.#spare
    this.#spare = slice
    this.#since = 0
    this.#writing = this.#write(slice)
    // Whoever waits for it next sees the failure; until then it must not count as unhandled.
    this.#writing.catch(() => {})
  }

  async #write(slice: Slice): Promise<void> {
    for (const [table, block] of slice.tables()) {
      // What went ahead is vouched for too.
      if (table === 'progress') await this.#early?.written()
      await this.#sql.insertBlock(table, block)
    }
    for (const [partition, { offset }] of slice.places) this.acknowledged.set(partition, offset)
    this.rows_written += slice.rows
    slice.clear()
    this.#acknowledgement.resolve()
    this.#acknowledgement = Promise.withResolvers()
  }
}
