import { compileCatalogue, type Evaluate } from '../../features/catalogue/compile.ts'
import type { FeatureDefinition } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { EventOf, PublishedDefinitions } from '../../features/events/contract.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { type BorrowerEvent, FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import { lastDayOfMonth, monthOfDay } from '../../features/time.ts'
import type { Evaluation } from '../../models/decision/decide.ts'
import { type DecisionState, isAlarmed, NOT_QUIET } from '../../models/decision/state.ts'
import { INCONCLUSIVE, severityOf } from '../../models/severity.ts'
import { BorrowerSet } from './borrower-set.ts'
import { closeLoans, restateLoans } from './close-loans.ts'
import { contactRow } from './contact-row.ts'
import { type Coverage, NOTHING_BACKFILLED, withhold } from './coverage.ts'
import type { Definitions } from './definitions.ts'
import { Emitter } from './emitter.ts'
import { inspectionRow } from './inspection-row.ts'
import { loanRow } from './loan-rows.ts'
import type { Outputs } from './outputs.ts'
import { keepDecision, type PartitionState, type SnapshotUnderWay } from './partition-state.ts'
import { closeSlice, evaluationMeta, isSwept } from './steps.ts'

/** Evaluations that are scored together: the model's best batch, and small enough for the cache. */
export const EVALUATION_BATCH = 256

