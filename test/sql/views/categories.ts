import type { Sql } from '../../../sql/client.ts'
import { createLoanMonthsBlock } from '../../../sql/tables/loan-months.ts'
import { dayOfDate } from '../../oracle/calendar.ts'
import type { Draw } from '../../oracle/draw.ts'

/** Month ends with categories, own and of a tape, and the plain computation of what the views say of them. */

export const CATEGORY_ORDER = ['pass', 'special_mention', 'substandard', 'doubtful', 'loss']
const DPD_ABOVE = [0, 90, 270, 360]

export type MonthEnd = {
  readonly dataset: string
  readonly loan: string
  /** Months since January 2023. */
  readonly month: number
  readonly status: 'open' | 'written_off'
  readonly dpd: number
  readonly balance_minor: number | null
  /** Empty where nobody classified. */
  readonly category: string
}

export type MigrationCell = {
  readonly key: string
  loans: number
  opening_balance_minor: number | null
  closing_balance_minor: number | null
  decrease_minor: number | null
}

export type RateCell = {
  readonly key: string
  readonly loans: number
  readonly opening_balance_minor: number | null
  readonly decrease_minor: number | null
  readonly downward_minor: number | null
  readonly rate: number | null
}

const MONTHS = 9

/** Loans that come, go, cure and get worse; of a tape some months are missing, and of one data set all balances. */
export function makeMonthEnds(draw: Draw): MonthEnd[] {
  const rows: MonthEnd[] = []
  for (const dataset of ['', 'tape', 'without-balances']) {
    for (let k = 0; k < 25; k++) {
      const first = draw.below(5)
      const last = first + draw.below(MONTHS + 1 - first)
      let balance = 100 + draw.below(1000)
      let isWrittenOff = false
      for (let month = first; month < last; month++) {
        const dpd = draw.of([0, 0, 0, 1, 90, 91, 270, 271, 360, 361])
        if (!isWrittenOff) balance = Math.max(0, balance - draw.of([0, 10, 100, -50]))
        isWrittenOff ||= draw.chance(0.04)
        if (dataset !== '' && draw.chance(0.15)) continue
        rows.push({
          dataset,
          loan: `${dataset}${k}`,
          month,
          status: isWrittenOff ? 'written_off' : 'open',
          dpd,
          balance_minor: dataset === 'without-balances' ? null : balance,
          category: isWrittenOff || draw.chance(0.3) ? (isWrittenOff ? 'loss' : '') : draw.of(CATEGORY_ORDER),
        })
      }
    }
  }
  return rows
}

export async function writeMonthEnds(sql: Sql, rows: readonly MonthEnd[]): Promise<void> {
  await sql.command('TRUNCATE TABLE loan_months')
  const block = createLoanMonthsBlock()
  for (const row of rows) {
    block.append({
      ...row,
      month: dayOfDate(monthDate(row.month)),
      tenant: 'default',
      borrower: 'b',
      mob: 0,
      cohort: 0,
      product: '',
      channel: '',
      worst_dpd: row.dpd,
      bucket: '',
      overdue_minor: null,
      is_worst_dpd_known: 1,
      partition: 0,
      offset: 0,
      category_clause: '',
    })
  }
  await sql.insertBlock('loan_months', block)
  // A replay after a crash writes rows again: nothing may count twice.
  await sql.insertBlock('loan_months', block)
}

export function monthDate(month: number): string {
  return new Date(Date.UTC(2023, month, 1)).toISOString().slice(0, 10)
}

function stateOf(row: MonthEnd): string {
  if (row.status === 'written_off') return 'written_off'
  return row.category !== '' ? row.category : CATEGORY_ORDER[DPD_ABOVE.filter((above) => row.dpd > above).length]!
}

/** Loans on the books at an opening month end of which the data set has the later one, with what became of them. */
function pairs(rows: readonly MonthEnd[], from: number, to: number, horizon: number) {
  const openings = rows.filter((row) => row.month >= from && row.month <= to && row.status === 'open')
  const closed = (dataset: string, month: number) => rows.some((row) => row.dataset === dataset && row.month === month)
  return openings
    .filter((row) => closed(row.dataset, row.month + horizon))
    .map((opening) => {
      const later = rows.find(
        (row) => row.dataset === opening.dataset && row.loan === opening.loan && row.month === opening.month + horizon,
      )
      const state = later === undefined ? 'gone' : stateOf(later)
      const isOnBooks = later !== undefined && state !== 'written_off'
      return {
        dataset: opening.dataset,
        from: stateOf(opening),
        to: state,
        opening: opening.balance_minor,
        closing: isOnBooks ? later.balance_minor : opening.balance_minor === null ? null : 0,
      }
    })
}

type Pair = ReturnType<typeof pairs>[number]

function sum(pairs: readonly Pair[], amount: (opening: number, closing: number) => number): number | null {
  let total = 0
  for (const { opening, closing } of pairs) {
    if (opening === null || closing === null) return null
    total += amount(opening, closing)
  }
  return total
}

const openingOf = (opening: number) => opening
const closingOf = (_: number, closing: number) => closing
const fallOf = (opening: number, closing: number) => (closing < opening ? opening - closing : 0)

export function categoryMigration(rows: readonly MonthEnd[], from: number, to: number, horizon: number) {
  const all = pairs(rows, from, to, horizon)
  const keys = [...new Set(all.map((pair) => `${pair.dataset}|${pair.from}|${pair.to}`))].sort()
  return keys.map((key): MigrationCell => {
    const own = all.filter((pair) => `${pair.dataset}|${pair.from}|${pair.to}` === key)
    return {
      key,
      loans: own.length,
      opening_balance_minor: sum(own, openingOf),
      closing_balance_minor: sum(own, closingOf),
      decrease_minor: sum(own, fallOf),
    }
  })
}

/** The supervisory rates: downward amount / (opening balance − decrease of the opening loans in the period). */
export function categoryRates(rows: readonly MonthEnd[], from: number, to: number, horizon: number): RateCell[] {
  const all = pairs(rows, from, to, horizon)
  const cells: RateCell[] = []
  const worse = (pair: Pair, than: string) => CATEGORY_ORDER.indexOf(pair.to) > CATEGORY_ORDER.indexOf(than)
  for (const dataset of new Set(all.map((pair) => pair.dataset))) {
    for (const name of ['pass', 'special_mention', 'substandard', 'doubtful', 'normal']) {
      const of = name === 'normal' ? ['pass', 'special_mention'] : [name]
      const own = all.filter((pair) => pair.dataset === dataset && of.includes(pair.from))
      if (own.length === 0) continue
      const down = own.filter((pair) => worse(pair, of.at(-1)!))
      const opening = sum(own, openingOf)
      const decrease = sum(own, fallOf)
      const downward = sum(down, closingOf)
      const rest = opening === null || decrease === null ? null : opening - decrease
      cells.push({
        key: `${dataset}|${name}`,
        loans: own.length,
        opening_balance_minor: opening,
        decrease_minor: decrease,
        downward_minor: opening === null ? null : downward,
        rate: rest === null || rest === 0 || downward === null ? null : downward / rest,
      })
    }
  }
  return cells.sort((a, b) => (a.key < b.key ? -1 : 1))
}
