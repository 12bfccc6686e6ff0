import type { z } from 'zod'
import type { incomingEvent } from '../../../features/events/contract.ts'
import { calendarOf, dateOfDay, MS_PER_HOUR } from '../../../features/time.ts'
import type { BerkaLoan } from './loans.ts'
import type { RegionIndex } from './region-index.ts'
import type { BerkaTransaction, PlacedTransaction } from './transactions.ts'

/** The events that the rows become, and the times that they get. */

const SOURCE = 'berka'
const ZONE = 'Europe/Prague'
const CURRENCY = 'CZK'

/** Local hours of the times that are made up, since the data has dates only. Not at night: that would be a feature. */
const LOAN_HOUR = 8
const FIRST_TRANSACTION_HOUR = 12
/** Between the rows of one account-day; less where so many rows would not fit before midnight. */
const STEP_MS = 60_000

/** An event as the contract takes it in. */
export type IncomingEvent = z.input<typeof incomingEvent>

/** Made-up times, in UTC milliseconds: the place inside a day is known, the time is not. */
export type BerkaClock = {
  startOfDay(day: number): number
  loanTime(loan: BerkaLoan): number
  transactionTime(placed: PlacedTransaction): number
}

/** The clock of the README's rule: loans at 08:00, the rows of an account-day from 12:00 on, a minute apart. */
export function createClock(): BerkaClock {
  const calendar = calendarOf(ZONE)
  // Counted back from the next midnight: clocks change at night, so the local hours after it are exact on every day.
  const atHour = (day: number, hour: number) => calendar.startOfDay(day + 1) - (24 - hour) * MS_PER_HOUR
  return {
    startOfDay: (day) => calendar.startOfDay(day),
    loanTime: (loan) => atHour(loan.granted_day, LOAN_HOUR),
    transactionTime: ({ transaction, place, rows_of_day }) => {
      const step = Math.min(STEP_MS, Math.floor(((24 - FIRST_TRANSACTION_HOUR) * MS_PER_HOUR) / rows_of_day))
      return atHour(transaction.day, FIRST_TRANSACTION_HOUR) + place * step
    },
  }
}

/** The first event: zone and currency of the tenant that the data is imported for. */
export function tenantConfigured(time_ms: number): IncomingEvent {
  const data = { zone: ZONE, currency: CURRENCY }
  return { id: 'tenant', source: SOURCE, type: 'tenant.configured', time: iso(time_ms), data }
}

/** A loan with its schedule. The data names no product and no rate, so the event has none. */
export function loanDisbursed(
  loan: BerkaLoan,
  client_id: string,
  region: string | undefined,
  time_ms: number,
): IncomingEvent {
  const time = iso(time_ms)
  return {
    id: `loan-${loan.loan_id}`,
    source: SOURCE,
    type: 'loan.disbursed',
    time,
    subject: `client-${client_id}`,
    data: {
      loan: `loan-${loan.loan_id}`,
      ...(region !== undefined && { region }),
      currency: CURRENCY,
      principal_minor: loan.principal_minor,
      disbursed_at: time,
      schedule: [...loan.schedule],
    },
  }
}

/** One transaction row. */
export function transactionPosted(transaction: BerkaTransaction, time_ms: number): IncomingEvent {
  const { movement, counterparty } = transaction
  return {
    id: `trans-${transaction.trans_id}`,
    source: SOURCE,
    type: 'transaction.posted',
    time: iso(time_ms),
    subject: `client-${transaction.client_id}`,
    data: {
      account: `account-${transaction.account_id}`,
      direction: movement.direction,
      currency: CURRENCY,
      amount_minor: transaction.amount_minor,
      balance_after_minor: transaction.balance_after_minor,
      ...(counterparty !== undefined && { counterparty }),
      ...(movement.counterparty_kind !== undefined && { counterparty_kind: movement.counterparty_kind }),
      ...(movement.channel !== undefined && { channel: movement.channel }),
      category: movement.category,
    },
  }
}

/** What a loan-payment row means to the loan, besides its transaction. */
export function repaymentReceived(transaction: BerkaTransaction, loan: BerkaLoan, time_ms: number): IncomingEvent {
  const time = iso(time_ms)
  return {
    id: `repayment-${transaction.trans_id}`,
    source: SOURCE,
    type: 'repayment.received',
    time,
    subject: `client-${transaction.client_id}`,
    data: {
      loan: `loan-${loan.loan_id}`,
      currency: CURRENCY,
      amount_minor: transaction.amount_minor,
      paid_at: time,
      account: `account-${transaction.account_id}`,
      payer: `client-${transaction.client_id}`,
      ...(transaction.movement.channel !== undefined && { channel: transaction.movement.channel }),
    },
  }
}

/** What is known of a region's times; it concerns nobody in particular. */
export function regionIndexReported({ region, reported_day, value }: RegionIndex, time_ms: number): IncomingEvent {
  const time = iso(time_ms)
  return {
    id: `region-index-${dateOfDay(reported_day)}-${region.replaceAll(/[^\x21-\x7e]/g, '_')}`,
    source: SOURCE,
    type: 'signal.reported',
    time,
    subject: undefined,
    data: { kind: 'region_index', reported_at: time, value, reference: region },
  }
}

function iso(time_ms: number): string {
  return new Date(time_ms).toISOString()
}