/** One row of the batch that waits for its scores. Each object serves one batch after the other. */
type Waiting = {
  state: PartitionState
  borrower: Borrower
  /** What made the evaluation: it has the row's place. */
  record: LogRecord
  /** As-of time of the evaluation, and how far behind it the event lies. */
  time: number
  lateMs: number
  businessDay: number
  /** Whether the row is stored even if nothing changed. */
  isStored: boolean
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
  /** The batch: its first `#waitingCount` rows wait. */
  readonly #waiting: Waiting[] = []
  #waitingCount = 0
  /** Per partition the borrowers that have a row in the batch: their decision is not known yet. */
  readonly #undecided: readonly BorrowerSet[]
  /**
   * Per partition the borrowers of whose loans no closed day has anything more to say but a month's last: none of them
   * runs, and the tables have the last row of each. Nothing lies there that a start would have to bring back.
   */
  readonly #settled: readonly BorrowerSet[]
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
    this.#undecided = Array.from({ length: shape.partitions }, () => new BorrowerSet())
    this.#settled = Array.from({ length: shape.partitions }, () => new BorrowerSet())
    this.partitions = partitions.map((partition) => ({
      partition,
      features: new FeaturePartition(shape.partitions, shape.slices, true),
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
    const touched: PartitionState[] = []
    const isTouched = new Uint8Array(this.#byNumber.length)
    for (const record of records) {
      const state = this.stateOf(record.partition)
      if (record.offset <= state.offset || (record.offset > state.offset + 1 && !this.#hasHoles)) {
        throw new Error(`partition ${record.partition}: offset ${record.offset} came after ${state.offset}`)
      }
      state.offset = record.offset
      if (isTouched[state.partition] === 0) {
        isTouched[state.partition] = 1
        touched.push(state)
      }
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
    this.#settledOf(state).delete(borrower.index)
    if ('loan' in event.data && event.data.loan !== undefined) {
      const loan = borrower.findLoan(event.data.loan)
      if (loan !== undefined) outputs.loan(loanRow(borrower, loan), { partition, offset }, 0)
      restateLoans(state.features.restated, borrower, { partition, offset }, outputs)
    }
    if (event.type === 'contact.recorded') outputs.contact(contactRow(borrower, event), { partition, offset })
    if (event.type === 'inspection.recorded') outputs.inspection(inspectionRow(borrower, event), { partition, offset })
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
      if (!borrower.isExposed() && this.#undecidedOf(state).has(borrower.index)) await this.#decideWaiting(outputs)
      if (isSwept(borrower, end, () => this.#isWarned(state, borrower))) {
        state.features.advance(borrower, end)
        if (this.#isBatchClosed(state)) await this.#decideWaiting(outputs)
        this.#evaluateBorrower(state, borrower, record, 0, isMonthEnd)
      }
      if (isMonthEnd || !this.#settledOf(state).has(borrower.index)) {
        const isSettled = closeLoans(state, borrower, { day, end, isMonthEnd }, record, outputs)
        if (isSettled) this.#settledOf(state).add(borrower.index)
      }
    }
    const { tenant, data } = event
    const { partitions } = state.features
    outputs.closedDay({ tenant, slice: data.slice, slices: data.slices, partitions, date: day, day_end: end }, record)
  }

  #undecidedOf(state: PartitionState): BorrowerSet {
    return this.#undecided[state.partition] as BorrowerSet
  }

  #settledOf(state: PartitionState): BorrowerSet {
    return this.#settled[state.partition] as BorrowerSet
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
    const row = this.#waitingCount++
    this.#evaluate(borrower, this.#matrix, row * this.#width)
    this.#undecidedOf(state).add(borrower.index)
    const { time } = borrower
    const businessDay = borrower.tenant.calendar.dayOf(time)
    const one = this.#waiting[row]
    if (one === undefined) this.#waiting.push({ state, borrower, record, time, lateMs, businessDay, isStored })
    else {
      one.state = state
      one.borrower = borrower
      one.record = record
      one.time = time
      one.lateMs = lateMs
      one.businessDay = businessDay
      one.isStored = isStored
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
    if (this.#waitingCount === 0) return false
    const first = this.#waiting[0] as Waiting
    return this.#waitingCount === EVALUATION_BATCH || first.state.definitions !== state.definitions
  }

  /** Scores the batch, decides row by row in order, and hands over what is stored. */
  async #decideWaiting(outputs: Outputs): Promise<void> {
    if (this.snapshot !== null) await this.snapshot.turn()
    const count = this.#waitingCount
    if (count === 0) return
    this.evaluations += count
    const scores = await this.#score(count)
    let outcomes = new Uint8Array(0)
    const width = this.#width
    for (let row = 0; row < count; row++) {
      const one = this.#waiting[row] as Waiting
      const definitions = one.state.definitions as Definitions
      if (outcomes.length !== definitions.ruleCount) outcomes = new Uint8Array(definitions.ruleCount)
      definitions.evaluateRules(this.#matrix, row * width, outcomes)
      const score = scores === null ? Number.NaN : (scores[row] as number)
      this.#undecidedOf(one.state).delete(one.borrower.index)
      this.#decide(one, definitions, row * width, outcomes, score, outputs)
    }
    this.#waitingCount = 0
  }

  /** Scores of the batch's rows, or null where no model is in force. */
  async #score(count: number): Promise<Float32Array | null> {
    const first = this.#waiting[0]?.state.definitions
    if (first === null || first === undefined) throw new Error('events came before any definitions were published')
    if (first.scorer === null) return null
    return first.scorer.score(this.#matrix, this.#width, count)
  }

  #decide(
    one: Waiting,
    definitions: Definitions,
    base: number,
    outcomes: Uint8Array,
    score: number,
    outputs: Outputs,
  ): void {
    const { state, borrower, record } = one
    const { decision } = definitions
    if (this.#blank.outcomes.length !== decision.slots.length) this.#blank = decision.createState()
    const decided = state.decisions.get(borrower.index) ?? this.#blank
    const band = definitions.scorer === null ? INCONCLUSIVE : definitions.bandOf(score)
    const evaluation = this.#evaluation
    const { event } = record
    const isTick = event.type === 'day.closed'
    evaluation.tenant = borrower.tenant.name
    evaluation.borrower = borrower.token
    evaluation.time = one.time
    evaluation.businessDay = one.businessDay
    evaluation.trigger = isTick ? event.data : event
    evaluation.tick = isTick
    evaluation.outcomes = outcomes
    evaluation.base = base
    evaluation.score = score
    evaluation.band = band
    evaluation.currency = borrower.tenant.configuration.currency
    const emitted = this.#emitter
    emitted.begin(state, record, outputs)
    decision.decide(decided, evaluation, emitted)
    const { changes } = emitted
    // Where nothing was emitted nothing changed. Whoever is evaluated was about to change, so it has been copied.
    if (changes > 0) {
      if (decided === this.#blank) this.#blank = decision.createState()
      keepDecision(state, borrower.index, decided)
    }
    if (!one.isStored && changes === 0) return
    const { withheld } = definitions
    const { partition, offset } = record
    // Rules and model have read the row by now.
    if (withheld !== null) withhold(this.#matrix, base, withheld, this.#coverage, partition, offset)
    const meta = evaluationMeta(borrower, record, one.lateMs, one.time)
    outputs.features(meta, this.#matrix, base, this.#coverage.generationAt(partition, offset))
    if (definitions.scorer !== null) outputs.score(meta, definitions.model, score, severityOf(band))
  }
}

function allOf({ partitions }: { readonly partitions: number }): number[] {
  return Array.from({ length: partitions }, (_, partition) => partition)
}
