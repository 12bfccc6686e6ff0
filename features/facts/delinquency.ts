import { UNSETTLED } from '../ledger/loan.ts'
import { setAll } from './fill.ts'
import { type FactView, hideUnknown, NEVER, slotsOf } from './view.ts'

/** Days past due now and before. Missing where no loan is known. */

const NAMES = ['dpd_now', 'dpd_max_30d', 'dpd_max_90d', 'dpd_max_180d', 'dpd_max_365d', 'days_since_past_due'] as const
const SLOT = slotsOf(NAMES)
const LAST_PAST_DUE_DAYS = 365
/** How a loan stood at the end of the day of its takeover is known, so that a window may begin with it. */
const WINDOWS = [
  { slot: SLOT.dpd_max_30d, days: 29 },
  { slot: SLOT.dpd_max_90d, days: 89 },
  { slot: SLOT.dpd_max_180d, days: 179 },
  { slot: SLOT.dpd_max_365d, days: 364 },
]

export const DELINQUENCY_FACTS = {
  names: NAMES,
  compute(view: FactView, out: Float64Array): void {
    const { loans, borrower, day } = view
    if (loans.length === 0) {
      setAll(out, Number.NaN)
      return
    }
    const { tenant } = borrower
    let now = 0
    let latest = Number.NEGATIVE_INFINITY
    let max30 = 0
    let max90 = 0
    let max180 = 0
    let max365 = 0
    for (const loan of loans) {
      if (loan.status === 'open') now = Math.max(now, tenant.daysPastDue(loan.rawDaysPastDue(day)))
      const lastDay = loan.status === 'open' ? day : Math.min(day, loan.status_day - 1)
      const { due_day, settled_day, instalment_count } = loan
      // A due date that a restructuring carried on counts like one that is unpaid.
      const carried = loan.carriedDue()
      const rows = carried < day ? instalment_count + 1 : instalment_count
      for (let i = 0; i < rows; i++) {
        const due = i === instalment_count ? carried : (due_day[i] as number)
        if (due >= day) continue
        const settled = i === instalment_count ? UNSETTLED : (settled_day[i] as number)
        const end = settled === UNSETTLED ? lastDay : Math.min(settled - 1, lastDay)
        if (end <= due) continue
        const daysPastDue = tenant.daysPastDue(end - due)
        if (daysPastDue <= 0) continue
        if (end > latest) latest = end
        if (end <= day - 365) continue
        if (daysPastDue > max365) max365 = daysPastDue
        if (end > day - 180 && daysPastDue > max180) max180 = daysPastDue
        if (end > day - 90 && daysPastDue > max90) max90 = daysPastDue
        if (end > day - 30 && daysPastDue > max30) max30 = daysPastDue
      }
    }
    out[SLOT.dpd_now] = now
    out[SLOT.dpd_max_30d] = max30
    out[SLOT.dpd_max_90d] = max90
    out[SLOT.dpd_max_180d] = max180
    out[SLOT.dpd_max_365d] = max365
    if (view.taken_over_day !== NEVER) hideUnknown(view, out, WINDOWS)
    out[SLOT.days_since_past_due] = latest > day - LAST_PAST_DUE_DAYS ? day - latest : Number.NaN
  },
}
