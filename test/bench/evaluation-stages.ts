import { compileCatalogue } from '../../features/catalogue/compile.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import type { LogRecord } from '../../features/events/record.ts'
import { FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import type { Emit, Evaluation } from '../../models/decision/decide.ts'
import type { DecisionState } from '../../models/decision/state.ts'
import { INCONCLUSIVE } from '../../models/severity.ts'
import { PARTITIONS_DEFAULT, SLICES_DEFAULT } from '../../pipelines/config.ts'
import { createResolve, currentDefinitions, type Definitions } from '../../pipelines/engine/definitions.ts'
import { EVALUATION_BATCH } from '../../pipelines/engine/engine.ts'
import type { EvaluationMeta } from '../../pipelines/engine/outputs.ts'
import { closeSlice, evaluationMeta, isSwept } from '../../pipelines/engine/steps.ts'
import { measureWork } from './clock.ts'
import { releaseModels } from './population.ts'
import { applySimulated } from './simulated.ts'

const WIDTH = CATALOGUE.length
/** Evaluations whose values are kept, the last ones of the log: 140 MB of 250 columns. */
const RECORDED_MAX = 70_000

/** What evaluations came to, for the parts that go on from there. */
export class Recording {
  readonly metas: EvaluationMeta[] = []
  readonly days: number[] = []
  readonly matrix: Float64Array
  /** NaN until the model was measured. */
  readonly scores: Float32Array
  #skip: number

  constructor(evaluations: number) {
    const rows = Math.min(evaluations, RECORDED_MAX)
    this.#skip = evaluations - rows
    this.matrix = new Float64Array(rows * WIDTH)
    this.scores = new Float32Array(rows).fill(Number.NaN)
  }

  add(borrower: Borrower, record: LogRecord, values: Float64Array): void {
    if (this.#skip-- > 0) return
    this.matrix.set(values, this.metas.length * WIDTH)
    this.metas.push(evaluationMeta(borrower, record, 0))
    this.days.push(borrower.tenant.calendar.dayOf(borrower.time))
  }
}

/** Goes through a log as the engine does, as far as features are concerned. */
export async function walkFeatures(
  log: readonly LogRecord[],
  recording?: Recording,
): Promise<{ readonly evaluations: number; readonly total_us: number }> {
  const partitions = Array.from(
    { length: PARTITIONS_DEFAULT },
    () => new FeaturePartition(PARTITIONS_DEFAULT, SLICES_DEFAULT),
  )
  const compute = compileCatalogue(CATALOGUE)
  const row = new Float64Array(WIDTH)
  let evaluations = 0
  const evaluate = (borrower: Borrower, record: LogRecord) => {
    compute(borrower, row, 0)
    evaluations++
    recording?.add(borrower, record, row)
  }
  const { total_us } = await measureWork(() => {
    for (const record of log) {
      const features = partitions[record.partition] as FeaturePartition
      const { event } = record
      if (event.type === 'definitions.published') continue
      if (event.type !== 'day.closed') {
        const borrower = applySimulated(features, event, record.offset)
        if (borrower !== undefined) evaluate(borrower, record)
        continue
      }
      const slice = closeSlice(features, event)
      for (const borrower of slice?.borrowers ?? []) {
        if (slice === undefined || !isSwept(borrower, slice.end, () => false)) continue
        features.advance(borrower, slice.end)
        evaluate(borrower, record)
      }
    }
  })
  return { evaluations, total_us }
}

async function definitionsInForce(): Promise<Definitions> {
  const models = await releaseModels()
  return createResolve(models)(currentDefinitions(models.at(-1) ?? null))
}

/** The model on recorded rows, batch by batch: microseconds per row. Leaves the scores with them. */
export async function measureScores({ matrix, scores }: Recording): Promise<number> {
  const { scorer } = await definitionsInForce()
  if (scorer === null) throw new Error('the release has no model')
  const batches = Math.floor(matrix.length / WIDTH / EVALUATION_BATCH)
  const scoreAll = async () => {
    for (let batch = 0; batch < batches; batch++) {
      const from = batch * EVALUATION_BATCH * WIDTH
      const rows = matrix.subarray(from, from + EVALUATION_BATCH * WIDTH)
      scores.set(await scorer.score(rows, WIDTH, EVALUATION_BATCH), batch * EVALUATION_BATCH)
    }
  }
  await scoreAll()
  const { total_us } = await measureWork(scoreAll)
  return total_us / (batches * EVALUATION_BATCH)
}

const NOBODY_LISTENS: Emit = { signal() {}, warning() {} }

/** Rules and decision on recorded rows: microseconds per row. */
export async function measureDecisions(recording: Recording): Promise<number> {
  const definitions = await definitionsInForce()
  const { metas } = recording
  const states = new Map<string, DecisionState>()
  // The first time every signal is new, and the compiler is.
  decideAll(recording, definitions, states)
  const { total_us } = await measureWork(() => decideAll(recording, definitions, states))
  return total_us / metas.length
}

function decideAll(
  { matrix, metas, days, scores }: Recording,
  { evaluateRules, ruleCount, decision, bandOf }: Definitions,
  states: Map<string, DecisionState>,
): void {
  const outcomes = new Uint8Array(ruleCount)
  const evaluation: Evaluation = {
    tenant: '',
    borrower: '',
    time: 0,
    businessDay: 0,
    trigger: { source: 'bench', id: 'bench' },
    tick: false,
    outcomes,
    matrix,
    base: 0,
    score: 0,
    band: 0,
    currency: 'CNY',
  }
  for (let row = 0; row < metas.length; row++) {
    const meta = metas[row] as EvaluationMeta
    const state = states.get(meta.borrower) ?? decision.createState()
    states.set(meta.borrower, state)
    evaluation.tenant = meta.tenant
    evaluation.borrower = meta.borrower
    evaluation.time = meta.time
    evaluation.businessDay = days[row] as number
    evaluation.base = row * WIDTH
    evaluation.score = scores[row] as number
    evaluation.band = Number.isNaN(evaluation.score) ? INCONCLUSIVE : bandOf(evaluation.score)
    evaluateRules(matrix, evaluation.base, outcomes)
    decision.decide(state, evaluation, NOBODY_LISTENS)
  }
}
