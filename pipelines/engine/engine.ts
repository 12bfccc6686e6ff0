import { compileCatalogue, type Evaluate } from '../../features/catalogue/compile.ts'
import type { FeatureDefinition } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { Event, EventOf, PublishedDefinitions } from '../../features/events/contract.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { lastDayOfMonth, monthOfDay } from '../../features/time.ts'
import type { Emit, Evaluation } from '../../models/decision/decide.ts'
import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import { type DecisionState, isAlarmed, NOT_QUIET } from '../../models/decision/state.ts'
import { INCONCLUSIVE, severityOf } from '../../models/severity.ts'
import { BorrowerSet } from './borrower-set.ts'
import { type Coverage, NOTHING_BACKFILLED, withhold } from './coverage.ts'
import type { Definitions } from './definitions.ts'
import { closeLoanDay, loanMonthRow, loanRow } from './loan-rows.ts'
import type { EvaluationMeta, Outputs, Place } from './outputs.ts'
import { keepDecision, type PartitionState, type SnapshotUnderWay } from './partition-state.ts'
import { closeSlice, evaluationMeta, isSwept } from './steps.ts'

/** Evaluations that are scored together: the model's best batch, and small enough for the cache. */
export const EVALUATION_BATCH = 256

/** One row of the batch that waits for its scores. */
type Waiting = {
  readonly state: PartitionState
  readonly borrower: Borrower
  readonly meta: EvaluationMeta
  readonly event: Event | null
  /** Date of the tick, '' for an event. */
  readonly date: string
  readonly businessDay: number
  /** Whether the row is stored even if nothing changed. */
  readonly isStored: boolean
}

/** Gives the rows of one decision their place and hands them on. */
class Emitter implements Emit {
  changes = 0
  #state: PartitionState | undefined
  #meta: EvaluationMeta | undefined
  #outputs: Outputs | undefined

  begin(state: PartitionState, meta: EvaluationMeta, outputs: Outputs): void {
    this.changes = 0
    this.#state = state
    this.#meta = meta
    this.#outputs = outputs
  }

  signal(row: SignalRow): void {
    this.changes++
    if (this.#meta !== undefined) this.#outputs?.signal(row, this.#meta, row.seq)
  }

  warning(row: WarningRow): void {
    this.changes++
    const state = this.#state
    const meta = this.#meta
    if (state === undefined || meta === undefined) return
    const feed_seq = (state.feedSeqs.get(meta.tenant) ?? 0) + 1
    state.feedSeqs.set(meta.tenant, feed_seq)
    this.#outputs?.warning({ ...row, partition: meta.partition, offset: meta.offset, feed_seq })
  }
}

export type Resolve = (published: PublishedDefinitions) => Definitions

export type EngineOptions = {
  /** Must be the one that `resolve` knows. */
  readonly catalogue?: readonly FeatureDefinition[]
  /** What backfills brought, for a recomputation of what the tables hold. */
  readonly coverage?: Coverage
  /** Which of the log's partitions it works on; all of them unless said. */
  readonly partitions?: readonly number[]
  /** Whether offsets may leave holes: Kafka's do, where it writes for itself or a repeat was dropped. */
  readonly hasHoles?: boolean
}

/**
 * The engine: from records of the log to rows. A pure function of the log; how records are cut into calls changes nothing.
 * One call at a time.
 */
export class Engine {
  readonly partitions: PartitionState[]
  readonly #hasHoles: boolean
  readonly #byNumber: readonly (PartitionState | undefined)[]
  readonly #resolve: Resolve
  readonly catalogue: readonly FeatureDefinition[]
  readonly #coverage: Coverage
  readonly #evaluate: Evaluate
  /** Columns of the matrix. */
  readonly #width: number
  readonly #matrix: Float64Array
  /** One object for all evaluations: there are tens of thousands a second. */
  readonly #evaluation: Evaluation
  readonly #emitter = new Emitter()
  #waiting: Waiting[] = []
  /** Borrowers that have a row in the batch: their decision is not known yet. */
  readonly #undecided = new Set<Borrower>()
  /** What nothing was decided of: handed to a borrower when something is. */
  #blank: DecisionState = { outcomes: new Uint8Array(0), warning: null, quiet_since: NOT_QUIET }
  snapshot: SnapshotUnderWay | null = null
  /** Events and borrower-ticks evaluated so far. */
  evaluations = 0

