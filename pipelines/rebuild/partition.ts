import { isCategoryMoving } from '../../features/classification/classify.ts'
import type { EventOf } from '../../features/events/contract.ts'
import { UNSETTLED } from '../../features/ledger/loan.ts'
import type { BorrowerEvent } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import type { DecisionState } from '../../models/decision/state.ts'
import type { Sql } from '../../sql/client.ts'
import {
  DECISION_OFFSETS,
  EVENT_OFFSETS,
  type RebuildRecord,
  readFeedChanges,
  readRebuildEvents,
  readSignalChanges,
  type StoredFeedChange,
  type StoredSignalChange,
} from '../../sql/queries/rebuild.ts'
import type { ProgressRow } from '../../sql/tables/progress.ts'
import { PlaceCursor } from '../backfill/place-cursor.ts'
import { closeLoans } from '../engine/close-loans.ts'
import type { Definitions } from '../engine/definitions.ts'
import type { Engine } from '../engine/engine.ts'
import { DISCARD } from '../engine/outputs.ts'
import { keepDecision, type PartitionState } from '../engine/partition-state.ts'
import { closeSlice, isSwept } from '../engine/steps.ts'

/**
 * Brings one partition of an engine from where it stands, which is nowhere or where a checkpoint left it, to what the tables
 * vouch for. Windows and ledger come from `events`; what was decided is a fold of the rows of `signals` and `warnings`;
 * nothing is evaluated or scored. The engine must be between two calls, with no snapshot under way.
 */
export async function rebuildPartition(
  engine: Engine,
  sql: Sql,
  { partition, offset: last, feed_seqs }: Pick<ProgressRow, 'partition' | 'offset' | 'feed_seqs'>,
  { eventOffsets = EVENT_OFFSETS, decisionOffsets = DECISION_OFFSETS } = {},
): Promise<void> {
  const state = engine.stateOf(partition)
  if (state.offset >= last) return
  const from = state.offset + 1
  const decisions = new DecisionRebuild(
    state,
    new PlaceCursor(readSignalChanges(sql, partition, from, last, decisionOffsets)),
    new PlaceCursor(readFeedChanges(sql, partition, from, last, decisionOffsets)),
  )
  const rebuild = new PartitionRebuild(engine, state, decisions)
  for await (const page of readRebuildEvents(sql, partition, from, last, eventOffsets)) {
    for (const record of page) {
      const waiting = rebuild.apply(record)
      if (waiting !== undefined) await waiting
    }
  }
  await decisions.foldThrough(last)
  for (const [tenant, seq] of Object.entries(JSON.parse(feed_seqs) as Record<string, number>)) {
    state.feedSeqs.set(tenant, seq)
  }
  engine.passTo(partition, last, DISCARD)
}

/** Applies records as the engine does, up to where it would evaluate. */
class PartitionRebuild {
  readonly #engine: Engine
  readonly #state: PartitionState
  readonly #decisions: DecisionRebuild
  /** By borrower's index: the day up to which, an event apart, no closed day has anything to say of the loans. */
  readonly #quietThrough: number[] = []

  constructor(engine: Engine, state: PartitionState, decisions: DecisionRebuild) {
    this.#engine = engine
    this.#state = state
    this.#decisions = decisions
  }

  /** Applies one record; those before which the decisions must be known have to wait for the tables' rows. */
  apply(record: RebuildRecord): Promise<void> | undefined {
    const { event } = record
    if (event.type === 'day.closed') return this.#closeDay(event, record)
    if (event.type === 'definitions.published') return this.#publish(event, record)
    if (event.type === 'tenant.configured') this.#state.features.configure(event)
    else this.#applyEvent(event, record)
    return undefined
  }

