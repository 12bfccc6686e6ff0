import type { EventOf } from '../../features/events/contract.ts'
import { type Instalment, isOpen, type Loan, unpaid } from './ledger.ts'
import { largest, smallest, sum } from './numbers.ts'
import { type Feature, oncePerView, type View, within } from './view.ts'

/** What features of several families ask about a borrower's loans. */

/** A ledger feature is missing for a borrower of whom no loan was ever received. */
export const ofLoans =
  (feature: Feature): Feature =>
  (view) =>
    view.loans.length === 0 ? null : feature(view)

/** The same for every entry of a list. */
export function allOfLoans(features: Record<string, Feature>): Record<string, Feature> {
  return Object.fromEntries(Object.entries(features).map(([name, feature]) => [name, ofLoans(feature)]))
}

export const openLoans = oncePerView((view): Loan[] => view.loans.filter(isOpen))
export const openInstalments = oncePerView((view): Instalment[] => openLoans(view).flatMap((loan) => loan.instalments))

/** Loans that are open and have a credit limit. */
export const limitedLoans = (view: View): Loan[] =>
  openLoans(view).filter((loan) => loan.disbursed.data.credit_limit_minor !== undefined)

/** Credit limits of these loans in all. */
export const limitsOf = (loans: readonly Loan[]): number =>
  sum(loans.map((loan) => loan.disbursed.data.credit_limit_minor ?? 0))

/** Payments in (T − days, T]. */
export const paymentsIn = (view: View, days: number): EventOf<'repayment.received'>[] =>
  view.payments.filter((one) => within(one.time, days, view.time))

/** The loan disbursed last by T, of equals the later in the log; `null` where there is none. */
export const newestLoan = oncePerView((view): EventOf<'loan.disbursed'>['data'] | null => {
  const disbursed = view.loans.map((loan) => loan.disbursed.data).filter((loan) => loan.disbursed_at <= view.time)
  const latest = largest(disbursed.map((loan) => loan.disbursed_at))
  return disbursed.findLast((loan) => loan.disbursed_at === latest) ?? null
})

/** What is unpaid of all instalments on the next due date, today included. */
export const nextInstalmentAmount: Feature = oncePerView((view) => {
  const coming = openInstalments(view).filter((one) => one.settled === null && one.due >= view.today)
  const due = smallest(coming.map((one) => one.due))
  return due === null ? null : sum(coming.filter((one) => one.due === due).map(unpaid))
})
