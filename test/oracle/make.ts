import type { TenantConfiguration } from '../../features/events/contract.ts'
import { AMOUNT_MINOR_MAX } from '../../features/events/fields.ts'
import { dateOfDay, type NaiveCalendar, naiveCalendar } from './calendar.ts'
import type { Draw } from './draw.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** Random events of one borrower, as a source would send them, with every value that a definition names. */

export const TENANT = 'default'
export const OWN_INSTITUTION = 'own-lender'

export type RawEvent = {
  readonly time: number
  readonly data: Record<string, unknown>
  readonly [key: string]: unknown
}

/** What the generator remembers of a loan, only to make sensible payments: not a ledger. */
export type LoanMemory = { readonly loan: string; schedule: RawInstalment[]; next: number; readonly payments: string[] }
export type RawInstalment = { due_date: string; principal_minor: number; interest_minor: number; fee_minor: number }

export type Book = {
  readonly configuration: TenantConfiguration
  readonly calendar: NaiveCalendar
  readonly report_dates: 'none' | 'some' | 'all'
  readonly loans: Map<string, LoanMemory>
  readonly disbursed: Set<string>
  /** Due days of all schedules so far. */
  readonly due: number[]
  events: number
}

export const LOANS = ['loan-1', 'loan-2', 'loan-3', 'loan-4']
export const AMOUNTS = [
  1, 50, 9_999, 10_000, 10_001, 20_000, 120_000, 123_456, 500_000, 1_000_000, 7_654_321, 949_999, 950_000, 999_999,
  4_749_999, 4_750_000, 4_999_999, 5_000_000,
]
const COUNTERPARTY_KINDS = [
  'employer merchant lender lender bank own_account securities property government person utility insurance',
  'other',
].flatMap((line) => line.split(' '))
const CATEGORIES = [
  'salary salary pension benefit transfer rent utilities groceries shopping travel health education',
  'insurance fee interest penalty_interest penalty_interest cash_withdrawal cash_withdrawal',
  'cash_deposit loan_proceeds loan_payment securities property gambling gambling failed_debit',
  'failed_debit failed_debit refund household other',
].flatMap((line) => line.split(' '))
export const CHANNELS = ['pos', 'atm', 'online', 'app', 'branch', 'transfer', 'direct_debit', 'standing_order', 'card']
const ENTRY_MODES = ['chip', 'contactless', 'magstripe', 'manual', 'online']
const MCC = [
  '4829 6050 6051 6540 7800 7801 7802 7995 6010 6011 5411 5812 4111 0742 5013 5065 5072 5094 5511 5541',
  '5542 5571 5933 5944 5971 6513 7631 8211 8220 8062 9399',
].flatMap((line) => line.split(' '))
const MERCHANTS = ['shop-1', 'shop-2', 'shop-3', 'shop-4', 'same-token']
const COUNTERPARTIES = ['party-1', 'party-2', 'party-3', 'same-token', OWN_INSTITUTION]
const INSTITUTIONS = ['bank-a', 'bank-b', 'micro-c', 'online-d', 'consumer-e', OWN_INSTITUTION]
const INSTITUTION_TYPES = ['bank', 'consumer_finance', 'microloan', 'online', 'debt_consolidation', 'other']
const REASONS = [
  'loan_approval loan_approval card_approval guarantee_review 贷款审批 信用卡审批 担保资格审查 post_loan_management',
  'self objection provident_fund merchant_check',
].flatMap((line) => line.split(' '))
const ACCOUNTS = ['account-1', 'account-1', 'account-2', 'account-3']
const ACCOUNT_KINDS = ['credit', 'credit', 'deposit', 'wallet']
const CONTACT_CHANNELS = ['call', 'message', 'visit']

export function newBook(configuration: TenantConfiguration, report_dates: Book['report_dates']): Book {
  const calendar = naiveCalendar(configuration.zone)
  return { configuration, calendar, report_dates, loans: new Map(), disbursed: new Set(), due: [], events: 0 }
}

export function dueDays(book: Book): readonly number[] {
  return book.due
}

