import type { EventOf } from '../../features/events/contract.ts'
import type { Borrower } from '../../features/state/borrower.ts'
import type { ContactRow } from './outputs.ts'

/** A contact as it was recorded, with its business date in the tenant's zone. */
export function contactRow(borrower: Borrower, { data }: EventOf<'contact.recorded'>): ContactRow {
  return {
    tenant: borrower.tenant.name,
    borrower: borrower.token,
    loan: data.loan ?? '',
    date: borrower.tenant.calendar.dayOf(data.contacted_at),
    contacted_at: data.contacted_at,
    channel: data.channel,
    result: data.result ?? '',
  }
}
