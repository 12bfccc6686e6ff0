import { groupBy, less, ratio, smallest, sum, times } from './numbers.ts'
import {
  amountsOf,
  concentration,
  count,
  hasHistory,
  isAny,
  isFailed,
  isIn,
  isLenderIn,
  isLenderOut,
  isOut,
  isOverdrawn,
  isPenalty,
  isSalary,
  largestOf,
  meanOf,
  rowsIn,
  rowsWith,
  sumOf,
  trend,
} from './transactions.ts'
import { type Feature, MS_PER_DAY, oncePerView, perWindow, type View, within } from './view.ts'

/** Cash flow: what comes in, what goes out, and how steadily. Income by payer is in income.ts, balances in balance.ts. */

const balanceMin =
  (days: number): Feature =>
  (view) =>
    smallest((rowsIn(view, days, isAny) ?? []).flatMap((row) => row.data.balance_after_minor ?? []))

const netFlow =
  (days: number): Feature =>
  (view) =>
    less(sumOf(days, isIn)(view), sumOf(days, isOut)(view))

export const balanceLast: Feature = (view) =>
  view.transactions.findLast((row) => row.data.balance_after_minor !== undefined)?.data.balance_after_minor ?? null

const bufferDays: Feature = (view) => {
  const balance = balanceLast(view)
  return ratio(times(balance === null ? null : Math.max(balance, 0), 30), sumOf(30, isOut)(view))
}

const daysSinceSalary: Feature = (view) => {
  const last = rowsWith(view, isSalary).at(-1)
  if (last === undefined || !within(last.time, 365, view.time)) return null
  return (view.time - last.time) / MS_PER_DAY
}

const inflowToBefore: Feature = (view) => {
  const recent = sumOf(30, isIn)(view)
  return ratio(times(recent, 3), less(sumOf(120, isIn)(view), recent))
}

const rowsByDay = oncePerView((view) => groupBy(view.transactions, (row) => view.calendar.dayOf(row.time)))

/** Net flow of one date. */
function netFlowOn(view: View, day: number): number {
  const rows = rowsByDay(view).get(day) ?? []
  const outflow = amountsOf(rows.filter((row) => isOut(row, view))).map((amount) => -amount)
  return sum([...amountsOf(rows.filter((row) => isIn(row, view))), ...outflow])
}

/** Standard deviation of the net flow of the last so many dates, those without a row included. */
const netFlowVolatility =
  (days: number): Feature =>
  (view) => {
    if (!hasHistory(view, days)) return null
    const flows: number[] = []
    for (let day = view.today - days + 1; day <= view.today; day++) flows.push(netFlowOn(view, day))
    const mean = sum(flows) / days
    let squares = 0
    for (const flow of flows) squares += (flow - mean) * (flow - mean)
    return Math.sqrt(squares / days)
  }

const WINDOWS = [1, 7, 30, 90, 180]

export const CASH_FLOW_FEATURES: Record<string, Feature> = {
  ...perWindow(
    WINDOWS,
    (days) => `inflow_count_${days}d`,
    (days) => count(days, isIn),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `inflow_sum_${days}d`,
    (days) => sumOf(days, isIn),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `inflow_mean_${days}d`,
    (days) => meanOf(days, isIn),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `inflow_max_${days}d`,
    (days) => largestOf(days, isIn),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `outflow_count_${days}d`,
    (days) => count(days, isOut),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `outflow_sum_${days}d`,
    (days) => sumOf(days, isOut),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `outflow_mean_${days}d`,
    (days) => meanOf(days, isOut),
  ),
  ...perWindow(
    WINDOWS,
    (days) => `outflow_max_${days}d`,
    (days) => largestOf(days, isOut),
  ),
  ...perWindow(WINDOWS, (days) => `net_flow_${days}d`, netFlow),
  salary_count_90d: count(90, isSalary),
  ...perWindow(
    [30, 90],
    (days) => `salary_sum_${days}d`,
    (days) => sumOf(days, isSalary),
  ),
  days_since_salary: daysSinceSalary,
  ...perWindow(
    [30, 90],
    (days) => `failed_debit_count_${days}d`,
    (days) => count(days, isFailed),
  ),
  penalty_count_90d: count(90, isPenalty),
  ...perWindow(
    [30, 90],
    (days) => `overdrawn_count_${days}d`,
    (days) => count(days, isOverdrawn),
  ),
  ...perWindow([30, 90], (days) => `balance_min_${days}d`, balanceMin),
  balance_last: balanceLast,
  buffer_days_30d: bufferDays,
  ...perWindow(
    [30, 90],
    (days) => `lender_inflow_sum_${days}d`,
    (days) => sumOf(days, isLenderIn),
  ),
  lender_outflow_sum_30d: sumOf(30, isLenderOut),
  inflow_trend_30d_90d: trend(isIn),
  outflow_trend_30d_90d: trend(isOut),
  inflow_30d_to_90d_before: inflowToBefore,
  payer_hhi_90d: concentration(90, isIn),
  ...perWindow([30, 90], (days) => `net_flow_volatility_${days}d`, netFlowVolatility),
}
