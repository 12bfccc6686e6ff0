import type { EventOf } from '../../features/events/contract.ts'
import type { Borrower } from '../../features/state/borrower.ts'

export type InspectionRow = {
  readonly tenant: string
  readonly borrower: string
  /** Empty where all of the borrower's loans were inspected. */
  readonly loan: string
  /** Day number of the business date. */
  readonly date: number
  readonly inspected_at: number
  readonly kind: string
  readonly result: string
}

/** An inspection as it was recorded, with its business date in the tenant's zone. */
export function inspectionRow(borrower: Borrower, { data }: EventOf<'inspection.recorded'>): InspectionRow {
  return {
    tenant: borrower.tenant.name,
    borrower: borrower.token,
    loan: data.loan ?? '',
    date: borrower.tenant.calendar.dayOf(data.inspected_at),
    inspected_at: data.inspected_at,
    kind: data.kind ?? '',
    result: data.result ?? '',
  }
}
