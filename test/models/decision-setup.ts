import { bandCode } from '../../models/bands.ts'
import { createDecision, type Decision, type Emit, type Evaluation } from '../../models/decision/decide.ts'
import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import type { DecisionState } from '../../models/decision/state.ts'
import { compileRules } from '../../models/rules/compile.ts'
import { defineRule, type Rule, rising } from '../../models/rules/define.ts'

export const DAY_MS = 86_400_000
const STEPS = rising([1, 'blue'], [2, 'yellow'], [3, 'orange'], [4, 'red'])

function step(name: string, family: Rule['family']): Rule {
  const reason = { zh: `${name} {value}，达到 {threshold}`, en: `${name} {value}, threshold {threshold}` }
  return defineRule({
    name,
    version: 1,
    family,
    feature: `${name}@1`,
    unit: 'count',
    bands: STEPS,
    reason,
    source: 'ours',
  })
}

/** Five rules of four families whose value is their severity's code, which makes a case easy to write down. */
export const STEP_RULES = [
  step('salary', 'cash-flow'),
  step('debits', 'cash-flow'),
  step('cash', 'cash-out'),
  step('queries', 'multi-lender'),
  step('past_due', 'repayment-habit'),
]
/** Values of salary, debits, cash, queries, past_due, then the model's; NaN is missing. */
export type Values = readonly [number, number, number, number, number, number]

export const MODEL = { id: 'tiny@1', bands: STEPS }
const COLUMNS = STEP_RULES.map((rule) => rule.feature)
const compiled = compileRules(STEP_RULES, COLUMNS)

export function stepDecision(): Decision {
  return createDecision(compiled, MODEL)
}

export type Step = { day: number; tick: boolean; values: Values }

/** Evaluates steps in order: time is noon of an event's day, or the end of a tick's. */
export function evaluationOf({ day, tick, values }: Step, index: number): Evaluation {
  // A row before the borrower's own shows that `base` is heeded.
  const matrix = new Float64Array(2 * COLUMNS.length).fill(4)
  matrix.set(values.slice(0, COLUMNS.length), COLUMNS.length)
  const outcomes = new Uint8Array(STEP_RULES.length)
  compiled.evaluate(matrix, COLUMNS.length, outcomes)
  return {
    tenant: 'acme',
    borrower: 'b1',
    time: tick ? (day + 1) * DAY_MS - 1 : day * DAY_MS + DAY_MS / 2,
    businessDay: day,
    trigger: tick ? { date: new Date(day * DAY_MS).toISOString().slice(0, 10) } : { source: 'core', id: `e${index}` },
    tick,
    outcomes,
    matrix,
    base: COLUMNS.length,
    score: values[5],
    band: bandCode(MODEL.bands, values[5]),
    currency: 'CNY',
  }
}

export type Run = { state: DecisionState; signals: SignalRow[]; warnings: WarningRow[] }

/** Runs steps through a decision and keeps what it emits. `after` sees the run after each step. */
export function runSteps(steps: readonly Step[], after: (run: Run, index: number) => void = () => {}): Run {
  const decision = stepDecision()
  const run: Run = { state: decision.createState(), signals: [], warnings: [] }
  const emit: Emit = { signal: (row) => run.signals.push(row), warning: (row) => run.warnings.push(row) }
  steps.forEach((one, index) => {
    decision.decide(run.state, evaluationOf(one, index), emit)
    after(run, index)
  })
  return run
}

export const CALM: Values = [0, 0, 0, 0, 0, 0]

export function event(day: number, values: Values): Step {
  return { day, tick: false, values }
}

export function tick(day: number, values: Values): Step {
  return { day, tick: true, values }
}
