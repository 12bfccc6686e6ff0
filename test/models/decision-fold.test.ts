import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SignalRow, WarningRow } from '../../models/decision/rows.ts'
import type { DecisionState } from '../../models/decision/state.ts'
import { CALM, DAY_MS, type Run, runSteps, STEP_RULES, type Step, stepDecision, type Values } from './decision-setup.ts'

/** Days move slowly or jump, values flicker, ticks come with quiet stretches: enough for all of a warning's life. */
const value = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constantFrom(1, 1.5, 2, 2.5, 3, 4) },
  { weight: 1, arbitrary: fc.constant(Number.NaN) },
)
const flicker: fc.Arbitrary<Values> = fc.tuple(value, value, value, value, value, value)
const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.record({
      days: fc.constantFrom(0, 0, 1, 1, 2, 5, 8),
      tick: fc.boolean(),
      values: fc.oneof({ weight: 2, arbitrary: fc.constant(CALM) }, { weight: 1, arbitrary: flicker }),
    }),
    { minLength: 20, maxLength: 60 },
  )
  .map((list) => {
    let day = 100
    return list.map(({ days, tick, values }) => {
      day += days
      return { day, tick, values }
    })
  })

/** The decision once more, slowly: everything is worked out from the whole history for each step. */
function naiveStory(history: readonly Step[]): string[] {
  const families = [...STEP_RULES.map((rule) => rule.family), 'model']
  const standing = (upTo: number, slot: number) => {
    const said = history.slice(0, upTo + 1).filter((step) => !Number.isNaN(step.values[slot]))
    return Math.floor(said.at(-1)?.values[slot] ?? 0)
  }
  const codes = (at: number) => families.map((_, slot) => (at < 0 ? 0 : standing(at, slot)))
  const alarmed = (at: number) => codes(at).some((code) => code >= 2)
  const severity = (at: number) => {
    const active = codes(at)
    const worst = Math.max(...active)
    const loud = new Set(families.filter((_, slot) => (active[slot] as number) >= 2))
    if (worst < 2) return 0
    return loud.size >= 3 ? Math.min(4, worst + 1) : worst
  }
  const out: string[] = []
  let highest: number | null = null
  for (let at = 0; at < history.length; at++) {
    const now = severity(at)
    if (highest === null && now >= 2) {
      highest = now
      out.push(`${at} opened ${now}`)
    } else if (highest !== null && now > highest) {
      highest = now
      out.push(`${at} escalated ${now}`)
    } else if (highest !== null && history[at]?.tick) {
      const loudDays = history.filter((_, i) => i <= at && (alarmed(i) || alarmed(i - 1))).map((step) => step.day)
      if (!alarmed(at) && (history[at] as Step).day - Math.max(...loudDays) >= 7) {
        out.push(`${at} cleared ${highest}`)
        highest = null
      }
    }
  }
  return out
}

const CODES = ['none', 'blue', 'yellow', 'orange', 'red']
const dayOf = (time: number) => Math.floor(time / DAY_MS)

/** The state that these rows make, or what they make of a state. */
function folded(
  signals: readonly SignalRow[],
  warnings: readonly WarningRow[],
  state: DecisionState = stepDecision().createState(),
): DecisionState {
  const { fold } = stepDecision()
  for (const row of signals) fold.signal(state, row, dayOf)
  for (const row of warnings) fold.warning(state, row)
  fold.settle(state)
  return state
}

describe('on random streams', () => {
  test('the state is a fold of the output rows, after every step', () => {
    let cleared = 0
    const compare = (run: Run) => {
      expect(folded(run.signals, run.warnings)).toEqual(run.state)
      cleared += run.warnings.at(-1)?.type === 'cleared' ? 1 : 0
    }
    fc.assert(
      fc.property(steps, (list) => {
        runSteps(list, compare)
      }),
      { seed: 11, numRuns: 150 },
    )
    expect(cleared, 'streams that never clear a warning prove little').toBeGreaterThan(100)
  })

  test('the fold goes on from any evaluation, in stretches of any length', () => {
    let stretches = 0
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.integer({ min: 1, max: 25 })), (list, lengths) => {
        const state = stepDecision().createState()
        let next = 0
        const seen = { signals: 0, warnings: 0 }
        runSteps(list, (run, index) => {
          if (index < next) return
          next = index + (lengths.next().value as number)
          folded(run.signals.slice(seen.signals), run.warnings.slice(seen.warnings), state)
          expect(state).toEqual(run.state)
          seen.signals = run.signals.length
          seen.warnings = run.warnings.length
          stretches++
        })
      }),
      { seed: 14, numRuns: 150 },
    )
    expect(stretches).toBeGreaterThan(400)
  })

  test('the warnings are those of a naive computation from the whole history', () => {
    const types = new Map<string, number>()
    fc.assert(
      fc.property(steps, (list) => {
        const story: string[] = []
        let seen = 0
        runSteps(list, (run, index) => {
          for (const row of run.warnings.slice(seen)) {
            story.push(`${index} ${row.type} ${CODES.indexOf(row.severity)}`)
            types.set(row.type, (types.get(row.type) ?? 0) + 1)
          }
          seen = run.warnings.length
        })
        expect(story).toEqual(naiveStory(list))
      }),
      { seed: 12, numRuns: 150 },
    )
    expect(Math.min(...['opened', 'escalated', 'cleared'].map((type) => types.get(type) ?? 0))).toBeGreaterThan(20)
  })

  test('ids are unique: one evaluation makes one feed event at most, and a restart makes the same rows', () => {
    fc.assert(
      fc.property(steps, (list) => {
        // One tick per date, as intake makes them.
        const once = list.filter(
          (one, i) => !one.tick || !list.slice(0, i).some((two) => two.tick && two.day === one.day),
        )
        const first = runSteps(once)
        expect(new Set(first.warnings.map((row) => row.id)).size).toBe(first.warnings.length)
        expect(JSON.stringify(runSteps(once))).toBe(JSON.stringify(first))
      }),
      { seed: 13, numRuns: 50 },
    )
  })

  test('signals that no longer exist are left out of a restored state', () => {
    const { signals, warnings } = runSteps([{ day: 1, tick: false, values: [2, 0, 0, 0, 0, 0] }])
    const renamed = signals.map((row) => ({ ...row, signal: 'gone@1' }))
    const restored = folded(renamed, warnings)
    expect([...restored.outcomes]).toEqual([0, 0, 0, 0, 0, 0])
    expect(restored.warning?.warning_id).toBe(warnings[0]?.id)
  })
})
