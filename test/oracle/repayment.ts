import { monthOfDay } from './calendar.ts'
import { balanceLast, inflowSum, isCard, isCash, isDiverted } from './cashflow.ts'
import {
  daysPastDue,
  type Instalment,
  isOpen,
  type Loan,
  outstandingPrincipal,
  overdueInstalments,
  total,
  unpaid,
} from './ledger.ts'
import {
  distinct,
  type Feature,
  largest,
  MS_PER_DAY,
  MS_PER_HOUR,
  perWindow,
  ratio,
  smallest,
  sum,
  type View,
  within,
} from './view.ts'

/** Features of the loan ledger and of signals: repayment habit, exposure and environment. */

/** A ledger feature is missing for a borrower of whom no loan was ever received. */
const ofLoans =
  (feature: Feature): Feature =>
  (view) =>
    view.loans.length === 0 ? null : feature(view)

const openLoans = (view: View): Loan[] => view.loans.filter(isOpen)

/** DPD of the borrower on `day` (today or earlier): a closed loan counts on days before its closing. */
function worstDpd(view: View, day: number): number {
  let worst = 0
  for (const loan of view.loans) {
    if (loan.ended !== null && day >= loan.ended.day) continue
    worst = Math.max(worst, daysPastDue(loan, day, view.configuration))
  }
  return worst
}

const dpdMax =
  (days: number): Feature =>
  (view) => {
    let worst = 0
    for (let day = view.today - days + 1; day <= view.today; day++) worst = Math.max(worst, worstDpd(view, day))
    return worst
  }

const daysSincePastDue: Feature = (view) => {
  for (let day = view.today; day > view.today - 365; day--) {
    if (worstDpd(view, day) > 0) return view.today - day
  }
  return null
}

/** Settled instalments of all loans by settlement, due date and loan. */
function settledInstalments(view: View): Instalment[] {
  const settled = view.loans.flatMap((loan) => loan.instalments.filter((one) => one.settled !== null))
  return settled.sort((a, b) => a.settled! - b.settled! || a.due - b.due)
}

/** The last `count` settled instalments, or `null` where there are not as many. */
function lastSettled(view: View, count: number): Instalment[] | null {
  const settled = settledInstalments(view)
  return settled.length < count ? null : settled.slice(-count)
}

const daysLate = (one: Instalment): number => one.settled! - one.due

const overLastSettled =
  (instalments: number, of: (last: Instalment[]) => number): Feature =>
  (view) => {
    const last = lastSettled(view, instalments)
    return last === null ? null : of(last)
  }

const onTimeStreak: Feature = (view) => {
  const settled = settledInstalments(view)
  if (settled.length === 0) return null
  const late = settled.findLastIndex((one) => daysLate(one) > 0)
  return settled.length - 1 - late
}

const paymentsIn = (view: View, days: number) => view.payments.filter((one) => within(one.time, days, view.time))

const payingAccountCount: Feature = (view) => {
  const accounts = distinct(paymentsIn(view, 180).map((one) => one.data.account))
  return accounts === 0 ? null : accounts
}

const hoursRepaymentToSpend: Feature = (view) => {
  const payment = view.payments.at(-1)
  if (payment === undefined || payment.time <= view.time - 90 * MS_PER_DAY) return null
  const spend = view.transactions.find((row) => row.time > payment.time && (isCard(row, view) || isCash(row, view)))
  return spend === undefined ? null : (spend.time - payment.time) / MS_PER_HOUR
}

const openInstalments = (view: View): Instalment[] => openLoans(view).flatMap((loan) => loan.instalments)
const overdue = (view: View): Instalment[] => openLoans(view).flatMap((loan) => overdueInstalments(loan, view.today))

const monthsOnBook: Feature = (view) => {
  const first = smallest(openLoans(view).map((loan) => loan.disbursed.data.disbursed_at))
  return first === null ? null : monthOfDay(view.today) - monthOfDay(view.calendar.dayOf(first))
}

const nextInstalmentAmount: Feature = (view) => {
  const coming = openInstalments(view).filter((one) => one.settled === null && one.due >= view.today)
  const due = smallest(coming.map((one) => one.due))
  return due === null ? null : sum(coming.filter((one) => one.due === due).map(unpaid))
}

