import type { EventOf } from '../../features/events/contract.ts'
import { balanceLast } from './cashflow.ts'
import { loansOnDay, outstandingPrincipal, total } from './ledger.ts'
import {
  allOfLoans,
  limitedLoans,
  limitsOf,
  newestLoan,
  nextInstalmentAmount,
  openInstalments,
  paymentsIn,
} from './loans.ts'
import { ratio, sum } from './numbers.ts'
import {
  amountsOf,
  isCard,
  isCash,
  isDiverted,
  isIn,
  isOtherLenderIn,
  rowsWith,
  sumOf,
  type Transaction,
} from './transactions.ts'
import { type Feature, MS_PER_DAY, MS_PER_HOUR, type View } from './view.ts'

/** Loans against transactions: what pays the instalments, what follows a payment, how far a limit is used. */

type Payment = EventOf<'repayment.received'>

const isSpend = (row: Transaction, view: View): boolean => isCard(row, view) || isCash(row, view)

const hoursRepaymentToSpend: Feature = (view) => {
  const payment = view.payments.at(-1)
  if (payment === undefined || payment.time <= view.time - 90 * MS_PER_DAY) return null
  const spend = rowsWith(view, isSpend).find((row) => row.time > payment.time)
  return spend === undefined ? null : (spend.time - payment.time) / MS_PER_HOUR
}

/** Whether another lender's money of at least the payment's amount came in within the 72 hours before it. */
function isLenderFunded(view: View, payment: Payment): boolean {
  return rowsWith(view, isOtherLenderIn).some(
    (row) =>
      row.time >= payment.time - 72 * MS_PER_HOUR &&
      row.time <= payment.time &&
      row.data.amount_minor >= payment.data.amount_minor,
  )
}

const lenderFundedCount: Feature = (view) => paymentsIn(view, 90).filter((one) => isLenderFunded(view, one)).length

/** Payments that were followed within the hour by a card payment or a cash withdrawal. */
const repayThenSpendCount: Feature = (view) =>
  paymentsIn(view, 90).filter((payment) =>
    rowsWith(view, isSpend).some((row) => row.time > payment.time && row.time <= payment.time + MS_PER_HOUR),
  ).length

const instalmentToInflow: Feature = (view) => {
  const due = openInstalments(view).filter((one) => one.due > view.today - 30 && one.due <= view.today)
  return ratio(sum(due.map((one) => total(one.owed))), sumOf(30, isIn)(view))
}

const utilisation: Feature = (view) => {
  const limited = limitedLoans(view)
  return limited.length === 0 ? null : ratio(sum(limited.map(outstandingPrincipal)), limitsOf(limited))
}

/** Change of the utilisation of loans that are at least 30 days old, by what is known now of both dates. */
const utilisationChange: Feature = (view) => {
  const before = view.today - 30
  const loans = limitedLoans(view).filter((loan) => view.calendar.dayOf(loan.disbursed.data.disbursed_at) <= before)
  if (loans.length === 0) return null
  const names = new Set(loans.map(({ loan }) => loan))
  const entries = view.ledger.filter(({ event }) => names.has(event.data.loan))
  const then = loansOnDay(entries, before, view.configuration)
  return ratio(sum(loans.map(outstandingPrincipal)) - sum(then.map(outstandingPrincipal)), limitsOf(loans))
}

const divertedShare: Feature = (view) => {
  const loan = newestLoan(view)
  if (loan === null || loan.disbursed_at <= view.time - 150 * MS_PER_DAY) return null
  const rows = rowsWith(view, isDiverted).filter(
    (row) => row.time >= loan.disbursed_at && row.time <= loan.disbursed_at + 30 * MS_PER_DAY,
  )
  return ratio(sum(amountsOf(rows)), loan.principal_minor)
}

export const REPAYMENT_MONEY_FEATURES: Record<string, Feature> = allOfLoans({
  hours_repayment_to_spend: hoursRepaymentToSpend,
  lender_funded_repayment_count_90d: lenderFundedCount,
  lender_funded_repayment_share_90d: (view) => ratio(lenderFundedCount(view), paymentsIn(view, 90).length),
  repay_then_spend_count_90d: repayThenSpendCount,
  next_instalment_cover: (view) => ratio(balanceLast(view), nextInstalmentAmount(view)),
  instalment_to_inflow_30d: instalmentToInflow,
  utilisation,
  utilisation_change_30d: utilisationChange,
  diverted_share_30d: divertedShare,
})