/** A transaction of any kind; `fields` are what it must have. */
export function transaction(book: Book, time: number, draw: Draw, fields: Record<string, unknown> = {}): RawEvent {
  const huge = draw.chance(0.02)
  return envelope(book, 'transaction.posted', time, draw, {
    account: draw.of(ACCOUNTS),
    ...maybe(draw, 0.4, () => ({ account_kind: draw.of(ACCOUNT_KINDS) })),
    direction: draw.of(['in', 'out', 'out']),
    currency: book.configuration.currency,
    amount_minor: huge ? AMOUNT_MINOR_MAX - draw.below(2) : draw.of([...AMOUNTS, 1 + draw.below(10_000_000)]),
    ...maybe(draw, 0.6, () => ({
      balance_after_minor: draw.of([0, -1, 1, -250_000, 80_000, 5_000_000, draw.below(9_000_000) - 2_000_000]),
    })),
    ...maybe(draw, 0.02, () => ({ balance_after_minor: draw.of([AMOUNT_MINOR_MAX, -AMOUNT_MINOR_MAX]) })),
    ...maybe(draw, 0.5, () => ({ counterparty: draw.of(COUNTERPARTIES) })),
    ...maybe(draw, 0.5, () => ({ counterparty_kind: draw.of(COUNTERPARTY_KINDS) })),
    ...maybe(draw, 0.5, () => ({ merchant: draw.of(MERCHANTS) })),
    ...maybe(draw, 0.6, () => ({ mcc: draw.of(MCC) })),
    ...maybe(draw, 0.6, () => ({ channel: draw.of(CHANNELS) })),
    ...maybe(draw, 0.6, () => ({ entry_mode: draw.of(ENTRY_MODES) })),
    ...maybe(draw, 0.7, () => ({ category: draw.of(CATEGORIES) })),
    ...maybe(draw, 0.03, () => ({ category: 'failed_debit', counterparty_kind: 'lender' })),
    ...fields,
  })
}

export function bureauQuery(book: Book, time: number, draw: Draw): RawEvent {
  const queried = clamp(
    time - draw.of([0, 0, 1, MS_PER_HOUR, 7 * MS_PER_HOUR, 3 * MS_PER_DAY, 40 * MS_PER_DAY, -MS_PER_HOUR]),
  )
  const reported = book.calendar.dayOf(time) - draw.of([0, 1, 1, 2, 2, 9, 30, -1])
  const dated = { none: 0, some: 0.5, all: 1 }[book.report_dates]
  return envelope(book, 'bureau.queried', time, draw, {
    institution: draw.of(INSTITUTIONS),
    ...maybe(draw, 0.8, () => ({ institution_type: draw.of(INSTITUTION_TYPES) })),
    reason: draw.of(REASONS),
    queried_at: queried,
    ...maybe(draw, dated, () => ({ report_date: date(reported) })),
  })
}

/** With the borrower about a loan, about none in particular, or about one that nobody knows. */
export function contact(book: Book, time: number, draw: Draw): RawEvent {
  const due = book.due.length === 0 ? book.calendar.dayOf(time) : draw.of(book.due)
  const edge = book.calendar.startOfDay(due + draw.of([0, 1, 2, 5])) - draw.of([0, 0, 1])
  const days = draw.of([0, 0, 1, 3, 40, 730, -1])
  return envelope(book, 'contact.recorded', time, draw, {
    ...maybe(draw, 0.6, () => ({ loan: draw.chance(0.85) ? anyLoan(book, draw) : 'loan-nobody-knows' })),
    channel: draw.of(CONTACT_CHANNELS),
    contacted_at: clamp(draw.chance(0.5) ? edge : time - days * MS_PER_DAY + draw.of([-1, 0, 1])),
  })
}

/** An event as it is, but in a currency that the tenant does not have. */
export function inOtherCurrency(event: RawEvent): RawEvent {
  return { ...event, data: { ...event.data, currency: 'XTS' } }
}

/** Mostly a loan that was disbursed, sometimes one that is not known (yet). */
export function anyLoan(book: Book, draw: Draw): string {
  return book.disbursed.size > 0 && draw.chance(0.93) ? draw.of([...book.disbursed]) : draw.of(LOANS)
}

export function memory(book: Book, loan: string): LoanMemory {
  const known = book.loans.get(loan)
  if (known !== undefined) return known
  const fresh = { loan, schedule: [], next: 0, payments: [] }
  book.loans.set(loan, fresh)
  return fresh
}

export function envelope(book: Book, type: string, time: number, draw: Draw, data: Record<string, unknown>): RawEvent {
  book.events++
  return {
    id: `event-${book.events}`,
    source: draw.of(['core', 'app']),
    type,
    time: clamp(time),
    subject: 'borrower-1',
    data,
  }
}

export function maybe<Fields>(draw: Draw, probability: number, fields: () => Fields): Fields | Record<string, never> {
  return draw.chance(probability) ? fields() : {}
}

export function clamp(ms: number): number {
  return Math.max(0, ms)
}

export function date(day: number): string {
  return dateOfDay(Math.max(0, day))
}
