import type { EventData } from '../events/contract.ts'
import { hash53 } from '../hash.ts'
import { type Segment, SegmentStore } from '../state/segments.ts'
import { type Calendar, MS_PER_DAY } from '../time.ts'
import { HIGH_RISK_MERCHANT_MCCS, QUASI_CASH_MCCS, WITHDRAWAL_MCCS } from './merchant-categories.ts'

/** What a transaction is, as bits: every filter of a feature is a test of these. */
export const TRAIT = {
  IN: 1 << 0,
  OUT: 1 << 1,
  FAILED: 1 << 2,
  SALARY: 1 << 3,
  CASH: 1 << 4,
  QUASI_CASH: 1 << 5,
  CARD: 1 << 6,
  HIGH_RISK: 1 << 7,
  NIGHT: 1 << 8,
  ROUND: 1 << 9,
  NOT_PRESENT: 1 << 10,
  LENDER_IN: 1 << 11,
  LENDER_OUT: 1 << 12,
  DIVERTED: 1 << 13,
  PENALTY: 1 << 14,
  BALANCE: 1 << 15,
  OVERDRAWN: 1 << 16,
  PARTY: 1 << 17,
} as const

/** Columns of a transaction row. `PARTY` is the hash of the merchant, or else of the counterparty, or 0. */
export const TRANSACTION_F64 = {
  TIME: 0,
  AMOUNT: 1,
  BALANCE: 2,
  PARTY: 3,
} as const
export const TRANSACTION_U32 = { TRAITS: 0 } as const

/** No window of the catalogue reaches further back than this; older rows may go. */
export const TRANSACTION_RETENTION_DAYS = 181

/** Amounts that are a multiple of this many minor units count as round. */
export const ROUND_AMOUNT_MINOR = 10_000
/** Night is from 0:00 to before this local hour. */
export const NIGHT_ENDS_HOUR = 5

const SALARY_CATEGORIES = new Set(['salary', 'pension', 'benefit'])
const ENTERED_REMOTELY = new Set(['online', 'manual'])
const DIVERSION_KINDS = new Set(['securities', 'property'])

export function createTransactionStore(): SegmentStore {
  return new SegmentStore(4, 1)
}

export function transactionTraits(data: EventData<'transaction.posted'>, time: number, calendar: Calendar): number {
  let traits = 0
  const { category, counterparty_kind: kind, balance_after_minor: balance } = data
  if (balance !== undefined) traits |= balance < 0 ? TRAIT.BALANCE | TRAIT.OVERDRAWN : TRAIT.BALANCE
  if (category === 'penalty_interest') traits |= TRAIT.PENALTY
  if (data.merchant !== undefined || data.counterparty !== undefined) traits |= TRAIT.PARTY
  // A failed debit moved no money, so it is neither in nor out.
  if (category === 'failed_debit') return traits | TRAIT.FAILED
  if (data.direction === 'in') {
    traits |= TRAIT.IN
    if (kind === 'employer' || (category !== undefined && SALARY_CATEGORIES.has(category))) traits |= TRAIT.SALARY
    if (kind === 'lender' || category === 'loan_proceeds') traits |= TRAIT.LENDER_IN
    return traits
  }
  traits |= TRAIT.OUT
  const mcc = data.mcc
  if (category === 'cash_withdrawal' || data.channel === 'atm' || (mcc !== undefined && WITHDRAWAL_MCCS.has(mcc))) {
    traits |= TRAIT.CASH
  }
  if (category === 'gambling' || (mcc !== undefined && QUASI_CASH_MCCS.has(mcc))) traits |= TRAIT.QUASI_CASH
  if (data.merchant !== undefined) {
    traits |= TRAIT.CARD
    if (mcc !== undefined && HIGH_RISK_MERCHANT_MCCS.has(mcc)) traits |= TRAIT.HIGH_RISK
  }
  if (calendar.hourOf(time) < NIGHT_ENDS_HOUR) traits |= TRAIT.NIGHT
  if (data.amount_minor % ROUND_AMOUNT_MINOR === 0) traits |= TRAIT.ROUND
  if (data.entry_mode !== undefined && ENTERED_REMOTELY.has(data.entry_mode)) traits |= TRAIT.NOT_PRESENT
  if (kind === 'lender' || category === 'loan_payment') traits |= TRAIT.LENDER_OUT
  if ((kind !== undefined && DIVERSION_KINDS.has(kind)) || (category !== undefined && DIVERSION_KINDS.has(category))) {
    traits |= TRAIT.DIVERTED
  }
  return traits
}

/** Adds a transaction to a borrower's rows; rows older than all windows before `asOf` may go. */
export function insertTransaction(
  store: SegmentStore,
  segment: Segment,
  data: EventData<'transaction.posted'>,
  time: number,
  traits: number,
  asOf: number,
): void {
  const at = store.insert(segment, time, asOf - TRANSACTION_RETENTION_DAYS * MS_PER_DAY)
  const { f64, u32 } = segment.chunk as NonNullable<Segment['chunk']>
  ;(f64[TRANSACTION_F64.AMOUNT] as Float64Array)[at] = data.amount_minor
  ;(f64[TRANSACTION_F64.BALANCE] as Float64Array)[at] = data.balance_after_minor ?? 0
  const party = data.merchant ?? data.counterparty
  ;(f64[TRANSACTION_F64.PARTY] as Float64Array)[at] = party === undefined ? 0 : hash53(party)
  ;(u32[TRANSACTION_U32.TRAITS] as Uint32Array)[at] = traits
}
