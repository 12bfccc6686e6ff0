import { type AscTable, isId, parseDay, parseMinor, type RefusedReason } from './asc.ts'
import { type DayOrder, orderDay } from './balance-order.ts'
import { counterpartyOf, LOAN_PAYMENT_SYMBOL, type Movement, mapMovement } from './mapping.ts'

export const TRANSACTION_COLUMNS = [
  'trans_id',
  'account_id',
  'date',
  'type',
  'operation',
  'amount',
  'balance',
  'k_symbol',
  'bank',
  'account',
] as const

/** One transaction row, checked. */
export type BerkaTransaction = {
  /** Line in the transaction file, and its text, for what is refused later. */
  readonly line: number
  readonly text: string
  readonly trans_id: string
  readonly account_id: string
  readonly client_id: string
  /** Day number of the booking. */
  readonly day: number
  readonly amount_minor: number
  readonly balance_after_minor: number
  readonly movement: Movement
  readonly counterparty: string | undefined
  readonly is_loan_payment: boolean
}

/** A transaction with its place among the rows of its account on its day. */
export type PlacedTransaction = {
  readonly transaction: BerkaTransaction
  /** 0 for the first row of the account-day. */
  readonly place: number
  readonly rows_of_day: number
}

export type DayCounts = {
  account_days: number
  exactly: number
  within_rounding: number
  not: number
  not_searched: number
}

/** Printable ASCII without spaces, short enough to be a token together with its bank. */
const COUNTERPARTY_PART = /^[\x21-\x7e]{0,60}$/

/** Checks and maps the rows, in file order; what cannot be mapped is refused, its neighbours are not touched. */
export function readTransactions(
  table: AscTable<(typeof TRANSACTION_COLUMNS)[number]>,
  owners: ReadonlyMap<string, string>,
): BerkaTransaction[] {
  const transactions: BerkaTransaction[] = []
  const seen = new Set<string>()
  for (const row of table.rows) {
    const { trans_id, account_id, bank, account } = row.fields
    const fail = (reason: RefusedReason) => table.refuse(row, reason)
    const day = parseDay(row.fields.date)
    const amount_minor = parseMinor(row.fields.amount)
    const balance_after_minor = parseMinor(row.fields.balance)
    const movement = mapMovement(row.fields.type, row.fields.operation, row.fields.k_symbol)
    const client_id = owners.get(account_id)
    if (!isId(trans_id) || !isId(account_id)) fail('bad_id')
    else if (seen.has(trans_id)) fail('repeated_id')
    else if (day === undefined) fail('bad_date')
    else if (amount_minor === undefined || amount_minor <= 0) fail('bad_amount')
    else if (balance_after_minor === undefined) fail('bad_amount')
    else if (!movement.ok) fail(movement.reason)
    else if (!COUNTERPARTY_PART.test(bank) || !COUNTERPARTY_PART.test(account)) fail('bad_counterparty')
    else if (client_id === undefined) fail('no_owner')
    else {
      seen.add(trans_id)
      transactions.push({
        line: row.line,
        text: row.text,
        trans_id,
        account_id,
        client_id,
        day,
        amount_minor,
        balance_after_minor,
        movement,
        counterparty: counterpartyOf(bank, account),
        is_loan_payment: row.fields.k_symbol === LOAN_PAYMENT_SYMBOL,
      })
    }
  }
  return transactions
}

/**
 * Gives every transaction its place inside its account-day, day after day: a day opens with the balance that the account's
 * day before ended with, its first one with 0, since an account begins empty. The result is in file order.
 */
export function placeTransactions(transactions: readonly BerkaTransaction[]): {
  placed: PlacedTransaction[]
  counts: DayCounts
} {
  const byAccountDay = new Map<string, Map<number, number[]>>()
  transactions.forEach((transaction, i) => {
    const days = byAccountDay.get(transaction.account_id) ?? new Map<number, number[]>()
    byAccountDay.set(transaction.account_id, days)
    const rows = days.get(transaction.day)
    if (rows === undefined) days.set(transaction.day, [i])
    else rows.push(i)
  })
  const counts: DayCounts = { account_days: 0, exactly: 0, within_rounding: 0, not: 0, not_searched: 0 }
  const placed = new Array<PlacedTransaction>(transactions.length)
  for (const days of byAccountDay.values()) {
    let balance = 0
    for (const [, indices] of [...days].sort(([a], [b]) => a - b)) {
      const rows = indices.map((i) => transactions[i]!)
      const order = orderDay(balance, rows.map(signed))
      countDay(counts, order)
      order.order.forEach((index, place) => {
        placed[indices[index]!] = { transaction: rows[index]!, place, rows_of_day: rows.length }
      })
      balance = rows[order.order.at(-1)!]!.balance_after_minor
    }
  }
  return { placed, counts }
}

function signed(transaction: BerkaTransaction) {
  const { movement, amount_minor, balance_after_minor } = transaction
  return { signed_minor: movement.direction === 'in' ? amount_minor : -amount_minor, balance_after_minor }
}

function countDay(counts: DayCounts, order: DayOrder): void {
  counts.account_days++
  counts[order.closes]++
  if (!order.searched) counts.not_searched++
}