  #applyEvent(event: BorrowerEvent, record: RebuildRecord): void {
    const { features, dirty } = this.#state
    const applied = features.apply(event, record.offset)
    this.#noteHeld()
    if (applied.kind !== 'applied') return
    const { index } = applied.borrower
    dirty.add(index)
    this.#quietThrough[index] = Number.NEGATIVE_INFINITY
  }

  async #closeDay(event: EventOf<'day.closed'>, { offset }: RebuildRecord): Promise<void> {
    const state = this.#state
    await this.#decisions.foldThrough(offset - 1)
    const slice = closeSlice(state.features, event)
    if (slice === undefined) return
    this.#noteHeld()
    const { borrowers, day, end } = slice
    for (const borrower of borrowers) {
      if (isSwept(borrower, end, () => this.#decisions.isWarned(borrower))) state.features.advance(borrower, end)
      const quietThrough = this.#quietThrough[borrower.index] ?? Number.NEGATIVE_INFINITY
      if (day <= quietThrough) continue
      closeLoans(state, borrower, { day, end, isMonthEnd: false }, { partition: state.partition, offset }, DISCARD)
      this.#quietThrough[borrower.index] = borrower.time <= end ? quietDays(borrower, day) : Number.NEGATIVE_INFINITY
    }
  }

  async #publish(event: EventOf<'definitions.published'>, record: RebuildRecord): Promise<void> {
    await this.#decisions.foldThrough(record.offset - 1)
    this.#engine.publish(this.#state, event.data)
  }

  /** Held events that were given up are dead letters already. */
  #noteHeld(): void {
    const { features, dirty } = this.#state
    for (const { borrower } of features.heldRefused) dirty.add(borrower.index)
  }
}

/**
 * The last day, from `day` on which was just closed, whose end finds the loans as this one did, if no event comes: the next
 * thing to happen is that an instalment is past due.
 */
function quietDays(borrower: Borrower, day: number): number {
  let through = Number.POSITIVE_INFINITY
  for (const loan of borrower.loans) {
    const isWaiting = loan.start_day > day || loan.future_day !== UNSETTLED || loan.statusAsOf(day) !== loan.status
    if (isWaiting || isCategoryMoving(borrower, loan, day)) return Number.NEGATIVE_INFINITY
    if (loan.status !== 'open' || loan.first_open >= loan.instalment_count) continue
    // Days past due that a restructuring carried on grow before anything is due.
    if (loan.rawDaysPastDue(day + 1) > 0) return Number.NEGATIVE_INFINITY
    // On its due date interest is owed that was not before.
    through = Math.min(through, (loan.due_day[loan.first_open] as number) - 1)
  }
  return through
}

/** The decisions of one partition, folded from its output rows as far as somebody has to know. */
class DecisionRebuild {
  readonly #state: PartitionState
  readonly #signals: PlaceCursor<StoredSignalChange>
  readonly #feed: PlaceCursor<StoredFeedChange>
  /** What the rows of this stretch have changed, by borrower's index. */
  readonly #changed = new Map<number, DecisionState>()

  constructor(state: PartitionState, signals: PlaceCursor<StoredSignalChange>, feed: PlaceCursor<StoredFeedChange>) {
    this.#state = state
    this.#signals = signals
    this.#feed = feed
  }

  isWarned(borrower: Borrower): boolean {
    return (this.#state.decisions.get(borrower.index)?.warning ?? null) !== null
  }

  /** Takes in all rows up to a place. The definitions in force must be those of the rows. */
  async foldThrough(offset: number): Promise<void> {
    await this.#signals.takeThrough(offset, (row) => {
      const { decision } = this.#definitions
      const borrower = this.#borrowerOf(row)
      decision.fold.signal(this.#decisionOf(borrower), row, borrower.tenant.calendar.dayOf)
    })
    await this.#feed.takeThrough(offset, (row) => {
      const { decision } = this.#definitions
      decision.fold.warning(this.#decisionOf(this.#borrowerOf(row)), row)
    })
    if (this.#changed.size === 0) return
    const { fold } = this.#definitions.decision
    for (const [index, decided] of this.#changed) {
      fold.settle(decided)
      keepDecision(this.#state, index, decided)
    }
    this.#changed.clear()
  }

  get #definitions(): Definitions {
    const { definitions } = this.#state
    if (definitions === null) throw new Error('rows were decided before any definitions were published')
    return definitions
  }

  #decisionOf({ index }: Borrower): DecisionState {
    let decided = this.#changed.get(index)
    if (decided === undefined) {
      decided = this.#state.decisions.get(index) ?? this.#definitions.decision.createState()
      this.#changed.set(index, decided)
    }
    return decided
  }

  #borrowerOf({ tenant, borrower, offset }: StoredSignalChange | StoredFeedChange): Borrower {
    const found = this.#state.features.tenantOf(tenant).byToken.get(borrower)
    if (found === undefined) {
      throw new Error(`partition ${this.#state.partition}: a row at ${offset} has a borrower that no event has`)
    }
    return found
  }
}
