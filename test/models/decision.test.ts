import { describe, expect, test } from 'vitest'
import { createDecision, type Emit } from '../../models/decision/decide.ts'
import { feedEventId } from '../../models/decision/identity.ts'
import type { WarningRow, WarningSignal } from '../../models/decision/rows.ts'
import { compileRules } from '../../models/rules/compile.ts'
import {
  CALM,
  DAY_MS,
  evaluationOf,
  event,
  runSteps,
  STEP_RULES,
  stepDecision,
  tick,
  type Values,
} from './decision-setup.ts'

const story = (rows: readonly WarningRow[]) => rows.map((row) => `${row.time / DAY_MS} ${row.type} ${row.severity}`)
const signalsOf = (row: WarningRow | undefined) => JSON.parse(row?.signals ?? '[]') as WarningSignal[]
const withSalary = (value: number): Values => [value, 0, 0, 0, 0, 0]

describe('signals', () => {
  test('are written when an outcome changes, with the value and the band that holds it', () => {
    const { signals } = runSteps([event(10, withSalary(1)), event(11, withSalary(1.5)), event(12, withSalary(2.5))])
    expect(signals).toEqual([
      {
        tenant: 'acme',
        seq: 0,
        borrower: 'b1',
        loan: '',
        time: 10.5 * DAY_MS,
        signal: 'salary@1',
        family: 'cash-flow',
        severity: 'blue',
        previous_severity: 'none',
        feature: 'salary@1',
        value: 1,
        lower: 1,
        upper: 2,
      },
      expect.objectContaining({ time: 12.5 * DAY_MS, severity: 'yellow', previous_severity: 'blue', value: 2.5 }),
    ])
  })

  test('say none when they go off, and the open bounds of a band are null', () => {
    const { signals } = runSteps([event(1, withSalary(4)), event(2, CALM)])
    expect(signals.map((row) => [row.severity, row.lower, row.upper])).toEqual([
      ['red', 4, null],
      ['none', null, 1],
    ])
  })

  test('are numbered inside one evaluation, the model last, its feature being the score', () => {
    const { signals } = runSteps([event(1, [0, 1, 0, 2, 0, 3])])
    expect(signals.map((row) => [row.seq, row.signal, row.family, row.feature])).toEqual([
      [0, 'debits@1', 'cash-flow', 'debits@1'],
      [1, 'queries@1', 'multi-lender', 'queries@1'],
      [2, 'tiny@1', 'model', 'score'],
    ])
  })

  test('stand while the value is missing', () => {
    const missing: Values = [Number.NaN, 0, 0, 0, 0, Number.NaN]
    const { signals, warnings, state } = runSteps([
      event(1, [2, 0, 0, 0, 0, 1]),
      ...[2, 9, 20].map((day) => tick(day, missing)),
    ])
    expect(signals).toHaveLength(2)
    expect(story(warnings)).toEqual(['1.5 opened yellow'])
    expect([...state.outcomes]).toEqual([2, 0, 0, 0, 0, 1])
  })
})

describe('a warning', () => {
  test('is not opened by blue signals, however many there are', () => {
    expect(runSteps([event(1, [1, 1, 1, 1, 1, 1])]).warnings).toEqual([])
  })

  test('opens at yellow, escalates when it exceeds its highest so far, and not when it comes back to it', () => {
    const { warnings } = runSteps([2, 3, 2, 3, 4, 2, 4].map((value, day) => event(day, withSalary(value))))
    expect(story(warnings)).toEqual(['0.5 opened yellow', '1.5 escalated orange', '4.5 escalated red'])
    expect(new Set(warnings.map((row) => row.warning_id))).toEqual(new Set([warnings[0]?.id]))
  })

  test('is one worse where three families are active at yellow or worse, the model being one, and never worse than red', () => {
    expect(story(runSteps([event(1, [2, 2, 2, 0, 0, 1])]).warnings)).toEqual(['1.5 opened yellow'])
    expect(story(runSteps([event(1, [2, 0, 2, 2, 0, 0])]).warnings)).toEqual(['1.5 opened orange'])
    expect(story(runSteps([event(1, [3, 0, 2, 0, 0, 2])]).warnings)).toEqual(['1.5 opened red'])
    expect(story(runSteps([event(1, [4, 0, 4, 4, 4, 4])]).warnings)).toEqual(['1.5 opened red'])
  })

  test('carries every active signal with its values, thresholds and reasons, the worst first, then by name', () => {
    const { warnings } = runSteps([event(1, [2, 1, 3, 2, 0, 0])])
    const signals = signalsOf(warnings[0])
    expect(signals.map((one) => `${one.signal} ${one.severity}`)).toEqual([
      'cash@1 orange',
      'queries@1 yellow',
      'salary@1 yellow',
      'debits@1 blue',
    ])
    expect(signals[0]).toEqual({
      signal: 'cash@1',
      family: 'cash-out',
      severity: 'orange',
      feature: 'cash@1',
      value: 3,
      lower: 3,
      upper: 4,
      reason_zh: 'cash 3，达到 3',
      reason_en: 'cash 3, threshold 3',
    })
  })

  test('says null for the value of a signal that stands while its value is missing', () => {
    const { warnings } = runSteps([event(1, withSalary(2)), event(2, [Number.NaN, 0, 3, 0, 0, 0])])
    const salary = signalsOf(warnings[1]).find((one) => one.signal === 'salary@1')
    expect(salary).toMatchObject({
      severity: 'yellow',
      value: null,
      lower: 2,
      upper: 3,
      reason_en: 'salary (not available), threshold 2',
    })
  })

  test('names its decision, model, score and trigger', () => {
    const [opened] = runSteps([event(3, [2, 0, 0, 0, 0, 0.25])]).warnings
    expect(opened).toMatchObject({
      seq: 0,
      loan: '',
      decision: 'warning_by_borrower@1',
      model: 'tiny@1',
      score: 0.25,
      trigger_source: 'core',
      trigger_id: 'e0',
      trigger_date: '',
    })
    const [byTick] = runSteps([tick(3, withSalary(2))]).warnings
    expect(byTick).toMatchObject({ trigger_source: '', trigger_id: '', trigger_date: '1970-01-04' })
  })

  test('has no model and no score where there is none', () => {
    const decision = createDecision(
      compileRules(
        STEP_RULES,
        STEP_RULES.map((rule) => rule.feature),
      ),
      null,
    )
    const rows: WarningRow[] = []
    const state = decision.createState()
    const evaluation = { ...evaluationOf(event(1, withSalary(2)), 0), score: Number.NaN, band: 255 }
    decision.decide(state, evaluation, { signal: () => {}, warning: (row) => rows.push(row) })
    expect(rows[0]).toMatchObject({ model: '', score: null })
    expect(state.outcomes).toHaveLength(STEP_RULES.length)
  })
})

