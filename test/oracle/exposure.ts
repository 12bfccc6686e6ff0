import { monthOfDay } from './calendar.ts'
import { type Instalment, outstandingPrincipal, overdueInstalments, type Part, unpaid } from './ledger.ts'
import { allOfLoans, nextInstalmentAmount, ofLoans, openInstalments, openLoans } from './loans.ts'
import { largest, less, smallest, sum } from './numbers.ts'
import { type Feature, oncePerView, type View, within } from './view.ts'

/** Exposure: what is owed now, and what courts and guarantors report. */

const overdue = oncePerView((view): Instalment[] =>
  openLoans(view).flatMap((loan) => overdueInstalments(loan, view.today)),
)

const overduePart =
  (part: Part): Feature =>
  (view) =>
    sum(overdue(view).map((one) => one.owed[part] - one.paid[part]))

const unsettled = (view: View): Instalment[] => openInstalments(view).filter((one) => one.settled === null)

const monthsOnBook: Feature = (view) => {
  const first = smallest(openLoans(view).map((loan) => loan.disbursed.data.disbursed_at))
  return first === null ? null : monthOfDay(view.today) - monthOfDay(view.calendar.dayOf(first))
}

const signalsOf = (view: View, kind: string) =>
  view.signals.filter((one) => one.data.kind === kind && within(one.time, 365, view.time))

const signalCount =
  (kind: string): Feature =>
  (view) =>
    signalsOf(view, kind).length

const signalAmount =
  (kind: string): Feature =>
  (view) =>
    sum(signalsOf(view, kind).map(({ data }) => data.amount_minor ?? 0))

/** Missing without any loan. */
export const outstandingOfAll: Feature = ofLoans((view) => sum(openLoans(view).map(outstandingPrincipal)))

export const EXPOSURE_FEATURES: Record<string, Feature> = {
  outstanding_principal: outstandingOfAll,
  ...allOfLoans({
    overdue_amount: (view) => sum(overdue(view).map(unpaid)),
    overdue_principal: overduePart('principal'),
    overdue_interest: overduePart('interest'),
    overdue_fee: overduePart('fee'),
    overdue_instalment_count: (view) => overdue(view).length,
    active_loan_count: (view) => openLoans(view).length,
    remaining_instalment_count: (view) => unsettled(view).length,
    remaining_term_days: (view) => less(largest(unsettled(view).map((one) => one.due)), view.today),
    months_on_book: monthsOnBook,
    next_instalment_amount: nextInstalmentAmount,
    restructured_count: (view) => sum(view.loans.map((loan) => loan.restructurings)),
    extension_count: (view) => sum(view.loans.map((loan) => loan.extensions)),
  }),
  litigation_count_365d: signalCount('litigation'),
  litigation_amount_365d: signalAmount('litigation'),
  enforcement_count_365d: signalCount('enforcement'),
  enforcement_amount_365d: signalAmount('enforcement'),
  guarantor_default_count_365d: signalCount('guarantor_default'),
}
