import type { EventData } from '../events/contract.ts'
import type { Schedule } from './schedule.ts'

/** What a loan is from its first event on. */
export type LoanTerms = Pick<
  EventData<'loan.disbursed'>,
  'loan' | 'product' | 'channel' | 'region' | 'purpose' | 'industry' | 'currency' | 'principal_minor' | 'annual_rate'
> &
  Pick<EventData<'loan.disbursed'>, 'credit_limit_minor' | 'disbursed_at' | 'repayment_method' | 'payment_mode'> & {
    readonly schedule: Schedule
    readonly disbursed_day: number
    readonly is_by_part: boolean
  }

/** Where a loan stood that was taken over while it ran, at the end of business date `day`. */
export type Takeover = {
  readonly day: number
  readonly penalty_minor: number
  /** Largest DPD before, undefined where nobody knows. */
  readonly worst_dpd: number | undefined
}
