import type { FinancialStatement } from '../../features/events/contract.ts'
import { dayOfDate } from './calendar.ts'
import { less, ratio } from './numbers.ts'
import { type Feature, oncePerView } from './view.ts'

/** Ratios of a business borrower's latest financial statement. */

/** Of more statements those of the latest periods are kept. */
const STATEMENTS_MAX = 16
/** A statement at least so many days older is one of the year before. */
const YEAR_DAYS = 334

/** By the end of their period, ties by log order. */
const statements = oncePerView((view): FinancialStatement[] => {
  const reported = view.signals.filter(({ data }) => data.kind === 'financial_statement')
  const all = reported.flatMap(({ data }) => data.statement ?? [])
  return all.sort((a, b) => endOf(a) - endOf(b)).slice(-STATEMENTS_MAX)
})

const endOf = (statement: FinancialStatement): number => dayOfDate(statement.period_end)

type Figure = Exclude<keyof FinancialStatement, 'period_end'>

const ratioOf = (statement: FinancialStatement | undefined, a: Figure, b: Figure): number | null =>
  ratio(statement?.[a] ?? null, statement?.[b] ?? null)

const ofLatest =
  (a: Figure, b: Figure): Feature =>
  (view) =>
    ratioOf(statements(view).at(-1), a, b)

const currentRatio = ofLatest('current_assets_minor', 'current_liabilities_minor')
const debtRatio = ofLatest('total_liabilities_minor', 'total_assets_minor')
const interestCover = ofLatest('operating_profit_minor', 'interest_expense_minor')

const marginChange: Feature = (view) => {
  const latest = statements(view).at(-1)
  if (latest === undefined) return null
  const before = statements(view).findLast((one) => endOf(one) <= endOf(latest) - YEAR_DAYS)
  const margin = (one: FinancialStatement | undefined) => ratioOf(one, 'net_profit_minor', 'revenue_minor')
  return less(margin(latest), margin(before))
}

const flagCount: Feature = (view) => {
  if (statements(view).length === 0) return null
  const flags = [
    (currentRatio(view) ?? 1) < 1,
    (debtRatio(view) ?? 0) > 0.7,
    (interestCover(view) ?? 2) < 1.5,
    (marginChange(view) ?? 0) < -0.05,
  ]
  return flags.filter((holds) => holds).length
}

export const STATEMENT_FEATURES: Record<string, Feature> = {
  current_ratio: currentRatio,
  debt_ratio: debtRatio,
  interest_cover: interestCover,
  receivable_turnover: ofLatest('revenue_minor', 'receivables_minor'),
  stock_turnover: ofLatest('cost_of_sales_minor', 'inventory_minor'),
  margin_change_1y: marginChange,
  statement_flag_count: flagCount,
}