describe('clearing', () => {
  test('takes seven closed days after the day on which the last signal at yellow or worse went off', () => {
    const calmTicks = Array.from({ length: 12 }, (_, i) => tick(10 + i, CALM))
    const { warnings, state } = runSteps([event(8, withSalary(3)), event(10, CALM), ...calmTicks])
    expect(story(warnings).map((one) => one.split(' ').slice(1).join(' '))).toEqual(['opened orange', 'cleared orange'])
    expect(warnings[1]).toMatchObject({ trigger_date: '1970-01-18', warning_id: warnings[0]?.id })
    expect(state.warning).toBeNull()
  })

  test('happens at ticks only, and late where days were skipped', () => {
    const { warnings } = runSteps([event(1, withSalary(2)), event(2, CALM), event(30, CALM), tick(31, CALM)])
    expect(warnings.map((row) => [row.type, row.trigger_date])).toEqual([
      ['opened', ''],
      ['cleared', '1970-02-01'],
    ])
  })

  test('starts counting again after any moment at yellow, and does not mind blue', () => {
    const quiet = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => tick(from + i, withSalary(1)))
    const { warnings } = runSteps([
      event(1, withSalary(2)),
      ...quiet(1, 7),
      event(8, withSalary(2)),
      event(8, withSalary(1)),
      ...quiet(8, 15),
    ])
    expect(warnings.map((row) => `${row.type} ${row.trigger_date}`)).toEqual(['opened ', 'cleared 1970-01-16'])
    expect(signalsOf(warnings[1]).map((one) => one.severity)).toEqual(['blue'])
  })

  test('lets the next signal open another warning at once', () => {
    const { warnings } = runSteps([event(1, withSalary(2)), event(1, CALM), tick(8, CALM), event(8, withSalary(2))])
    expect(warnings.map((row) => row.type)).toEqual(['opened', 'cleared', 'opened'])
    expect(warnings[2]?.warning_id).not.toBe(warnings[0]?.warning_id)
  })
})

describe('the id of a feed event', () => {
  // Computed apart: printf '["acme","b1","","opened","warning_by_borrower@1",["core","e0"]]' | sha256sum | cut -c1-32
  test('is the hash of what identifies it', () => {
    expect(feedEventId('acme', 'b1', '', 'opened', 'warning_by_borrower@1', { source: 'core', id: 'e0' })).toBe(
      'fdc04a75aeb4115e9b1378d42f715866',
    )
    expect(feedEventId('acme', 'b1', '', 'opened', 'warning_by_borrower@1', { date: '2024-02-29' })).toBe(
      '9dacf53c357ba461a3722cb0fe5eadea',
    )
  })
})

describe('an evaluation that changes nothing', () => {
  test('emits nothing and leaves the state alone', () => {
    const decision = stepDecision()
    const state = decision.createState()
    const quiet: Emit = { signal: () => {}, warning: () => {} }
    decision.decide(state, evaluationOf(event(1, [2, 0, 0, 0, 0, 0]), 0), quiet)
    const before = structuredClone(state)
    const loud: Emit = {
      signal: () => expect.unreachable('no signal changed'),
      warning: () => expect.unreachable('no warning changed'),
    }
    for (const day of [2, 3, 40]) decision.decide(state, evaluationOf(tick(day, [2.5, 0, 0, 0, 0, 0]), day), loud)
    expect(state).toEqual(before)
  })

  test('refuses an outcome that its value does not have: that is a bug, and a warning must not be built on it', () => {
    const decision = stepDecision()
    const evaluation = evaluationOf(event(1, CALM), 0)
    evaluation.outcomes[0] = 2
    expect(() => decision.decide(decision.createState(), evaluation, { signal: () => {}, warning: () => {} })).toThrow(
      'salary@1',
    )
  })
})
