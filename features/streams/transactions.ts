import type { EventData } from '../events/contract.ts'
import type { Calendar } from '../time.ts'
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
  SECURITIES: 1 << 18,
  PROPERTY: 1 << 19,
  OWN_ACCOUNT: 1 << 20,
  FAILED_LENDER: 1 << 21,
  JUST_UNDER: 1 << 22,
  CREDIT: 1 << 23,
  OTHER_LENDER_IN: 1 << 24,
  LINKED_IN: 1 << 25,
  /** Set by what else was received, see `transaction-rows.ts`. */
  ROUND_TRIP: 1 << 26,
  THIRD_OF_DAY: 1 << 27,
  /** The latest outgoing, or card, row of its party: so many of them in a window are its distinct parties. */
  LAST_OUT: 1 << 28,
  LAST_CARD: 1 << 29,
} as const

/** Traits that few rows have, so that a pass over many rows asks for all of them at once. */
export const RARE_TRAITS =
  TRAIT.FAILED |
  TRAIT.FAILED_LENDER |
  TRAIT.SALARY |
  TRAIT.CASH |
  TRAIT.QUASI_CASH |
  TRAIT.HIGH_RISK |
  TRAIT.NIGHT |
  TRAIT.LENDER_IN |
  TRAIT.LENDER_OUT |
  TRAIT.DIVERTED |
  TRAIT.PENALTY |
  TRAIT.OVERDRAWN |
  TRAIT.JUST_UNDER |
  TRAIT.CREDIT |
  TRAIT.ROUND_TRIP |
  TRAIT.THIRD_OF_DAY

/** Columns of a transaction row. `PARTY` is the hash of the merchant, or else of the counterparty, or 0. */
export const TRANSACTION_F64 = {
  TIME: 0,
  AMOUNT: 1,
  BALANCE: 2,
  PARTY: 3,
} as const
/** `ACCOUNT` is the account's number among the borrower's own, `DAY` the business date as a day number. */
export const TRANSACTION_U32 = { TRAITS: 0, ACCOUNT: 1 } as const

/** No window of the catalogue reaches further back than this; older rows may go. */
export const TRANSACTION_RETENTION_DAYS = 181
/** No feature looks at a row this old or older. */
export const TRANSACTION_LOOKBACK_DAYS = 180

/** Amounts that are a multiple of this many minor units count as round. */
export const ROUND_AMOUNT_MINOR = 10_000
/** Night is from 0:00 to before this local hour. */
export const NIGHT_ENDS_HOUR = 5
/** Lines that people stay just under: within 5 % below, as of version 1. */
export const JUST_UNDER_LINES_MINOR: readonly number[] = [1_000_000, 5_000_000]
const JUST_UNDER_PERCENT = 95

const SALARY_CATEGORIES = new Set(['salary', 'pension', 'benefit'])
const ENTERED_REMOTELY = new Set(['online', 'manual'])
const LINKED_KINDS = new Set(['person', 'merchant'])

/** The bits of a transaction as it stands; those that depend on others are added by whoever inserts it. */
export function transactionTraits(
  data: EventData<'transaction.posted'>,
  time: number,
  calendar: Calendar,
  ownInstitution: string | undefined,
): number {
  let traits = 0
  const { category, counterparty_kind: kind, balance_after_minor: balance } = data
  if (balance !== undefined) traits |= balance < 0 ? TRAIT.BALANCE | TRAIT.OVERDRAWN : TRAIT.BALANCE
  if (category === 'penalty_interest') traits |= TRAIT.PENALTY
  if (data.merchant !== undefined || data.counterparty !== undefined) traits |= TRAIT.PARTY
  // A failed debit moved no money, so it is neither in nor out.
  if (category === 'failed_debit') return traits | TRAIT.FAILED | (kind === 'lender' ? TRAIT.FAILED_LENDER : 0)
  if (data.direction === 'in') return traits | incomingTraits(data, ownInstitution)
  return traits | outgoingTraits(data, calendar.hourOf(time))
}

function incomingTraits(data: EventData<'transaction.posted'>, ownInstitution: string | undefined): number {
  const { category, counterparty_kind: kind } = data
  let traits: number = TRAIT.IN
  if (kind === 'employer' || (category !== undefined && SALARY_CATEGORIES.has(category))) traits |= TRAIT.SALARY
  if (kind === 'lender' || category === 'loan_proceeds') {
    traits |= TRAIT.LENDER_IN
    if (ownInstitution === undefined || data.counterparty !== ownInstitution) traits |= TRAIT.OTHER_LENDER_IN
  }
  if (category !== 'refund' && kind !== undefined && LINKED_KINDS.has(kind)) traits |= TRAIT.LINKED_IN
  return traits
}

function outgoingTraits(data: EventData<'transaction.posted'>, hour: number): number {
  const { category, counterparty_kind: kind, mcc, amount_minor: amount } = data
  let traits: number = TRAIT.OUT
  if (category === 'cash_withdrawal' || data.channel === 'atm' || (mcc !== undefined && WITHDRAWAL_MCCS.has(mcc))) {
    traits |= TRAIT.CASH
  }
  if (category === 'gambling' || (mcc !== undefined && QUASI_CASH_MCCS.has(mcc))) traits |= TRAIT.QUASI_CASH
  if (data.merchant !== undefined) {
    traits |= TRAIT.CARD
    if (mcc !== undefined && HIGH_RISK_MERCHANT_MCCS.has(mcc)) traits |= TRAIT.HIGH_RISK
    if (data.account_kind === 'credit') traits |= TRAIT.CREDIT
  }
  if (hour < NIGHT_ENDS_HOUR) traits |= TRAIT.NIGHT
  if (amount % ROUND_AMOUNT_MINOR === 0) traits |= TRAIT.ROUND
  if (data.entry_mode !== undefined && ENTERED_REMOTELY.has(data.entry_mode)) traits |= TRAIT.NOT_PRESENT
  if (kind === 'lender' || category === 'loan_payment') traits |= TRAIT.LENDER_OUT
  if (kind === 'securities' || category === 'securities') traits |= TRAIT.SECURITIES | TRAIT.DIVERTED
  if (kind === 'property' || category === 'property') traits |= TRAIT.PROPERTY | TRAIT.DIVERTED
  if (kind === 'own_account') traits |= TRAIT.OWN_ACCOUNT
  for (const line of JUST_UNDER_LINES_MINOR) {
    if (amount < line && amount * 100 >= line * JUST_UNDER_PERCENT) traits |= TRAIT.JUST_UNDER
  }
  return traits
}
