import { describe, expect, it } from 'vitest'
import { dayOfDate, MS_PER_HOUR } from '../../../features/time.ts'
import {
  ControlState,
  type SourceReport,
  seenRecord,
  sourceRecord,
  tenantRecord,
} from '../../../pipelines/cluster/control-state.ts'
import { TICK_DELAY_MS } from '../../../pipelines/intake/tenant-clock.ts'

const UTC = { zone: 'UTC' }
const START = Date.parse('2025-03-10T09:00:00Z')
const END_OF_FIRST = Date.parse('2025-03-11T00:00:00Z') - 1
const DUE = END_OF_FIRST + TICK_DELAY_MS

function stateWith(...reports: (readonly [source: string, report: Partial<SourceReport>])[]): ControlState {
  const state = new ControlState()
  take(state, seenRecord('acme', UTC, START))
  for (const [source, report] of reports) take(state, sourceRecord(source, { ...NOTHING_READ, ...report }))
  return state
}

const NOTHING_READ: SourceReport = { reached: {}, caught_up_at: null, position: 0, high_watermark: 0 }

function take(state: ControlState, { key, value }: { key: string; value: string }): void {
  state.take(key, value)
}

describe('a day is due', () => {
  it('once all sources are read to their ends after its end and the tick delay', () => {
    const state = stateWith(['a', { caught_up_at: DUE }], ['b', { caught_up_at: DUE + 5 }])
    expect(state.due('acme', ['a', 'b'], DUE + 10)).toEqual({
      tenant: 'acme',
      day: dayOfDate('2025-03-10'),
      slice: 0,
      end: END_OF_FIRST,
    })
    expect(state.due('acme', ['a', 'b'], DUE - 1)).toBeUndefined()
  })

  it('by the minimum: one source that lags for hours holds it back, whatever the others reached', () => {
    const late = DUE + 9 * MS_PER_HOUR
    const state = stateWith(
      ['transactions', { caught_up_at: late }],
      ['repayments', { reached: { acme: END_OF_FIRST - 1 } }],
    )
    expect(state.due('acme', ['transactions', 'repayments'], late)).toBeUndefined()
    take(state, sourceRecord('repayments', { ...NOTHING_READ, reached: { acme: DUE } }))
    expect(state.due('acme', ['transactions', 'repayments'], late)?.slice).toBe(0)
  })

  it('never while a source has not been reported at all', () => {
    expect(stateWith(['a', { caught_up_at: DUE }]).due('acme', ['a', 'b'], DUE)).toBeUndefined()
  })

  it('never ahead of the clock, though events are dated ahead of it', () => {
    const state = stateWith(['a', { reached: { acme: DUE + 12 * MS_PER_HOUR } }])
    expect(state.due('acme', ['a'], DUE - 1)).toBeUndefined()
    expect(state.due('acme', ['a'], DUE)).toBeDefined()
  })

  it('at the clock alone where there are no source partitions, as with events by HTTP', () => {
    expect(stateWith().due('acme', [], DUE)).toBeDefined()
  })

  it('for a tenant without an event in a source only when that source is read to its end', () => {
    const state = stateWith(['a', { reached: { other: DUE * 2 } }])
    expect(state.due('acme', ['a'], DUE)).toBeUndefined()
  })
})

describe('what was said once stays said', () => {
  it('a reader that begins anew takes nothing back', () => {
    const state = stateWith(
      ['a', { caught_up_at: DUE, reached: { acme: 5 } }],
      ['a', { caught_up_at: null, reached: {} }],
    )
    expect(state.readThrough('acme', ['a'])).toBe(DUE)
  })

  it('a former owner that wakes up late takes no slice back', () => {
    const state = stateWith()
    const day = dayOfDate('2025-03-10')
    take(state, tenantRecord('acme', { zone: 'UTC', next_day: day + 3, next_slice: 2 }))
    take(state, tenantRecord('acme', { zone: 'UTC', next_day: day + 3, next_slice: 1 }))
    take(state, seenRecord('acme', UTC, START))
    expect(state.tenants.get('acme')).toEqual({ zone: 'UTC', next_day: day + 3, next_slice: 2 })
  })
})

describe('slices', () => {
  it('follow one another, and the next day follows the last', () => {
    const state = stateWith()
    const due = state.due('acme', [], DUE)!
    const next = state.after(due, 2)
    expect(next).toEqual({ zone: 'UTC', next_day: due.day, next_slice: 1 })
    take(state, tenantRecord('acme', next))
    const second = state.due('acme', [], DUE)!
    expect(state.after(second, 2)).toEqual({ zone: 'UTC', next_day: due.day + 1, next_slice: 0 })
  })
})
