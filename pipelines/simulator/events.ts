import type { Borrower } from './borrower.ts'
import type { LineSheet } from './lines.ts'
import { CURRENCY } from './portfolio.ts'

/** Last millisecond of a day. */
const DAY_LAST_MS = 86_399_999

export const SOURCE_ACCOUNTS = 'sim/core-banking'
export const SOURCE_LOANS = 'sim/loans'
export const SOURCE_COLLECTION = 'sim/collection'
export const SOURCE_BUREAU = 'sim/bureau'
export const SOURCE_SIGNALS = 'sim/signals'

/** Zero-padded to six digits; larger numbers only get longer. */
export function sixDigits(value: number): string {
  return value < 1_000_000 ? String(1_000_000 + value).slice(1) : String(value)
}

/**
 * Writes the events of one borrower's day as lines of JSON, by hand: it is the hottest place of the simulator.
 * Times are given within the day and are moved so that a borrower's events strictly follow each other.
 */
export class EventWriter {
  private readonly sheet: LineSheet
  private readonly tenant: string
  private dayStartMs = 0
  private lastTime = -1
  private number = ''

  /** An empty tenant is left out of the events. */
  constructor(sheet: LineSheet, tenant: string) {
    this.sheet = sheet
    this.tenant = tenant === '' ? '' : `"tenant":${JSON.stringify(tenant)},`
  }

  startDay(startMs: number): void {
    this.dayStartMs = startMs
  }

  startBorrower(borrower: Borrower): void {
    this.lastTime = -1
    this.number = sixDigits(borrower.index)
  }

  /** UTC milliseconds of a time within the day. */
  instant(timeOfDay: number): number {
    return this.dayStartMs + timeOfDay
  }

  /** Token of the borrower's current account. */
  get account(): string {
    return `a-${this.number}-1`
  }

  /** Token of the borrower's credit card account. */
  get cardAccount(): string {
    return `a-${this.number}-3`
  }

  /** Token of an account that the borrower has elsewhere. */
  get accountElsewhere(): string {
    return `a-${this.number}-2`
  }

  /** Token of one of the borrower's loans. */
  loan(number: number): string {
    return `l-${this.number}-${number}`
  }

  /** Adds an event with the inside of its `data`; returns its place in time within the day. */
  event(borrower: Borrower, timeOfDay: number, source: string, type: string, data: string): number {
    const time = timeOfDay > this.lastTime ? timeOfDay : this.lastTime + 1
    if (time > DAY_LAST_MS) throw new RangeError(`an event of ${this.number} falls out of its day`)
    this.lastTime = time
    borrower.events += 1
    this.sheet.add(
      time,
      `{"id":"b${this.number}-${sixDigits(borrower.events)}","source":"${source}","type":"${type}",` +
        `"time":${this.dayStartMs + time},${this.tenant}"subject":"b-${this.number}","data":{${data}}}\n`,
    )
    return time
  }

  /** Money into the borrower's account. `detail` holds the further fields, each with a leading comma. */
  credit(borrower: Borrower, timeOfDay: number, amount: number, detail: string): number {
    borrower.balance += amount
    return this.posting(borrower, timeOfDay, 'in', amount, detail)
  }

  /** Money out of the borrower's account, whether or not there is enough: callers look first. */
  debit(borrower: Borrower, timeOfDay: number, amount: number, detail: string): number {
    borrower.balance -= amount
    return this.posting(borrower, timeOfDay, 'out', amount, detail)
  }

  /** A debit that the account did not honour: it moves no money. */
  failedDebit(borrower: Borrower, timeOfDay: number, amount: number, detail: string): number {
    return this.posting(borrower, timeOfDay, 'out', amount, `${detail},"category":"failed_debit"`)
  }

  /** A purchase on the credit card. Its account has no balance of the borrower's own money, so none is given. */
  charge(borrower: Borrower, timeOfDay: number, amount: number, detail: string): number {
    borrower.card_owed += amount
    return this.event(
      borrower,
      timeOfDay,
      SOURCE_ACCOUNTS,
      'transaction.posted',
      `"account":"${this.cardAccount}","account_kind":"credit","direction":"out","currency":"${CURRENCY}",` +
        `"amount_minor":${amount}${detail}`,
    )
  }

  private posting(borrower: Borrower, timeOfDay: number, direction: string, amount: number, detail: string): number {
    return this.event(
      borrower,
      timeOfDay,
      SOURCE_ACCOUNTS,
      'transaction.posted',
      `"account":"${this.account}","direction":"${direction}","currency":"${CURRENCY}","amount_minor":${amount},` +
        `"balance_after_minor":${borrower.balance}${detail}`,
    )
  }

  /** An event that concerns nobody in particular, with its own id. */
  general(timeOfDay: number, id: string, source: string, type: string, data: string): void {
    this.sheet.add(
      timeOfDay,
      `{"id":"${id}","source":"${source}","type":"${type}","time":${this.dayStartMs + timeOfDay},${this.tenant}` +
        `"data":{${data}}}\n`,
    )
  }
}

const HOUR_MS = 3_600_000

/** A time in waking hours, most of it in the afternoon and evening. It ends before 23:00: what follows must fit in. */
export function timeAwake(borrower: Borrower): number {
  const random = borrower.random
  return Math.floor((7.5 + 7.6 * (random.uniform() + random.uniform())) * HOUR_MS)
}

/** A time in office hours. */
export function timeAtWork(borrower: Borrower): number {
  return Math.floor(borrower.random.between(9, 17.5) * HOUR_MS)
}

/** A time between midnight and five. */
export function timeAtNight(borrower: Borrower): number {
  return Math.floor(borrower.random.between(0.1, 4.9) * HOUR_MS)
}

/** A time when machines run their batches, in the early morning. */
export function timeOfBatch(borrower: Borrower): number {
  return Math.floor(borrower.random.between(5, 7) * HOUR_MS)
}
