import type { RefusedReason } from './asc.ts'

/**
 * What the type, operation and k_symbol of a row say in foreshock's words. Everything a row can say is listed here
 * and in this folder's README; anything else is refused, because a guess would end up in a feature.
 */

export type Direction = 'in' | 'out'

export type Movement = {
  readonly ok: true
  readonly direction: Direction
  readonly category: string
  readonly counterparty_kind?: string
  readonly channel?: string
}

type Operation = { readonly direction?: Direction; readonly category?: string; readonly channel?: string }
type Purpose = {
  readonly direction: Direction
  readonly category: string
  readonly counterparty_kind: string
  /** The bank books it by itself, whatever the operation says (a statement fee is a `VYBER`): it has no channel. */
  readonly booked_by_bank?: true
}

/** `VYBER` as a type is a withdrawal in cash and stands for `VYDAJ`. */
const DIRECTIONS = new Map<string, Direction>([
  ['PRIJEM', 'in'],
  ['VYDAJ', 'out'],
  ['VYBER', 'out'],
])

const OPERATIONS = new Map<string, Operation>([
  ['VKLAD', { direction: 'in', category: 'cash_deposit', channel: 'branch' }],
  ['VYBER', { direction: 'out', category: 'cash_withdrawal', channel: 'branch' }],
  ['VYBER KARTOU', { direction: 'out', category: 'cash_withdrawal', channel: 'atm' }],
  ['PREVOD Z UCTU', { direction: 'in', category: 'transfer', channel: 'transfer' }],
  ['PREVOD NA UCET', { direction: 'out', category: 'transfer', channel: 'transfer' }],
  // Without an operation only the k_symbol says what it is.
  ['', {}],
])

const PURPOSES = new Map<string, Purpose>([
  ['DUCHOD', { direction: 'in', category: 'pension', counterparty_kind: 'government' }],
  ['UROK', { direction: 'in', category: 'interest', counterparty_kind: 'bank', booked_by_bank: true }],
  ['SANKC. UROK', { direction: 'out', category: 'penalty_interest', counterparty_kind: 'bank', booked_by_bank: true }],
  ['SLUZBY', { direction: 'out', category: 'fee', counterparty_kind: 'bank', booked_by_bank: true }],
  ['SIPO', { direction: 'out', category: 'household', counterparty_kind: 'utility' }],
  ['POJISTNE', { direction: 'out', category: 'insurance', counterparty_kind: 'insurance' }],
  ['UVER', { direction: 'out', category: 'loan_payment', counterparty_kind: 'lender' }],
])

/** The k_symbol of a loan payment, in the transaction file and in the standing orders. */
export const LOAN_PAYMENT_SYMBOL = 'UVER'

/** Maps one row. The k_symbol may be blank or empty, both say nothing. */
export function mapMovement(
  type: string,
  operation: string,
  symbol: string,
): Movement | { readonly ok: false; readonly reason: RefusedReason } {
  const direction = DIRECTIONS.get(type)
  if (direction === undefined) return { ok: false, reason: 'unknown_type' }
  const way = OPERATIONS.get(operation)
  if (way === undefined) return { ok: false, reason: 'unknown_operation' }
  const silent = symbol.trim() === ''
  const purpose = silent ? undefined : PURPOSES.get(symbol)
  if (!silent && purpose === undefined) return { ok: false, reason: 'unknown_symbol' }
  const category = purpose?.category ?? way.category
  if (category === undefined) return { ok: false, reason: 'unknown_operation' }
  if ((way.direction ?? direction) !== direction || (purpose?.direction ?? direction) !== direction) {
    return { ok: false, reason: 'contradicting_direction' }
  }
  const channel = purpose?.booked_by_bank ? undefined : way.channel
  return {
    ok: true,
    direction,
    category,
    ...(purpose !== undefined && { counterparty_kind: purpose.counterparty_kind }),
    ...(channel !== undefined && { channel }),
  }
}

/** Token of the other side's account, `BANK-ACCOUNT`; undefined where the row names none (empty, or account 0 in cash rows). */
export function counterpartyOf(bank: string, account: string): string | undefined {
  if (bank === '') return account === '' || account === '0' ? undefined : account
  return `${bank}-${account}`
}
