import { type Book, type BookLoan, lastMonth, type MonthRow, monthDate, stageOf } from './portfolio.ts'

/** What the views over month ends must say of a book, from their definitions: loan by loan, month by month. */

type Groups<Cell> = Map<string, Cell>

function cellOf<Cell>(groups: Groups<Cell>, key: readonly (string | number)[], empty: () => Cell): Cell {
  const text = key.join('|')
  const cell = groups.get(text) ?? empty()
  groups.set(text, cell)
  return cell
}

/** NULL where no addend is known. */
function plus(sum: number | null, value: number | null): number | null {
  return value === null ? sum : (sum ?? 0) + value
}

export type VintageCell = { loans: number | null; bad: number | null }

/** By tenant|data set|cohort|mob|product|channel. */
export function vintage(
  book: Book,
  threshold: number,
  basis: 'count' | 'balance',
  series: 'ever' | 'current',
): Groups<VintageCell> {
  const cells: Groups<VintageCell> = new Map()
  for (const loan of book.loans) {
    if (loan.dataset === '' && series === 'ever' && !loan.is_worst_known) continue
    const first = loan.taken_over ?? loan.cohort
    for (let month = first; month <= lastMonth(book, loan.tenant, loan.dataset); month++) {
      const row = loan.rows.get(month)
      // Of a tape those with a row count, of own loans all.
      if (loan.dataset !== '' && row === undefined) continue
      const key = [loan.tenant, loan.dataset, monthDate(loan.cohort), month - loan.cohort, loan.product, loan.channel]
      const cell = cellOf(cells, key, () => ({ loans: null, bad: null }))
      const owed = row === undefined ? 0 : row.balance_minor
      const size = loan.dataset === '' ? loan.principal_minor : owed
      cell.loans = plus(cell.loans, basis === 'count' ? 1 : size)
      const amount = basis === 'count' ? 1 : owed
      cell.bad = plus(cell.bad, isBad(loan, row, threshold, series) ? amount : amount === null ? null : 0)
    }
  }
  return cells
}

function isBad(loan: BookLoan, row: MonthRow | undefined, threshold: number, series: 'ever' | 'current'): boolean {
  if (row === undefined) return series === 'ever' && loan.worst >= threshold
  return row.is_written_off || (series === 'ever' ? row.worst : row.dpd) >= threshold
}

export type Move = {
  readonly tenant: string
  readonly dataset: string
  readonly month: number
  readonly from: string
  readonly to: string
  readonly opening: number | null
  readonly closing: number | null
}

/** One for each loan and opening month at which it has a row at either end. */
export function moves(book: Book, from: number, to: number, horizon: number): Move[] {
  const all: Move[] = []
  for (const loan of book.loans) {
    for (let month = from; month <= to; month++) {
      if (month + horizon > lastMonth(book, loan.tenant, loan.dataset)) continue
      const opening = loan.rows.get(month)
      const closing = loan.rows.get(month + horizon)
      if (opening === undefined && closing === undefined) continue
      const came = loan.cohort > month ? 'new' : loan.taken_over === null ? 'reappeared' : 'taken_over'
      all.push({
        tenant: loan.tenant,
        dataset: loan.dataset,
        month,
        from: opening?.bucket ?? came,
        to: closing?.bucket ?? (loan.end === 'closed' ? 'closed' : 'vanished'),
        opening: opening?.balance_minor ?? null,
        closing: closing?.balance_minor ?? null,
      })
    }
  }
  return all
}

export type FlowCell = { loans: number; opening: number | null; closing: number | null }

/** By tenant|data set|from|to. */
export function flows(all: readonly Move[]): Groups<FlowCell> {
  const cells: Groups<FlowCell> = new Map()
  for (const { tenant, dataset, from, to, opening, closing } of all) {
    const cell = cellOf(cells, [tenant, dataset, from, to], () => ({ loans: 0, opening: null, closing: null }))
    cell.loans++
    cell.opening = plus(cell.opening, opening)
    cell.closing = plus(cell.closing, closing)
  }
  return cells
}

/** Whether both of the loan's rows exist. */
export function isPair({ from, to }: Move): boolean {
  return !['new', 'taken_over', 'reappeared'].includes(from) && !['closed', 'vanished'].includes(to)
}

export type RollCell = {
  opening: number
  rolled: number
  stayed: number
  improved: number
  cured: number
  closed: number
  vanished: number
}

const NO_ROLLS: RollCell = { opening: 0, rolled: 0, stayed: 0, improved: 0, cured: 0, closed: 0, vanished: 0 }

/** By tenant|data set|month|stage, of stages with a loan but the last one of the data set: nothing is worse. */
export function rolls(book: Book, all: readonly Move[], basis: 'count' | 'balance'): Groups<RollCell> {
  const cells: Groups<RollCell> = new Map()
  for (const move of all) {
    if (['new', 'taken_over', 'reappeared'].includes(move.from)) continue
    const stage = stageOf(move.from)
    if (stage === lastStage(book, move.tenant, move.dataset)) continue
    const cell = cellOf(cells, [move.tenant, move.dataset, monthDate(move.month), stage], () => ({ ...NO_ROLLS }))
    const amount = basis === 'count' ? 1 : (move.opening ?? 0)
    cell.opening += amount
    cell[fateOf(move.to, stage)] += amount
  }
  return cells
}

