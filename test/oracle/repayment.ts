import type { EventOf } from '../../features/events/contract.ts'
import { daysPastDue, type Instalment } from './ledger.ts'
import { allOfLoans, openLoans, paymentsIn } from './loans.ts'
import { distinctNamed, largest, median, ratio, smallest, sum } from './numbers.ts'
import { count, isFailedLender } from './transactions.ts'
import { type Feature, oncePerView, perWindow, type View, within } from './view.ts'

/** Repayment habit: when instalments are settled, how payments are made. */

const CONTACT_DAYS = 730

/** DPD of the borrower on each of the last 365 days, by days before today: a closed loan counts before its closing. */
const dpdByDay = oncePerView((view): number[] => {
  const dpds = Array.from({ length: 365 }, () => 0)
  for (const loan of view.loans) {
    // Days up to the first due date, and loans that were never late, need not be asked about.
    const late = loan.instalments.filter((one) => one.settled === null || one.settled > one.due)
    const first = smallest(late.map((one) => one.due)) ?? view.today
    for (let day = view.today; day > first && day > view.today - dpds.length; day--) {
      if (loan.ended !== null && day >= loan.ended.day) continue
      dpds[view.today - day] = Math.max(dpds[view.today - day]!, daysPastDue(loan, day, view.configuration))
    }
  }
  return dpds
})

const daysSincePastDue: Feature = (view) => {
  const before = dpdByDay(view).findIndex((dpd) => dpd > 0)
  return before === -1 ? null : before
}

/** Settled instalments of all loans by settlement, due date and loan. */
const settledInstalments = oncePerView((view): Instalment[] => {
  const settled = view.loans.flatMap((loan) => loan.instalments.filter((one) => one.settled !== null))
  return settled.sort((a, b) => a.settled! - b.settled! || a.due - b.due)
})

const daysLate = (one: Instalment): number => one.settled! - one.due

/** Of the last so many settled instalments, oldest first; missing where there are not as many. */
const overLastSettled =
  (instalments: number, of: (last: Instalment[]) => number): Feature =>
  (view) => {
    const settled = settledInstalments(view)
    return settled.length < instalments ? null : of(settled.slice(-instalments))
  }

const onTimeStreak: Feature = (view) => {
  const settled = settledInstalments(view)
  if (settled.length === 0) return null
  const late = settled.findLastIndex((one) => daysLate(one) > 0)
  return settled.length - 1 - late
}

/** Theil-Sen: the median of the slopes between any two. */
function trendOf(values: readonly number[]): number {
  const slopes = values.flatMap((value, i) => values.slice(i + 1).map((later, k) => (later - value) / (k + 1)))
  return median(slopes)
}

/** Whether it was settled in (today − 365, today]. */
function isOfLastYear(one: Instalment, view: View): boolean {
  return one.settled !== null && one.settled > view.today - 365 && one.settled <= view.today
}

const lateCount =
  (from: number, to: number): Feature =>
  (view) =>
    settledInstalments(view).filter((one) => isOfLastYear(one, view) && daysLate(one) >= from && daysLate(one) <= to)
      .length

/** Dates on which collection reached the borrower about this loan, or about none in particular. */
function contactDays(view: View, loan: string): number[] {
  const contacts = view.contacts
    .map(({ data }) => data)
    .filter((one) => one.loan === undefined || one.loan === loan)
    .filter((one) => within(one.contacted_at, CONTACT_DAYS, view.time))
  return contacts.map((one) => view.calendar.dayOf(one.contacted_at))
}

const curedWithoutContact: Feature = (view) => {
  let cured = 0
  for (const loan of view.loans) {
    const days = contactDays(view, loan.loan)
    for (const one of loan.instalments) {
      if (!isOfLastYear(one, view) || daysLate(one) < 1) continue
      if (!days.some((day) => day >= one.due && day <= one.settled!)) cured++
    }
  }
  return cured
}

const paidNoPrincipal = (view: View, payment: EventOf<'repayment.received'>): boolean =>
  !view.loans.some((loan) => (loan.payments.get(payment)?.principal ?? 0) > 0)

