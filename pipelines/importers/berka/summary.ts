import type { Refused } from './asc.ts'
import { ROUNDING_MINOR_MAX, SEARCH_ROWS_MAX } from './balance-order.ts'

/** So many refused rows get a line of their own; the summary object holds all of them. */
export const REFUSED_LINES_MAX = 20

/** What an import did. Amounts are in haléř (minor units of CZK); dates are business dates. */
export type BerkaSummary = {
  readonly transaction_file: string
  readonly first_date: string
  readonly last_date: string
  /** Lines written, the tenant's configuration included. */
  readonly events: number
  readonly borrowers: number
  readonly transactions: number
  readonly inflow_minor: number
  readonly outflow_minor: number
  readonly loans: number
  readonly loans_principal_minor: number
  /** Loans granted after the last day of the transaction file: no event. */
  readonly loans_later: number
  readonly repayments: number
  readonly repayments_minor: number
  /** Pairs of account and day with transactions; the next three add up to it. */
  readonly account_days: number
  readonly account_days_closed: number
  readonly account_days_within_rounding: number
  readonly account_days_not_closed: number
  /** Of these left in file order, because they have more rows than the search takes. */
  readonly account_days_not_searched: number
  readonly refused: readonly Refused[]
}

/** The summary as lines for a person, the refused rows last. */
export function berkaSummaryLines(summary: BerkaSummary): string[] {
  const refused = summary.refused
  const lines = [
    `${count(summary.transactions)} transactions of ${count(summary.borrowers)} borrowers from ${summary.transaction_file}, ` +
      `${summary.first_date} to ${summary.last_date}: ${crowns(summary.inflow_minor)} in, ${crowns(summary.outflow_minor)} out`,
    `${count(summary.loans)} loans of ${crowns(summary.loans_principal_minor)} ` +
      `(${count(summary.loans_later)} granted after ${summary.last_date} left out)`,
    `${count(summary.repayments)} repayments of ${crowns(summary.repayments_minor)}`,
    `${count(summary.account_days)} account-days: ${count(summary.account_days_closed)} close to the haléř, ` +
      `${count(summary.account_days_within_rounding)} within ${ROUNDING_MINOR_MAX} haléř a row, ` +
      `${count(summary.account_days_not_closed)} do not`,
    ...(summary.account_days_not_searched > 0
      ? [
          `${count(summary.account_days_not_searched)} account-days of more than ${SEARCH_ROWS_MAX} rows left in file order`,
        ]
      : []),
    `${count(summary.events)} events written, refused: ${count(refused.length)}`,
    ...refused
      .slice(0, REFUSED_LINES_MAX)
      .map((one) => `refused: ${one.file} line ${one.line}: ${one.reason}: ${JSON.stringify(one.text)}`),
  ]
  if (refused.length > REFUSED_LINES_MAX) lines.push(`refused: ${count(refused.length - REFUSED_LINES_MAX)} more`)
  return lines
}

function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

function crowns(minor: number): string {
  const digits = String(minor).padStart(3, '0')
  return `${count(Number(digits.slice(0, -2)))}.${digits.slice(-2)} CZK`
}
