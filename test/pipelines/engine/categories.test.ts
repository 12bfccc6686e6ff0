import { describe, expect, test } from 'vitest'
import { CATEGORY_TABLES, CLAUSE } from '../../../features/classification/tables.ts'
import { oracleCategories } from '../../oracle/category.ts'
import type { OracleCase } from '../../oracle/history.ts'
import { makeCategoryCase } from '../../oracle/make-categories.ts'
import type { CollectedRows } from './collected.ts'
import { logOf, ONE_BORROWER_SHAPE, offsetOfItem } from './one-borrower.ts'
import { newEngine, process } from './replay.ts'

const SEED = 20_261_125
const CASES = 60

/** What the engine says of every loan at every tick: a row of `loan_days` holds until the next date that has one. */
function filledForward(rows: CollectedRows, { history }: OracleCase): string[] {
  const latest = new Map<string, Map<number, string>>()
  const lines: string[] = []
  let next = 0
  history.forEach((item, index) => {
    if (item.kind !== 'tick') return
    for (; next < rows.loanDays.length; next++) {
      const row = rows.loanDays[next]!
      if (row.offset > offsetOfItem(index)) break
      const days = latest.get(row.loan) ?? new Map<number, string>()
      latest.set(row.loan, days.set(row.date, `${row.category} by ${row.category_clause}`))
    }
    for (const [loan, days] of [...latest].sort(([a], [b]) => (a < b ? -1 : 1))) {
      lines.push(`tick ${index} day ${item.day} ${loan} ${days.get(Math.max(...days.keys()))}`)
    }
  })
  return lines
}

function oracleLines({ history, configuration }: OracleCase): string[] {
  const indexOf = new Map(history.map((item, index) => [item.offset, index]))
  return oracleCategories(history, configuration)
    .toSorted((a, b) => a.offset - b.offset || (a.loan < b.loan ? -1 : 1))
    .map((row) => `tick ${indexOf.get(row.offset)} day ${row.day} ${row.loan} ${row.category} by ${row.clause}`)
}

describe('the category of a loan at each closed day', () => {
  test(`is the oracle's, with the clause that decided, on random borrowers (seed ${SEED})`, async () => {
    const clauses = new Set<string>()
    for (let k = 0; k < CASES; k++) {
      const one = makeCategoryCase(SEED + k)
      const rows = await process(newEngine(ONE_BORROWER_SHAPE), logOf(one))
      const expected = oracleLines(one)
      const actual = filledForward(rows, one)
      const at = expected.findIndex((line, i) => line !== actual[i])
      expect({ case: k, engine: actual[at], oracle: expected[at] }).toEqual({ case: k })
      expect(actual.length).toBe(expected.length)
      for (const line of expected) clauses.add(line.split(' by ')[1]!)
      for (const month of rows.loanMonths) {
        const known = rows.loanDays.filter((row) => row.loan === month.loan && row.offset <= month.offset)
        const day = known.toSorted((a, b) => a.date - b.date || a.offset - b.offset).at(-1)
        expect([month.category, month.category_clause]).toEqual([day?.category, day?.category_clause])
      }
    }
    const seen = [...clauses].join('\n')
    const own = CATEGORY_TABLES.flatMap((table) => [table.pass, ...table.overdue.map(({ clause }) => clause)])
    for (const clause of [...own, ...Object.values(CLAUSE), 'inconclusive']) expect(seen).toContain(` ${clause}`)
  }, 120_000)
})
