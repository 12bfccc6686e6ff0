import type { FinancialStatement } from '../events/contract.ts'
import { COLUMN } from '../state/borrower-columns.ts'
import { type IndexKind, valueAt } from '../state/indices.ts'
import { type Names, NO_NAME } from '../state/names.ts'
import { COURT_DAYS, type Dated, type Statement } from '../state/reports.ts'
import { MS_PER_DAY } from '../time.ts'
import { ExactSums } from './exact-sums.ts'
import { setAll } from './fill.ts'
import { newestLoan } from './proceeds.ts'
import { type FactView, slotsOf } from './view.ts'

/** What others report: courts, guarantors, collateral, industry and region, financial statements. */

const NAMES = [
  'days_since_salary',
  'litigation_count_365d',
  'enforcement_count_365d',
  'guarantor_default_count_365d',
  'litigation_amount_365d',
  'enforcement_amount_365d',
  'collateral_latest_total',
  'collateral_change',
  'industry_index_change_90d',
  'region_index_change_90d',
  'current_ratio',
  'debt_ratio',
  'interest_cover',
  'receivable_turnover',
  'stock_turnover',
  'margin_change_1y',
  'statement_flag_count',
] as const
const SLOT = slotsOf(NAMES)

const amounts = new ExactSums(1)
const SALARY_DAYS = 365
const INDEX_DAYS = 90
/** A statement so long before the latest is the year before's. */
const YEAR_BEFORE_DAYS = 334
/** Thresholds of version 1, from lenders' corporate signals. */
const CURRENT_RATIO_MIN = 1
const DEBT_RATIO_MAX = 0.7
const INTEREST_COVER_MIN = 1.5
const MARGIN_CHANGE_MIN = -0.05

export const ENVIRONMENT_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    setAll(out, Number.NaN)
    const { borrower, time } = view
    const salary = borrower.columns.get(borrower.index, COLUMN.LAST_SALARY_TIME)
    if (salary > time - SALARY_DAYS * MS_PER_DAY) out[SLOT.days_since_salary] = (time - salary) / MS_PER_DAY
    setAll(out, 0, SLOT.litigation_count_365d, SLOT.collateral_latest_total)
    indexChanges(view, out)
    const { reports } = borrower
    if (reports === null) return
    const after = time - COURT_DAYS * MS_PER_DAY
    countDated(reports.litigation, after, out, SLOT.litigation_count_365d, SLOT.litigation_amount_365d)
    countDated(reports.enforcement, after, out, SLOT.enforcement_count_365d, SLOT.enforcement_amount_365d)
    countDated(reports.guarantor_default, after, out, SLOT.guarantor_default_count_365d, undefined)
    collateral(view, out)
    const latest = reports.statements.at(-1)
    if (latest !== undefined) statementRatios(reports.statements, latest, out)
  },
}

function countDated(
  list: readonly Dated[],
  after: number,
  out: Float64Array,
  countSlot: number,
  amountSlot: number | undefined,
): void {
  amounts.clear()
  for (const { time, amount_minor } of list) {
    if (time <= after) continue
    out[countSlot] = (out[countSlot] as number) + 1
    amounts.add(0, amount_minor)
  }
  if (amountSlot !== undefined) out[amountSlot] = amounts.of(0)
}

function collateral({ borrower }: FactView, out: Float64Array): void {
  const collaterals = borrower.reports?.collaterals ?? []
  if (collaterals.length === 0) return
  let total = 0
  let compared = 0
  let before = 0
  for (const { latest, previous } of collaterals) {
    total += latest.amount_minor
    if (previous === null) continue
    compared += latest.amount_minor
    before += previous.amount_minor
  }
  out[SLOT.collateral_latest_total] = total
  out[SLOT.collateral_change] = before === 0 ? Number.NaN : compared / before - 1
}

function indexChanges(view: FactView, out: Float64Array): void {
  if (view.indices.points.size === 0) return
  const loan = newestLoan(view)
  if (loan === null) return
  out[SLOT.industry_index_change_90d] = change(view, 'industry_index', loan.industry, loan.names)
  out[SLOT.region_index_change_90d] = change(view, 'region_index', loan.region, loan.names)
}

function change({ indices, time }: FactView, kind: IndexKind, reference: number, names: Names): number {
  const series = reference === NO_NAME ? undefined : indices.seriesOf(kind, reference, names)
  if (series === undefined) return Number.NaN
  const before = valueAt(series, time - INDEX_DAYS * MS_PER_DAY)
  return before === 0 ? Number.NaN : valueAt(series, time) / before - 1
}

function statementRatios(statements: readonly Statement[], latest: Statement, out: Float64Array): void {
  const { figures } = latest
  const before = statements.findLast((one) => one.period_day <= latest.period_day - YEAR_BEFORE_DAYS)
  const currentRatio = share(figures.current_assets_minor, figures.current_liabilities_minor)
  const debtRatio = share(figures.total_liabilities_minor, figures.total_assets_minor)
  const interestCover = share(figures.operating_profit_minor, figures.interest_expense_minor)
  const marginChange = before === undefined ? Number.NaN : margin(figures) - margin(before.figures)
  out[SLOT.current_ratio] = currentRatio
  out[SLOT.debt_ratio] = debtRatio
  out[SLOT.interest_cover] = interestCover
  out[SLOT.receivable_turnover] = share(figures.revenue_minor, figures.receivables_minor)
  out[SLOT.stock_turnover] = share(figures.cost_of_sales_minor, figures.inventory_minor)
  out[SLOT.margin_change_1y] = marginChange
  // A comparison with what is missing does not hold.
  out[SLOT.statement_flag_count] =
    Number(currentRatio < CURRENT_RATIO_MIN) +
    Number(debtRatio > DEBT_RATIO_MAX) +
    Number(interestCover < INTEREST_COVER_MIN) +
    Number(marginChange < MARGIN_CHANGE_MIN)
}

function margin(figures: FinancialStatement): number {
  return share(figures.net_profit_minor, figures.revenue_minor)
}

function share(part: number | undefined, whole: number | undefined): number {
  return part === undefined || whole === undefined || whole === 0 ? Number.NaN : part / whole
}
