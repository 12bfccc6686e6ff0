import { describe, expect, it } from 'vitest'
import { type Instalments, isObserved, isStillNonPerforming } from '../../../features/classification/payments.ts'

const NEVER = 0x7fffffff
const raw = (days: number) => days

/** Instalments every 30 days from `first` on, paid on their due dates but for those that `paid` names. */
function loan(first: number, count: number, paid: Readonly<Record<number, number>>): Instalments {
  const due_day = Int32Array.from({ length: count }, (_, i) => first + 30 * i)
  return { instalment_count: count, due_day, settled_day: due_day.map((due) => paid[due] ?? due) }
}

describe('the observation of a restructured loan', () => {
  const restructuring = { day: 0, first_due_day: 30, floor: 0, is_again: false }

  it('ends a year after the first due date (1970-01-31), and nothing begins it again', () => {
    const late = loan(30, 24, { 630: NEVER })
    expect(isObserved(late, restructuring, 394, raw)).toBe(true)
    expect([395, 640, 700].map((day) => isObserved(late, restructuring, day, raw))).toEqual([false, false, false])
  })

  it('begins anew from the due date of what was not paid in time', () => {
    // Due on day 330, which is 1970-11-27.
    const late = loan(30, 24, { 330: 340 })
    expect([330, 395, 694, 695].map((day) => isObserved(late, restructuring, day, raw))).toEqual([
      true,
      true,
      true,
      false,
    ])
  })
})

describe('a loan that was non-performing', () => {
  const above = 90
  const arrears = { 0: 100, 30: 100, 60: 100, 90: 100 }

  it('is so until 6 months have gone in time, and a later short delay does not make it so again', () => {
    const cured = loan(0, 30, { ...arrears, 510: 520 })
    // All was paid on day 100, which is 1970-04-11.
    expect([100, 282, 283, 509, 521].map((day) => isStillNonPerforming(cured, day, above, raw))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('waits anew after a delay within these months', () => {
    const delayed = loan(0, 30, { ...arrears, 150: 155 })
    // Day 155 is 1970-06-05.
    expect([283, 337, 338].map((day) => isStillNonPerforming(delayed, day, above, raw))).toEqual([true, true, false])
  })
})