  constructor(
    shape: { readonly partitions: number; readonly slices: number },
    resolve: Resolve,
    {
      catalogue = CATALOGUE,
      coverage = NOTHING_BACKFILLED,
      partitions = allOf(shape),
      hasHoles = false,
    }: EngineOptions = {},
  ) {
    this.#resolve = resolve
    this.catalogue = catalogue
    this.#coverage = coverage
    this.#evaluate = compileCatalogue(catalogue)
    this.#width = catalogue.length
    this.#matrix = new Float64Array(EVALUATION_BATCH * this.#width)
    this.#evaluation = {
      tenant: '',
      borrower: '',
      time: 0,
      businessDay: 0,
      trigger: { date: '' },
      tick: false,
      outcomes: new Uint8Array(0),
      matrix: this.#matrix,
      base: 0,
      score: Number.NaN,
      band: INCONCLUSIVE,
      currency: '',
    }
    this.partitions = partitions.map((partition) => ({
      partition,
      features: new FeaturePartition(shape.partitions, shape.slices),
      decisions: new Map(),
      feedSeqs: new Map(),
      dirty: new BorrowerSet(),
      definitions: null,
      offset: -1,
    }))
    this.#hasHoles = hasHoles
    this.#byNumber = allOf(shape).map((number) => this.partitions.find(({ partition }) => partition === number))
  }

