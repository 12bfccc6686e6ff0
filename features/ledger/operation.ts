import type { RepaymentSplit } from '../events/contract.ts'
import { SCHEDULE_STRIDE, type Schedule } from './schedule.ts'

/** What was done to a loan. */
export const KIND = {
  PAYMENT: 0,
  RESTRUCTURING: 1,
  PENALTY: 2,
  FEE: 3,
  WAIVER: 4,
  PAUSE: 5,
  DRAWING: 6,
  BILL: 7,
} as const

/** What was done to a loan, in log order. One object serves many loans in turn. */
export class Operation {
  kind: number = KIND.PAYMENT
  /** Of a restructuring the new one, of a fee or a bill its one instalment; else null. */
  schedule: Schedule | null = null
  /** Per instalment by its number whether it was settled as of the place of a restructuring or a pause, whatever is reversed later. */
  kept: Uint8Array | null = null
  is_extension = false
  /** Whether days past due go on counting from the oldest due date that a restructuring closed. */
  carries_dpd = false
  /** Business date from which it counts: that of `paid_at`, or the effective date. */
  value_day = 0
  /** Last day of a pause. */
  until_day = 0

  /** Hash of the payment's event id. */
  id_high = 0
  id_low = 0
  /** Event time, UTC milliseconds. */
  time = 0
  amount_minor = 0
  /** A payment's split, or what is waived of each part. */
  split: RepaymentSplit | null = null
  /** Hashes of the paying account and of the payer, 0 where none is named; the channel's number among the names. */
  account = 0
  payer = 0
  channel = 0
  reversed = false
  /** What its allocation paid of each part; of a payment that was reversed, what it had paid until then. */
  principal_paid_minor = 0
  interest_paid_minor = 0
  fee_paid_minor = 0
  penalty_paid_minor = 0

  /** Becomes another operation. */
  reset(kind: number): void {
    this.kind = kind
    this.schedule = null
    this.kept = null
    this.is_extension = false
    this.carries_dpd = false
    this.until_day = 0
    this.amount_minor = 0
    this.split = null
    this.reversed = false
  }

  /** How many instalments get a number by it. */
  get instalments(): number {
    return this.kind === KIND.DRAWING ? 1 : (this.schedule?.length ?? 0) / SCHEDULE_STRIDE
  }

  get isPayment(): boolean {
    return this.kind === KIND.PAYMENT
  }

  /** A payment that counts: one that was not reversed. */
  get isLivePayment(): boolean {
    return this.kind === KIND.PAYMENT && !this.reversed
  }
}
