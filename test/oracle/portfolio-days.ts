/** What happened to a loan day by day, and what views over days must say of it: slow and obvious. */
import fc from 'fast-check'

export type DayState = {
  /** Days since 2024-01-01. */
  readonly date: number
  /** A later row of the same date takes the place of an earlier one. */
  readonly offset: number
  readonly dpd: number
  readonly is_written_off: boolean
}

export type DayLoan = {
  readonly tenant: string
  readonly product: string
  readonly dues: readonly number[]
  readonly states: readonly DayState[]
}

export const CLOSED_THROUGH = 95
export const MEASURES = ['fpd', 'spd', 'tpd', 'first_three'] as const

export function dateOf(day: number): string {
  return new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)
}

/** The state that holds at the end of a date: of the latest date up to then the row known last. */
function stateAt(loan: DayLoan, date: number): DayState | undefined {
  let best: DayState | undefined
  for (const state of loan.states) {
    if (state.date > date) continue
    if (best === undefined || state.date > best.date || (state.date === best.date && state.offset > best.offset))
      best = state
  }
  return best
}

export type PaymentCell = { loans: number; matured: number; bad: number }

/** By tenant|product|measure|days. */
export function firstPayments(loans: readonly DayLoan[]): Map<string, PaymentCell> {
  const cells = new Map<string, PaymentCell>()
  for (const loan of loans) {
    MEASURES.forEach((measure, i) => {
      const dues = measure === 'first_three' ? loan.dues : loan.dues.slice(i, i + 1)
      if (dues.length === 0) return
      for (const days of [1, 7, 30]) {
        const key = [loan.tenant, loan.product, measure, days].join('|')
        const cell = cells.get(key) ?? { loans: 0, matured: 0, bad: 0 }
        cells.set(key, cell)
        cell.loans++
        if (Math.max(...dues) + days > CLOSED_THROUGH) continue
        cell.matured++
        const isLate = (due: number) => {
          const state = stateAt(loan, due + days)
          return state !== undefined && (state.is_written_off || state.dpd >= days)
        }
        if (dues.some(isLate)) cell.bad++
      }
    })
  }
  return cells
}

export const dayLoans: fc.Arbitrary<DayLoan[]> = fc.array(
  fc.record({
    tenant: fc.constantFrom('default', 'other'),
    product: fc.constantFrom('cash', 'card'),
    dues: fc.uniqueArray(fc.integer({ min: 5, max: 90 }), { maxLength: 3 }).map((dues) => dues.sort((a, b) => a - b)),
    states: fc
      .array(
        fc.record({
          date: fc.integer({ min: 0, max: 100 }),
          dpd: fc.constantFrom(0, 0, 1, 3, 7, 12, 30, 45),
          is_written_off: fc.constantFrom(false, false, false, false, false, true),
        }),
        { maxLength: 25 },
      )
      .map((states) => states.map((state, offset) => ({ ...state, offset }))),
  }),
  { minLength: 60, maxLength: 120 },
)
