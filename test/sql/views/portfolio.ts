/** A small random portfolio, and a plain computation of what the views must say of it. */

export type OracleLoan = {
  readonly tenant: string
  readonly loan: string
  /** Months since the start of the book. */
  readonly cohort: number
  readonly product: string
  readonly channel: string
  readonly principal_minor: number
  /** DPD and balance at each month end from the cohort's on. After the end there is none. */
  readonly months: readonly { readonly dpd: number; readonly balance_minor: number }[]
  readonly end: 'open' | 'closed' | 'written_off'
  /** Whether month ends after a write-off have rows: a borrower without other loans has no more ticks. */
  readonly keeps_rows: boolean
}

export type Portfolio = { readonly months: number; readonly loans: readonly OracleLoan[] }

export type VintageCell = {
  readonly key: string
  readonly loans: number
  readonly bad: number
}

const BUCKETS = [1, 31, 61, 91, 121, 151, 181]

export function bucketOf(dpd: number): string {
  if (dpd === 0) return 'current'
  const number = BUCKETS.filter((lower) => dpd >= lower).length
  return number === BUCKETS.length ? `M${number}+` : `M${number}`
}

/** First day of a month of the book. */
export function monthDate(month: number): string {
  return new Date(Date.UTC(2023, month, 1)).toISOString().slice(0, 10)
}

/** The loan's row at a month end of the book, if it has one. */
export function rowAt(portfolio: Portfolio, loan: OracleLoan, month: number) {
  const mob = month - loan.cohort
  if (mob < 0 || month >= portfolio.months) return undefined
  const last = loan.months.length - 1
  if (mob <= last) {
    const worst = Math.max(...loan.months.slice(0, mob + 1).map(({ dpd }) => dpd))
    const isWrittenOff = loan.end === 'written_off' && mob === last
    const { dpd, balance_minor } = loan.months[mob]!
    return { dpd, worst, balance_minor, bucket: isWrittenOff ? 'written_off' : bucketOf(dpd), isWrittenOff }
  }
  if (loan.end !== 'written_off' || !loan.keeps_rows) return undefined
  const { dpd, balance_minor } = loan.months[last]!
  return { dpd, worst: worstOf(loan), balance_minor, bucket: 'written_off', isWrittenOff: true }
}

export function worstOf(loan: OracleLoan): number {
  return Math.max(...loan.months.map(({ dpd }) => dpd))
}

/** The last month end that any loan of the tenant has a row at. */
function lastMonth(portfolio: Portfolio, tenant: string): number {
  let last = -1
  for (const loan of portfolio.loans) {
    if (loan.tenant !== tenant) continue
    for (let month = 0; month < portfolio.months; month++)
      if (rowAt(portfolio, loan, month)) last = Math.max(last, month)
  }
  return last
}

export function vintage(
  portfolio: Portfolio,
  threshold: number,
  basis: 'count' | 'balance',
  series: 'ever' | 'current',
): VintageCell[] {
  const cells = new Map<string, { loans: number; bad: number }>()
  for (const loan of portfolio.loans) {
    for (let month = loan.cohort; month <= lastMonth(portfolio, loan.tenant); month++) {
      const { tenant, cohort, product, channel } = loan
      const key = [tenant, monthDate(cohort), month - cohort, product, channel].join('|')
      const cell = cells.get(key) ?? { loans: 0, bad: 0 }
      cells.set(key, cell)
      cell.loans += basis === 'count' ? 1 : loan.principal_minor
      const mob = month - cohort
      const last = loan.months.length - 1
      const seen = loan.months.slice(0, mob + 1)
      const worst = Math.max(...seen.map(({ dpd }) => dpd))
      const isOver = mob > last
      const isWrittenOff = loan.end === 'written_off' && mob >= last
      const dpd = isOver ? 0 : loan.months[mob]!.dpd
      const isBad = isWrittenOff || (series === 'ever' ? worst : dpd) >= threshold
      const owed = isOver && loan.end === 'closed' ? 0 : loan.months[Math.min(mob, last)]!.balance_minor
      if (isBad) cell.bad += basis === 'count' ? 1 : owed
    }
  }
  return [...cells].map(([key, cell]) => ({ key, ...cell })).sort(byKey)
}

export type MatrixCell = { readonly key: string; loans: number; opening_balance_minor: number }

export function migrationMatrix(portfolio: Portfolio, from: number, to: number, horizon: number): MatrixCell[] {
  const cells = new Map<string, MatrixCell>()
  for (const loan of portfolio.loans) {
    for (let month = from; month <= to; month++) {
      const opening = rowAt(portfolio, loan, month)
      const closing = rowAt(portfolio, loan, month + horizon)
      if (opening === undefined || closing === undefined) continue
      const key = [loan.tenant, opening.bucket, closing.bucket].join('|')
      const cell = cells.get(key) ?? { key, loans: 0, opening_balance_minor: 0 }
      cells.set(key, cell)
      cell.loans++
      cell.opening_balance_minor += opening.balance_minor
    }
  }
  return [...cells.values()].sort(byKey)
}

export function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