const interestOnlyShare: Feature = (view) => {
  const payments = paymentsIn(view, 180).filter((one) => view.calendar.dayOf(one.data.paid_at) <= view.today)
  return ratio(payments.filter((one) => paidNoPrincipal(view, one)).length, payments.length)
}

const payingAccountSwitches: Feature = (view) => {
  const counted = paymentsIn(view, 180)
  const named = view.ledger
    .map((entry) => entry.event)
    .filter((event) => event.type === 'repayment.received')
    .filter((one) => counted.includes(one) && one.data.account !== undefined)
  if (named.length === 0) return null
  const ofLoan = (loan: { readonly loan: string }) => named.filter((one) => one.data.loan === loan.loan)
  return sum(view.loans.map((loan) => switches(ofLoan(loan).map((one) => one.data.account))))
}

const switches = (accounts: readonly (string | undefined)[]): number =>
  accounts.filter((account, i) => i > 0 && account !== accounts[i - 1]).length

/** Loans that were settled when at least two of their instalments still lay ahead. */
const earlyPayoffCount: Feature = (view) =>
  view.loans.filter(({ instalments }) => {
    if (instalments.length === 0 || instalments.some((one) => one.settled === null)) return false
    const settled = largest(instalments.map((one) => one.settled!))!
    return instalments.filter((one) => one.due > settled).length >= 2
  }).length

const HABIT_FEATURES: Record<string, Feature> = {
  dpd_now: (view) => Math.max(0, ...openLoans(view).map((loan) => daysPastDue(loan, view.today, view.configuration))),
  ...perWindow(
    [30, 90, 180, 365],
    (days) => `dpd_max_${days}d`,
    (days) => (view) => Math.max(...dpdByDay(view).slice(0, days)),
  ),
  days_since_past_due: daysSincePastDue,
  days_late_last: overLastSettled(1, ([last]) => daysLate(last!)),
  days_late_mean_3: overLastSettled(3, (last) => sum(last.map(daysLate)) / 3),
  days_late_mean_6: overLastSettled(6, (last) => sum(last.map(daysLate)) / 6),
  days_late_max_6: overLastSettled(6, (last) => Math.max(...last.map(daysLate))),
  days_late_trend_6: overLastSettled(6, (last) => trendOf(last.map(daysLate))),
  days_late_spread_6: overLastSettled(6, (last) => Math.max(...last.map(daysLate)) - Math.min(...last.map(daysLate))),
  partial_payment_share_6: overLastSettled(6, (last) => last.filter((one) => one.touches > 1).length / 6),
  payments_per_instalment_6: overLastSettled(6, (last) => sum(last.map((one) => one.touches)) / 6),
  on_time_streak: onTimeStreak,
  late_1_3_count_365d: lateCount(1, 3),
  late_4_15_count_365d: lateCount(4, 15),
  late_16_30_count_365d: lateCount(16, 30),
  cured_without_contact_count_365d: curedWithoutContact,
  ...perWindow(
    [30, 90],
    (days) => `repayment_count_${days}d`,
    (days) => (view) => paymentsIn(view, days).length,
  ),
  ...perWindow(
    [30, 90],
    (days) => `repayment_sum_${days}d`,
    (days) => (view) => sum(paymentsIn(view, days).map((one) => one.data.amount_minor)),
  ),
  interest_only_payment_share_180d: interestOnlyShare,
  reversal_count_90d: (view) => view.reversals.filter((one) => within(one.time, 90, view.time)).length,
  paying_account_count_180d: (view) => distinctNamed(paymentsIn(view, 180).map(({ data }) => data.account)),
  payer_count_180d: (view) => distinctNamed(paymentsIn(view, 180).map(({ data }) => data.payer)),
  payment_channel_count_180d: (view) => distinctNamed(paymentsIn(view, 180).map(({ data }) => data.channel)),
  paying_account_switch_count_180d: payingAccountSwitches,
  early_payoff_count: earlyPayoffCount,
}

export const REPAYMENT_FEATURES: Record<string, Feature> = {
  ...allOfLoans(HABIT_FEATURES),
  failed_instalment_debit_count_90d: count(90, isFailedLender),
}