const instalmentToInflow: Feature = (view) => {
  const due = openInstalments(view).filter((one) => one.due > view.today - 30 && one.due <= view.today)
  return ratio(sum(due.map((one) => total(one.owed))), inflowSum(30)(view))
}

const utilisation: Feature = (view) => {
  const limited = openLoans(view).filter((loan) => loan.disbursed.data.credit_limit_minor !== undefined)
  if (limited.length === 0) return null
  return ratio(
    sum(limited.map(outstandingPrincipal)),
    sum(limited.map((loan) => loan.disbursed.data.credit_limit_minor!)),
  )
}

const divertedShare: Feature = (view) => {
  const disbursed = view.loans.map((loan) => loan.disbursed.data).filter((loan) => loan.disbursed_at <= view.time)
  const latest = largest(disbursed.map((loan) => loan.disbursed_at))
  const loan = disbursed.findLast((one) => one.disbursed_at === latest)
  if (loan === undefined || loan.disbursed_at <= view.time - 150 * MS_PER_DAY) return null
  const rows = view.transactions.filter(
    (row) =>
      isDiverted(row, view) &&
      row.time >= loan.disbursed_at &&
      row.time <= loan.disbursed_at + 30 * MS_PER_DAY &&
      row.time <= view.time,
  )
  return ratio(sum(rows.map((row) => row.data.amount_minor)), loan.principal_minor)
}

const signalCount =
  (kind: string): Feature =>
  (view) =>
    view.signals.filter((one) => one.data.kind === kind && within(one.time, 365, view.time)).length

const LEDGER_FEATURES: Record<string, Feature> = {
  dpd_now: (view) => Math.max(0, ...openLoans(view).map((loan) => daysPastDue(loan, view.today, view.configuration))),
  ...perWindow([30, 90, 180, 365], (days) => `dpd_max_${days}d`, dpdMax),
  days_since_past_due: daysSincePastDue,
  days_late_last: overLastSettled(1, ([last]) => daysLate(last!)),
  days_late_mean_3: overLastSettled(3, (last) => sum(last.map(daysLate)) / 3),
  days_late_mean_6: overLastSettled(6, (last) => sum(last.map(daysLate)) / 6),
  days_late_max_6: overLastSettled(6, (last) => Math.max(...last.map(daysLate))),
  partial_payment_share_6: overLastSettled(6, (last) => last.filter((one) => one.touches > 1).length / 6),
  payments_per_instalment_6: overLastSettled(6, (last) => sum(last.map((one) => one.touches)) / 6),
  on_time_streak: onTimeStreak,
  ...perWindow(
    [30, 90],
    (days) => `repayment_count_${days}d`,
    (days) => (view) => paymentsIn(view, days).length,
  ),
  ...perWindow(
    [30, 90],
    (days) => `repayment_sum_${days}d`,
    (days) => (view) => {
      return sum(paymentsIn(view, days).map((one) => one.data.amount_minor))
    },
  ),
  reversal_count_90d: (view) => view.reversals.filter((one) => within(one.time, 90, view.time)).length,
  paying_account_count_180d: payingAccountCount,
  hours_repayment_to_spend: hoursRepaymentToSpend,
  outstanding_principal: (view) => sum(openLoans(view).map(outstandingPrincipal)),
  overdue_amount: (view) => sum(overdue(view).map(unpaid)),
  overdue_instalment_count: (view) => overdue(view).length,
  active_loan_count: (view) => openLoans(view).length,
  remaining_instalment_count: (view) => openInstalments(view).filter((one) => one.settled === null).length,
  months_on_book: monthsOnBook,
  next_instalment_amount: nextInstalmentAmount,
  next_instalment_cover: (view) => ratio(balanceLast(view), nextInstalmentAmount(view)),
  instalment_to_inflow_30d: instalmentToInflow,
  utilisation,
  restructured_count: (view) => sum(view.loans.map((loan) => loan.restructurings)),
  diverted_share_30d: divertedShare,
}

export const REPAYMENT_FEATURES: Record<string, Feature> = {
  ...Object.fromEntries(Object.entries(LEDGER_FEATURES).map(([name, feature]) => [name, ofLoans(feature)])),
  litigation_count_365d: signalCount('litigation'),
  enforcement_count_365d: signalCount('enforcement'),
  guarantor_default_count_365d: signalCount('guarantor_default'),
}