function lastStage(book: Book, tenant: string, dataset: string): number {
  return Math.max(...stagesOf(book, tenant, dataset))
}

/** The stages that the data set has a bucket of. */
export function stagesOf(book: Book, tenant: string, dataset: string): Set<number> {
  const loans = book.loans.filter((one) => one.tenant === tenant && one.dataset === dataset)
  return new Set(loans.flatMap(({ rows }) => [...rows.values()].map(({ bucket }) => stageOf(bucket))))
}

function fateOf(to: string, stage: number): keyof RollCell {
  if (to === 'closed' || to === 'vanished') return to
  const reached = stageOf(to)
  if (reached > stage) return 'rolled'
  if (reached === stage) return 'stayed'
  return reached === 0 ? 'cured' : 'improved'
}

/** By tenant|data set|from|to: worst bucket of two windows, of equally bad months the latest one's. */
export function worstRolls(book: Book, observed: number, window: number): Groups<{ loans: number }> {
  const cells: Groups<{ loans: number }> = new Map()
  for (const loan of book.loans) {
    if (observed + window > lastMonth(book, loan.tenant, loan.dataset)) continue
    const before = worstBucket(loan, observed - window + 1, observed)
    const after = worstBucket(loan, observed + 1, observed + window)
    if (before === undefined || after === undefined) continue
    cellOf(cells, [loan.tenant, loan.dataset, before, after], () => ({ loans: 0 })).loans++
  }
  return cells
}

function worstBucket(loan: BookLoan, from: number, to: number): string | undefined {
  let worst: MonthRow | undefined
  const badness = (row: MonthRow) => (row.is_written_off ? Number.POSITIVE_INFINITY : row.dpd)
  for (let month = from; month <= to; month++) {
    const row = loan.rows.get(month)
    if (row !== undefined && (worst === undefined || badness(row) >= badness(worst))) worst = row
  }
  return worst?.bucket
}

export type ConversionCell = {
  entered: number
  reached_m3: number
  cured: number
  still: number
  closed: number
  vanished: number
}

/** By tenant|data set|month of entry|months since. */
export function conversion(book: Book, from: number, to: number): Groups<ConversionCell> {
  const cells: Groups<ConversionCell> = new Map()
  const empty = () => ({ entered: 0, reached_m3: 0, cured: 0, still: 0, closed: 0, vanished: 0 })
  for (const loan of book.loans) {
    const last = lastMonth(book, loan.tenant, loan.dataset)
    for (let entry = from; entry <= to; entry++) {
      if (!entersM1(loan, entry)) continue
      let hasReached = false
      for (let month = entry; month <= last; month++) {
        const row = loan.rows.get(month)
        if (row !== undefined && stageOf(row.bucket) >= 3) hasReached = true
        const cell = cellOf(cells, [loan.tenant, loan.dataset, monthDate(entry), month - entry], empty)
        cell.entered++
        if (hasReached) cell.reached_m3++
        else if (row !== undefined) cell[stageOf(row.bucket) === 0 ? 'cured' : 'still']++
        else cell[loan.end === 'closed' ? 'closed' : 'vanished']++
      }
    }
  }
  return cells
}

function entersM1(loan: BookLoan, month: number): boolean {
  const row = loan.rows.get(month)
  if (row === undefined || stageOf(row.bucket) !== 1) return false
  const before = loan.rows.get(month - 1)
  return before === undefined ? month === loan.cohort : stageOf(before.bucket) === 0
}

export type RiskCell = {
  loans: number
  balance: number | null
  par_loans: number[]
  par_balances: (number | null)[]
  lost_loans: number
  lost: number | null
}

export const PAR_DAYS = [1, 30, 60, 90] as const

/** By tenant|data set|month. */
export function risk(book: Book): Groups<RiskCell> {
  const cells: Groups<RiskCell> = new Map()
  for (const loan of book.loans) {
    for (const [month, row] of loan.rows) {
      if (month > lastMonth(book, loan.tenant, loan.dataset)) continue
      const isBare = loan.dataset === 'bare'
      const nothing = isBare ? null : 0
      const cell = cellOf(cells, [loan.tenant, loan.dataset, monthDate(month)], () => ({
        loans: 0,
        balance: null,
        par_loans: PAR_DAYS.map(() => 0),
        par_balances: PAR_DAYS.map(() => nothing),
        lost_loans: 0,
        lost: nothing,
      }))
      if (row.is_written_off) {
        cell.lost_loans++
        cell.lost = plus(cell.lost, row.balance_minor)
        continue
      }
      cell.loans++
      cell.balance = plus(cell.balance, row.balance_minor)
      PAR_DAYS.forEach((days, i) => {
        if (row.dpd < days) return
        cell.par_loans[i] = (cell.par_loans[i] as number) + 1
        cell.par_balances[i] = plus(cell.par_balances[i] as number | null, row.balance_minor)
      })
    }
  }
  return cells
}
