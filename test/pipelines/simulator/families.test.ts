import { beforeAll, describe, expect, it } from 'vitest'
import { dayOfDate } from '../../../features/time.ts'
import { eventsByBorrower, SIGNS, USUAL_DAYS, WINDOW_DAYS, type Window, windowOf } from './families.ts'
import { dpdOn, eventsOf, replayLoans } from './replay.ts'

const START = dayOfDate('2023-01-01')
const DAYS = 760
const LAST_DAY = START + DAYS - 1
/** Healthy borrowers are looked at again and again, so far apart that no day is in two windows. */
const APART_DAYS = 2 * WINDOW_DAYS + 1

/**
 * Per family signs with the least share of the defaulters that show them, and the range of the healthy windows that do.
 * Measured over three seeds; the bounds leave a quarter or more on either side.
 */
const MOVES: readonly (readonly [family: string, sign: string, defaulters: number, healthy: [number, number]])[] = [
  ['cash-flow', 'below zero', 0.38, [0.03, 0.09]],
  ['cash-flow', 'debits failed', 0.2, [0.008, 0.03]],
  ['cash-flow', 'balance nearly gone', 0.16, [0.06, 0.14]],
  ['cash-out', 'card not present', 0.24, [0.05, 0.15]],
  ['cash-out', 'in parts', 0.17, [0.04, 0.11]],
  ['cash-out', 'on credit', 0.14, [0.015, 0.06]],
  ['cash-out', 'just below a limit', 0.05, [0.012, 0.05]],
  ['multi-lender', 'fast lenders', 0.4, [0.1, 0.24]],
  ['multi-lender', 'nights and weekends', 0.35, [0.07, 0.18]],
  ['multi-lender', 'consolidation', 0.11, [0.015, 0.05]],
  ['repayment habit', 'own debit failed', 0.35, [0.03, 0.08]],
  ['repayment habit', 'less than an instalment', 0.17, [0.025, 0.06]],
  ['repayment habit', 'other account', 0.11, [0.07, 0.18]],
  ['exposure', 'sued', 0.025, [0.002, 0.01]],
  ['exposure', 'collateral worth less', 0.02, [0.004, 0.015]],
]

describe('what simulated borrowers do before a default', () => {
  const defaulters: Window[] = []
  const healthy: Window[] = []
  const seen = new Map<string, { readonly ofDefaulters: number; readonly ofHealthy: number }>()
  beforeAll(() => {
    const events = eventsOf({ seed: 4, borrowers: 800, start: '2023-01-01' }, DAYS)
    const own = eventsByBorrower(events)
    for (const [subject, loans] of replayLoans(events, LAST_DAY)) {
      const days = loans.map((loan) => loan.opened + loan.dpd.findIndex((dpd) => dpd >= 30))
      const late = days.filter((day, i) => day >= loans[i]!.opened)
      if (late.length > 0) {
        defaulters.push(windowOf(own.get(subject)!, Math.min(...late)))
        continue
      }
      for (let day = START + WINDOW_DAYS + USUAL_DAYS; day <= LAST_DAY; day += APART_DAYS) {
        if (!loans.some((loan) => loan.opened < day - WINDOW_DAYS && dpdOn(loan, day) !== undefined)) continue
        healthy.push(windowOf(own.get(subject)!, day))
      }
    }
    for (const [family, signs] of Object.entries(SIGNS)) {
      for (const [sign, shows] of Object.entries(signs)) {
        seen.set(`${family}: ${sign}`, {
          ofDefaulters: defaulters.filter(shows).length / defaulters.length,
          ofHealthy: healthy.filter(shows).length / healthy.length,
        })
      }
    }
  })

  it('there are enough of both to say', () => {
    expect(defaulters.length).toBeGreaterThan(100)
    expect(healthy.length).toBeGreaterThan(1500)
  })

  it.each(MOVES)(
    '%s: "%s" is seen in many of them, and in a few of the healthy',
    (family, sign, least, [low, high]) => {
      const { ofDefaulters, ofHealthy } = seen.get(`${family}: ${sign}`)!
      expect(ofDefaulters).toBeGreaterThan(least)
      expect(ofHealthy).toBeGreaterThan(low)
      expect(ofHealthy).toBeLessThan(high)
    },
  )

  it('every sign of every family is seen before a default and in somebody healthy', () => {
    const unseen = [...seen].filter(([, { ofDefaulters, ofHealthy }]) => ofDefaulters === 0 || ofHealthy === 0)
    expect(unseen).toEqual([])
    expect(seen.size).toBeGreaterThan(30)
  })

  it('in every family there are defaults without any of its early signs', () => {
    for (const family of ['cash-flow', 'cash-out', 'multi-lender', 'exposure']) {
      const signs = Object.values(SIGNS[family]!)
      const quiet = defaulters.filter((window) => !signs.some((shows) => shows(window)))
      expect(quiet.length / defaulters.length, family).toBeGreaterThan(0.02)
    }
  })
})
