import type { Event } from '../../features/events/contract.ts'
import type { FeaturePartition } from '../../features/partition.ts'
import type { Borrower } from '../../features/state/borrower.ts'

/** What the engine's state says of an event before it is sent, and after. */

/** What would become of an accepted event in the engine, as far as that can be told without applying it. */
export function foresee(
  features: FeaturePartition,
  event: Event,
): { readonly reason?: string; readonly detail: string } {
  const group = features.tenants.get(event.tenant)
  const currency = group?.tenant.configuration.currency
  if (currency !== undefined && 'currency' in event.data && event.data.currency !== currency) {
    const detail = `${event.data.currency}, but the tenant's currency is ${currency}`
    return { reason: 'currency_mismatch', detail }
  }
  if (!event.type.startsWith('loan.') && !event.type.startsWith('repayment.')) return { detail: '' }
  const { loan } = event.data as { readonly loan?: string }
  if (loan === undefined || event.type === 'loan.disbursed') return { detail: '' }
  const isKnown = borrowerOf(features, event)?.findLoan(loan) !== undefined
  return { detail: isKnown ? `loan ${loan} is known` : `loan ${loan} is not known: it would wait for it` }
}

/** Whether an event waits for its loan. */
export function isHeld(features: FeaturePartition, { tenant, subject, source, id }: Event): boolean {
  const held = borrowerOf(features, { tenant, subject })?.held ?? []
  return held.some(({ event }) => event.source === source && event.id === id)
}

function borrowerOf(
  features: FeaturePartition,
  { tenant, subject }: Pick<Event, 'tenant' | 'subject'>,
): Borrower | undefined {
  return features.tenants.get(tenant)?.byToken.get(subject)
}
