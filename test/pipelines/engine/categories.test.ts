import { describe, expect, test } from 'vitest'
import { CATEGORY_TABLES, CLAUSE } from '../../../features/classification/tables.ts'
import { lastDayOfMonth, monthOfDay } from '../../../features/time.ts'
import { type OracleCategoryRow, oracleCategories, oracleCategoriesInTheEnd } from '../../oracle/category.ts'
import type { OracleCase } from '../../oracle/history.ts'
import { makeCategoryCase } from '../../oracle/make-categories.ts'
import type { CollectedRows } from './collected.ts'
import { logOf, ONE_BORROWER_SHAPE, offsetOfItem } from './one-borrower.ts'
import { newEngine, process } from './replay.ts'

const SEED = 20_261_125
const CASES = 36
const CASES_TOLD_AGAIN = 10

type DayRow = CollectedRows['loanDays'][number]

/** The row in force of each loan at the end of a day: that of the latest date, as known last up to a place. */
function rowsInForce(rows: CollectedRows, day: number, offset: number): DayRow[] {
  const inForce = new Map<string, DayRow>()
  for (const row of rows.loanDays) {
    if (row.date > day || row.offset > offset) continue
    const other = inForce.get(row.loan)
    if (other === undefined || row.date > other.date || (row.date === other.date && row.offset >= other.offset)) {
      inForce.set(row.loan, row)
    }
  }
  return [...inForce.values()].sort((a, b) => (a.loan < b.loan ? -1 : 1))
}

/** What the engine says of every loan at every day that is closed: as known then, or in the end. */
function engineLines(rows: CollectedRows, { history }: OracleCase, isInTheEnd: boolean): string[] {
  return history.flatMap((item, index) => {
    if (item.kind !== 'tick') return []
    const inForce = rowsInForce(rows, item.day, isInTheEnd ? Number.POSITIVE_INFINITY : offsetOfItem(index))
    return inForce.map((row) => `day ${item.day} ${row.loan} ${row.category} by ${row.category_clause}`)
  })
}

function oracleLines(rows: readonly OracleCategoryRow[]): string[] {
  return rows
    .toSorted((a, b) => a.offset - b.offset || (a.loan < b.loan ? -1 : 1))
    .map((row) => `day ${row.day} ${row.loan} ${row.category} by ${row.clause}`)
}

function expectSame(k: number, actual: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, i) => line !== actual[i])
  expect({ case: k, engine: actual[at], oracle: expected[at] }).toEqual({ case: k })
  expect(actual.length).toBe(expected.length)
}

describe('the category of a loan at each closed day', () => {
  test(`is the oracle's, with the clause that decided, on random borrowers (seed ${SEED})`, async () => {
    const clauses = new Set<string>()
    for (let k = 0; k < CASES; k++) {
      const one = makeCategoryCase(SEED + k)
      const rows = await process(newEngine(ONE_BORROWER_SHAPE), logOf(one))
      const expected = oracleLines(oracleCategories(one.history, one.configuration))
      expectSame(k, engineLines(rows, one, false), expected)
      for (const line of expected) clauses.add(line.split(' by ')[1]!)
      for (const month of rows.loanMonths) {
        const lastDay = lastDayOfMonth(monthOfDay(month.month))
        const day = rowsInForce(rows, lastDay, month.offset).find((row) => row.loan === month.loan)
        expect([month.category, month.category_clause]).toEqual([day?.category, day?.category_clause])
      }
    }
    const seen = [...clauses].join('\n')
    const own = CATEGORY_TABLES.flatMap((table) => [table.pass, ...table.overdue.map(({ clause }) => clause)])
    for (const clause of [...own, ...Object.values(CLAUSE), 'inconclusive']) expect(seen).toContain(` ${clause}`)
  }, 120_000)

  test(`of days that an event changed is told again (seed ${SEED})`, async () => {
    let toldAgain = 0
    for (let k = 0; k < CASES_TOLD_AGAIN; k++) {
      const one = makeCategoryCase(SEED + k, true)
      const rows = await process(newEngine(ONE_BORROWER_SHAPE), logOf(one))
      const expected = oracleLines(oracleCategoriesInTheEnd(one.history, one.configuration))
      expectSame(k, engineLines(rows, one, true), expected)
      const before = engineLines(rows, one, false)
      toldAgain += expected.filter((line, i) => line !== before[i]).length
    }
    expect(toldAgain).toBeGreaterThan(CASES_TOLD_AGAIN)
  }, 120_000)
})