  /** Applies records in order, each partition's by rising offset, and hands all rows that follow to `outputs`. */
  async process(records: readonly LogRecord[], outputs: Outputs): Promise<void> {
    const touched = new Set<PartitionState>()
    for (const record of records) {
      const state = this.stateOf(record.partition)
      if (record.offset <= state.offset || (record.offset > state.offset + 1 && !this.#hasHoles)) {
        throw new Error(`partition ${record.partition}: offset ${record.offset} came after ${state.offset}`)
      }
      state.offset = record.offset
      touched.add(state)
      const { event } = record
      if (event.type === 'day.closed') await this.#closeDay(state, event, record, outputs)
      else if (event.type === 'tenant.configured') state.features.configure(event)
      else if (event.type === 'definitions.published') {
        // What came before was decided by the definitions before.
        await this.#decideWaiting(outputs)
        this.publish(state, event.data)
      } else {
        if (this.#isBatchClosed(state)) await this.#decideWaiting(outputs)
        this.#applyEvent(state, event, record, outputs)
      }
    }
    await this.#decideWaiting(outputs)
    for (const { partition, offset, feedSeqs } of touched) outputs.progress({ partition, offset }, feedSeqs)
  }

  stateOf(partition: number): PartitionState {
    const state = this.#byNumber[partition]
    if (state === undefined) throw new Error(`the engine does not work on partition ${partition}`)
    return state
  }

  /** Takes note that nothing is to be done up to an offset: what is there was dropped. */
  passTo(partition: number, offset: number, outputs: Outputs): void {
    const state = this.stateOf(partition)
    state.offset = Math.max(state.offset, offset)
    outputs.progress({ partition, offset: state.offset }, state.feedSeqs)
  }

  /** Puts definitions in force in one partition, from its next record on. */
  publish(state: PartitionState, published: PublishedDefinitions): void {
    const same = JSON.stringify(published)
    const known = this.partitions.find((one) => JSON.stringify(one.definitions?.published) === same)?.definitions
    const before = state.definitions
    state.definitions = known ?? this.#resolve(published)
    if (before === null) return
    // Signals that the new definitions carry on keep their outcome; a warning stays open.
    const { decision } = state.definitions
    for (const [index, old] of state.decisions) {
      state.features.beforeChange(index)
      const carried = decision.createState()
      decision.slots.forEach((slot, i) => {
        const at = before.decision.slots.findIndex((one) => one.signal === slot.signal)
        if (at >= 0) carried.outcomes[i] = old.outcomes[at] as number
      })
      carried.warning = old.warning
      carried.quiet_since = old.quiet_since
      const borrower = state.features.borrowers[index]
      if (borrower !== undefined && old.warning !== null && !isAlarmed(carried.outcomes)) {
        // A signal that was withdrawn holds a warning open no more: the quiet days begin here.
        if (old.quiet_since === NOT_QUIET) carried.quiet_since = borrower.tenant.calendar.dayOf(borrower.time)
      }
      keepDecision(state, index, carried)
    }
  }

  #applyEvent(state: PartitionState, event: BorrowerEvent, record: LogRecord, outputs: Outputs): void {
    const { partition, offset } = record
    const applied = state.features.apply(event, offset)
    this.#reportHeld(state, outputs)
    if (applied.kind === 'refused') {
      outputs.refused(event, { partition, offset }, applied.refusal)
      return
    }
    if (applied.kind === 'nobody') return
    const { borrower } = applied
    state.dirty.add(borrower.index)
    if ('loan' in event.data && event.data.loan !== undefined) {
      const loan = borrower.findLoan(event.data.loan)
      if (loan !== undefined) outputs.loan(loanRow(borrower, loan), { partition, offset }, 0)
    }
    this.#evaluateBorrower(state, borrower, record, borrower.time - event.time, true)
  }

  async #closeDay(
    state: PartitionState,
    event: EventOf<'day.closed'>,
    record: LogRecord,
    outputs: Outputs,
  ): Promise<void> {
    const slice = closeSlice(state.features, event)
    if (slice === undefined) return
    this.#reportHeld(state, outputs)
    const { borrowers, day, end } = slice
    const isMonthEnd = lastDayOfMonth(monthOfDay(day)) === day
    for (const borrower of borrowers) {
      // A row that waits may open or clear the warning which decides whether the sweep comes by.
      if (this.#undecided.has(borrower) && !borrower.isExposed()) await this.#decideWaiting(outputs)
      if (isSwept(borrower, end, () => this.#isWarned(state, borrower))) {
        state.features.advance(borrower, end)
        if (this.#isBatchClosed(state)) await this.#decideWaiting(outputs)
        this.#evaluateBorrower(state, borrower, record, 0, isMonthEnd)
      }
      this.#closeLoans(state, borrower, day, end, isMonthEnd, record, outputs)
    }
  }

  #isWarned(state: PartitionState, borrower: Borrower): boolean {
    return (state.decisions.get(borrower.index)?.warning ?? null) !== null
  }

  /** Evaluates a borrower as it stands, into the batch; its rows follow once the batch is scored. */
  #evaluateBorrower(
    state: PartitionState,
    borrower: Borrower,
    record: LogRecord,
    lateMs: number,
    isStored: boolean,
  ): void {
    const { event } = record
    const isTick = event.type === 'day.closed'
    this.#evaluate(borrower, this.#matrix, this.#waiting.length * this.#width)
    this.#undecided.add(borrower)
    this.#waiting.push({
      state,
      borrower,
      meta: evaluationMeta(borrower, record, lateMs),
      event: isTick ? null : event,
      date: isTick ? event.data.date : '',
      businessDay: borrower.tenant.calendar.dayOf(borrower.time),
      isStored,
    })
  }

  /** Rows of a borrower's loans at the end of a day, as of that day. */
  #closeLoans(
    state: PartitionState,
    borrower: Borrower,
    day: number,
    end: number,
    isMonthEnd: boolean,
    place: Place,
    outputs: Outputs,
  ): void {
    for (const loan of borrower.loans) {
      if (loan.disbursed_day > day) continue
      // An event of a later day may have come before this day was closed, and a loan that nobody sweeps lags behind.
      const isElsewhere =
        borrower.time > end ? loan.hasPaymentAfter(day) : borrower.time < end && loan.future_day <= day
      if (isElsewhere) loan.reallocate(day)
      const { changed, status } = closeLoanDay(borrower, loan, day)
      if (changed !== null) outputs.loanDay(changed, place, 0)
      const month = isMonthEnd ? loanMonthRow(borrower, loan, day, status) : null
      if (month !== null) outputs.loanMonth(month, place)
      if (isElsewhere) loan.reallocate(borrower.tenant.calendar.dayOf(borrower.time))
      if (changed === null) continue
      outputs.loan(loanRow(borrower, loan), place, 1)
      state.features.beforeChange(borrower.index)
      borrower.loansChanged()
      state.dirty.add(borrower.index)
    }
  }

  #reportHeld(state: PartitionState, outputs: Outputs): void {
    const { partition } = state
    for (const { borrower, held, refusal } of state.features.heldRefused) {
      outputs.refused(held.event, { partition, offset: held.offset }, refusal)
      state.dirty.add(borrower.index)
    }
  }

  /** Whether the batch must be decided before a row of this partition may join: it is full, or of other definitions. */
  #isBatchClosed(state: PartitionState): boolean {
    const first = this.#waiting[0]
    if (first === undefined) return false
    return this.#waiting.length === EVALUATION_BATCH || first.state.definitions !== state.definitions
  }

  /** Scores the batch, decides row by row in order, and hands over what is stored. */
  async #decideWaiting(outputs: Outputs): Promise<void> {
    if (this.snapshot !== null) await this.snapshot.turn()
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    this.#undecided.clear()
    this.evaluations += waiting.length
    const scores = await this.#score(waiting)
    let outcomes = new Uint8Array(0)
    const width = this.#width
    for (let row = 0; row < waiting.length; row++) {
      const one = waiting[row] as Waiting
      const definitions = one.state.definitions as Definitions
      if (outcomes.length !== definitions.ruleCount) outcomes = new Uint8Array(definitions.ruleCount)
      definitions.evaluateRules(this.#matrix, row * width, outcomes)
      this.#decide(
        one,
        definitions,
        row * width,
        outcomes,
        scores === null ? Number.NaN : (scores[row] as number),
        outputs,
      )
    }
  }

  /** Scores of the batch's rows, or null where no model is in force. */
  async #score(waiting: readonly Waiting[]): Promise<Float32Array | null> {
    const first = waiting[0]?.state.definitions
    if (first === null || first === undefined) throw new Error('events came before any definitions were published')
    if (first.scorer === null) return null
    return first.scorer.score(this.#matrix, this.#width, waiting.length)
  }

  #decide(
    one: Waiting,
    definitions: Definitions,
    base: number,
    outcomes: Uint8Array,
    score: number,
    outputs: Outputs,
  ): void {
    const { state, borrower, meta } = one
    const { decision } = definitions
    if (this.#blank.outcomes.length !== decision.slots.length) this.#blank = decision.createState()
    const decided = state.decisions.get(borrower.index) ?? this.#blank
    const band = definitions.scorer === null ? INCONCLUSIVE : definitions.bandOf(score)
    const evaluation = this.#evaluation
    evaluation.tenant = meta.tenant
    evaluation.borrower = meta.borrower
    evaluation.time = meta.time
    evaluation.businessDay = one.businessDay
    evaluation.trigger = one.event === null ? { date: one.date } : { source: one.event.source, id: one.event.id }
    evaluation.tick = one.event === null
    evaluation.outcomes = outcomes
    evaluation.base = base
    evaluation.score = score
    evaluation.band = band
    evaluation.currency = borrower.tenant.configuration.currency
    const emitted = this.#emitter
    emitted.begin(state, meta, outputs)
    decision.decide(decided, evaluation, emitted)
    const { changes } = emitted
    // Where nothing was emitted nothing changed. Whoever is evaluated was about to change, so it has been copied.
    if (changes > 0) {
      if (decided === this.#blank) this.#blank = decision.createState()
      keepDecision(state, borrower.index, decided)
    }
    if (!one.isStored && changes === 0) return
    const { withheld } = definitions
    const { partition, offset } = meta
    // Rules and model have read the row by now.
    if (withheld !== null) withhold(this.#matrix, base, withheld, this.#coverage, partition, offset)
    outputs.features(meta, this.#matrix, base, this.#coverage.generationAt(partition, offset))
    if (definitions.scorer !== null) outputs.score(meta, definitions.model, score, severityOf(band))
  }
}

function allOf({ partitions }: { readonly partitions: number }): number[] {
  return Array.from({ length: partitions }, (_, partition) => partition)
}
