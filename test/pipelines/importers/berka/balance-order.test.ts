import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type DayRow,
  orderDay,
  ROUNDING_MINOR_MAX,
  SEARCH_ROWS_MAX,
} from '../../../../pipelines/importers/berka/balance-order.ts'

/** The rows of a day in the order of booking, from amounts. */
function booked(opening: number, amounts: readonly number[]): DayRow[] {
  let balance = opening
  return amounts.map((signed_minor) => {
    balance += signed_minor
    return { signed_minor, balance_after_minor: balance }
  })
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}

/** [rows that do not follow, sum of the differences of those that do] of an order. */
function quality(opening: number, rows: readonly DayRow[], order: readonly number[]): [number, number] {
  let balance = opening
  let breaks = 0
  let rounding = 0
  for (const i of order) {
    const off = Math.abs(rows[i]!.balance_after_minor - balance - rows[i]!.signed_minor)
    if (off > ROUNDING_MINOR_MAX) breaks++
    else rounding += off
    balance = rows[i]!.balance_after_minor
  }
  return [breaks, rounding]
}

describe('the order of a day', () => {
  test('a closing day stays in file order when that closes', () => {
    expect(orderDay(100, booked(100, [50, -20, 5]))).toEqual({ order: [0, 1, 2], closes: 'exactly', searched: true })
  })

  test('rows are put where their balance follows', () => {
    const rows = booked(100, [50, -20, 5]).reverse()
    expect(orderDay(100, rows)).toEqual({ order: [2, 1, 0], closes: 'exactly', searched: true })
  })

  test('ten haléř off is rounding, eleven is a break', () => {
    const off = (minor: number) => orderDay(1000, [{ signed_minor: 500, balance_after_minor: 1500 + minor }]).closes
    expect([off(0), off(10), off(-10), off(11), off(-11)]).toEqual([
      'exactly',
      'within_rounding',
      'within_rounding',
      'not',
      'not',
    ])
  })

  test('equal rows stay in file order', () => {
    const rows = [...booked(0, [10, -10, 10, -10])]
    expect(orderDay(0, rows).order).toEqual([0, 1, 2, 3])
    // Two pairs of equal rows, out of order: of the equal ones the first in the file comes first.
    expect(orderDay(0, [rows[1]!, rows[3]!, rows[0]!, rows[2]!]).order).toEqual([2, 0, 3, 1])
  })

  test('is found for the largest day that is searched, and left alone beyond', () => {
    const amounts = Array.from({ length: SEARCH_ROWS_MAX }, (_, i) => 1000 + 37 * i)
    const largest = orderDay(0, booked(0, amounts).reverse())
    expect(largest.order).toEqual(amounts.map((_, i) => SEARCH_ROWS_MAX - 1 - i))
    expect(largest.closes).toBe('exactly')
    const beyond = orderDay(0, booked(0, [...amounts, 1]).reverse())
    expect(beyond.order).toEqual([...amounts, 1].map((_, i) => i))
    expect(beyond).toMatchObject({ closes: 'not', searched: false })
    expect(orderDay(0, booked(0, [...amounts, 1])).closes).toBe('exactly')
  })

  test('many small differences are no break, however many', () => {
    const rows = booked(
      0,
      Array.from({ length: 60 }, () => 100),
    ).map((row, i) => ({
      ...row,
      balance_after_minor: row.balance_after_minor + 10 * (i + 1),
    }))
    expect(orderDay(0, rows)).toMatchObject({ closes: 'within_rounding', searched: false })
  })

  test('is the best of all orders, the first of equals (tried one by one)', () => {
    // Few distinct amounts make ties; rounding and lost rows make differences.
    const row = fc.record({
      signed: fc.constantFrom(-30, -20, 20, 30, 50),
      rounding: fc.constantFrom(0, 0, 0, 7, -10),
      lost: fc.constantFrom(0, 0, 0, 0, 400),
    })
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), fc.infiniteStream(fc.nat(5)), (drafts, shuffle) => {
        let balance = 100
        const rows: DayRow[] = []
        for (const draft of drafts) {
          balance += draft.signed + draft.rounding + draft.lost
          rows.splice(shuffle.next().value % (rows.length + 1), 0, {
            signed_minor: draft.signed,
            balance_after_minor: balance,
          })
        }
        const all = permutations(rows.map((_, i) => i)).map((order) => ({ order, q: quality(100, rows, order) }))
        // Stable: permutations come in file order.
        const best = all.sort((a, b) => a.q[0] - b.q[0] || a.q[1] - b.q[1])[0]!
        const closes = best.q[0] > 0 ? 'not' : best.q[1] > 0 ? 'within_rounding' : 'exactly'
        expect(orderDay(100, rows)).toEqual({ order: best.order, closes, searched: true })
      }),
      { seed: 7, numRuns: 400 },
    )
  })
})
