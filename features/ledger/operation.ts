import type { RepaymentSplit } from '../events/contract.ts'
import type { Schedule } from './schedule.ts'

/** What was done to a loan, in log order: a payment, or a restructuring. One object serves many loans in turn. */
export class Operation {
  /** Null for a payment. */
  schedule: Schedule | null = null
  /** Per instalment before a restructuring whether it stays: those settled as of its place, whatever is reversed later. */
  kept: Uint8Array | null = null
  is_extension = false
  /** Business date of `paid_at`, or the effective date. */
  value_day = 0

  /** Hash of the payment's event id. */
  id_high = 0
  id_low = 0
  /** Event time, UTC milliseconds. */
  time = 0
  amount_minor = 0
  split: RepaymentSplit | null = null
  /** Hashes of the paying account and of the payer, 0 where none is named; the channel's number among the names. */
  account = 0
  payer = 0
  channel = 0
  reversed = false
  /** What its allocation paid of principal. */
  principal_paid_minor = 0

  get isPayment(): boolean {
    return this.schedule === null
  }

  /** A payment that counts: one that was not reversed. */
  get isLivePayment(): boolean {
    return this.schedule === null && !this.reversed
  }
}
