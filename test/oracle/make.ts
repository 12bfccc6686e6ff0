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
type LoanMemory = { readonly loan: string; schedule: RawInstalment[]; next: number; readonly payments: string[] }
type RawInstalment = { due_date: string; principal_minor: number; interest_minor: number; fee_minor: number }

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

const LOANS = ['loan-1', 'loan-2', 'loan-3', 'loan-4']
const AMOUNTS = [1, 50, 9_999, 10_000, 10_001, 20_000, 120_000, 123_456, 500_000, 1_000_000, 7_654_321]
const COUNTERPARTY_KINDS = [
  'employer merchant lender bank own_account securities property government person utility insurance',
  'other',
].flatMap((line) => line.split(' '))
const CATEGORIES = [
  'salary salary pension benefit transfer rent utilities groceries shopping travel health education',
  'insurance fee interest penalty_interest penalty_interest cash_withdrawal cash_withdrawal',
  'cash_deposit loan_proceeds loan_payment securities property gambling gambling failed_debit',
  'failed_debit failed_debit refund household other',
].flatMap((line) => line.split(' '))
const CHANNELS = ['pos', 'atm', 'online', 'app', 'branch', 'transfer', 'direct_debit', 'standing_order', 'card']
const ENTRY_MODES = ['chip', 'contactless', 'magstripe', 'manual', 'online']
const MCC = [
  '4829 6050 6051 6540 7800 7801 7802 7995 6010 6011 5411 5812 4111 0742 5013 5065 5072 5094 5511 5541',
  '5542 5571 5933 5944 5971 6513 7631 8211 8220 8062 9399',
].flatMap((line) => line.split(' '))
const MERCHANTS = ['shop-1', 'shop-2', 'shop-3', 'shop-4', 'same-token']
const COUNTERPARTIES = ['party-1', 'party-2', 'party-3', 'same-token']
const INSTITUTIONS = ['bank-a', 'bank-b', 'micro-c', 'online-d', 'consumer-e', OWN_INSTITUTION]
const INSTITUTION_TYPES = ['bank', 'consumer_finance', 'microloan', 'online', 'debt_consolidation', 'other']
const REASONS = [
  'loan_approval loan_approval card_approval guarantee_review 贷款审批 信用卡审批 担保资格审查 post_loan_management',
  'self objection provident_fund merchant_check',
].flatMap((line) => line.split(' '))
const SIGNAL_KINDS = [
  'litigation litigation enforcement enforcement guarantor_default guarantor_default',
  'collateral_valuation financial_statement industry_index region_index',
].flatMap((line) => line.split(' '))

export function newBook(configuration: TenantConfiguration, report_dates: Book['report_dates']): Book {
  const calendar = naiveCalendar(configuration.zone)
  return { configuration, calendar, report_dates, loans: new Map(), disbursed: new Set(), due: [], events: 0 }
}

export function dueDays(book: Book): readonly number[] {
  return book.due
}

export function transaction(book: Book, time: number, draw: Draw): RawEvent {
  const huge = draw.chance(0.02)
  return envelope(book, 'transaction.posted', time, draw, {
    account: draw.of(['account-1', 'account-2']),
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

export function signal(book: Book, time: number, draw: Draw): RawEvent {
  return envelope(book, 'signal.reported', time, draw, {
    kind: draw.of(SIGNAL_KINDS),
    reported_at: time,
    ...maybe(draw, 0.3, () => ({ amount_minor: draw.of(AMOUNTS) })),
  })
}

/** Mostly of a loan not seen yet; of a known one it is a conflict. */
export function disbursement(book: Book, time: number, draw: Draw): RawEvent {
  const fresh = LOANS.filter((loan) => !book.disbursed.has(loan))
  const loan = fresh.length > 0 && draw.chance(0.9) ? draw.of(fresh) : draw.of([...LOANS, 'loan-unknown'])
  const disbursed_at = clamp(
    time - draw.of([0, 0, 0, MS_PER_HOUR, 3 * MS_PER_DAY, 60 * MS_PER_DAY, 400 * MS_PER_DAY, -MS_PER_DAY]),
  )
  const day = book.calendar.dayOf(disbursed_at)
  const instalments = schedule(disbursed_at, day + draw.of([0, 1, 3, 7, 20, 30, -1]), 1 + draw.below(14), draw)
  instalments[0]!.principal_minor = Math.max(1, instalments[0]!.principal_minor)
  const principal = instalments.reduce((sum, one) => sum + one.principal_minor, 0)
  if (!book.disbursed.has(loan)) {
    book.disbursed.add(loan)
    memory(book, loan).schedule = instalments
    memory(book, loan).next = 0
    book.due.push(...instalments.map((one) => Date.parse(one.due_date) / MS_PER_DAY))
  }
  return envelope(book, 'loan.disbursed', time, draw, {
    loan,
    currency: book.configuration.currency,
    principal_minor: principal,
    disbursed_at,
    schedule: instalments,
    ...maybe(draw, 0.5, () => ({
      credit_limit_minor: draw.of([0, principal, Math.min(2 * principal, AMOUNT_MINOR_MAX), 3_000_000]),
    })),
  })
}

/** What the schedule asks for, a part of it, more than it, or something else; sometimes with its split. */
export function repayment(book: Book, time: number, draw: Draw, loan = anyLoan(book, draw)): RawEvent {
  const known = memory(book, loan)
  const instalment = known.schedule[known.next] ?? { due_date: '', principal_minor: 1, interest_minor: 0, fee_minor: 0 }
  const scheduled = instalment.principal_minor + instalment.interest_minor + instalment.fee_minor
  const way = draw.of(['exact', 'exact', 'exact', 'exact', 'half', 'over', 'tiny', 'any', 'split', 'odd_split'])
  if (way !== 'tiny' && way !== 'half') known.next++
  let amount =
    { half: Math.floor(scheduled / 2), over: scheduled * 2 + 7, tiny: 1, any: draw.of(AMOUNTS) }[way as 'half'] ??
    scheduled
  amount = Math.min(Math.max(1, amount), AMOUNT_MINOR_MAX)
  const split = {
    principal_minor: instalment.principal_minor,
    interest_minor: instalment.interest_minor,
    fee_minor: instalment.fee_minor,
    penalty_minor: 0,
  }
  if (way === 'odd_split') {
    split.penalty_minor = draw.of([0, 77])
    split.interest_minor = draw.of([0, 13, instalment.interest_minor * 2])
    split.principal_minor = Math.floor(split.principal_minor * draw.of([0, 0.5, 1, 1.7]))
  }
  const splitSum = split.principal_minor + split.interest_minor + split.fee_minor + split.penalty_minor
  const withSplit = (way === 'split' || way === 'odd_split') && splitSum > 0 && splitSum <= AMOUNT_MINOR_MAX
  const dueDay = instalment.due_date === '' ? 0 : Date.parse(instalment.due_date) / MS_PER_DAY
  const onDueDay = book.calendar.startOfDay(dueDay + draw.of([-1, 0, 0, 1])) + draw.of([0, 10 * MS_PER_HOUR])
  const paid_at =
    dueDay > 0 && draw.chance(0.3) && Math.abs(onDueDay - time) < 20 * MS_PER_DAY
      ? onDueDay
      : time - draw.of([0, 0, 0, 0, MS_PER_HOUR, MS_PER_DAY, 5 * MS_PER_DAY, 45 * MS_PER_DAY, -MS_PER_DAY])
  const event = envelope(book, 'repayment.received', time, draw, {
    loan,
    currency: book.configuration.currency,
    amount_minor: withSplit ? splitSum : amount,
    ...(withSplit ? { split } : {}),
    paid_at: clamp(paid_at),
    ...maybe(draw, 0.7, () => ({ account: draw.of(['account-1', 'account-2', 'account-3']) })),
  })
  known.payments.push(event['id'] as string)
  return event
}

/** Takes back a recent repayment, an old one, one already taken back, or one that never was. */
export function reversal(book: Book, time: number, draw: Draw): RawEvent {
  const withPayments = [...book.loans.values()].filter((one) => one.payments.length > 0)
  const known = withPayments.length > 0 && draw.chance(0.9) ? draw.of(withPayments) : memory(book, anyLoan(book, draw))
  const repaymentId = draw.chance(0.9) ? draw.of([...known.payments.slice(-3), ...known.payments]) : undefined
  return envelope(book, 'repayment.reversed', time, draw, {
    loan: known.loan,
    repayment: repaymentId ?? 'no-such-event',
  })
}

export function restructuring(book: Book, time: number, draw: Draw): RawEvent {
  const loan = anyLoan(book, draw)
  const effective = Math.max(0, book.calendar.dayOf(time) - draw.of([0, 0, 0, 1, 10, 40, -5]))
  const instalments = schedule(effective * MS_PER_DAY, effective + draw.of([-2, 0, 1, 14, 30]), 1 + draw.below(8), draw)
  memory(book, loan).schedule = instalments
  memory(book, loan).next = 0
  book.due.push(...instalments.map((one) => Date.parse(one.due_date) / MS_PER_DAY))
  return envelope(book, 'loan.restructured', time, draw, {
    loan,
    effective_date: date(effective),
    schedule: instalments,
  })
}

export function writeOff(book: Book, time: number, draw: Draw): RawEvent {
  return envelope(book, 'loan.written_off', time, draw, {
    loan: anyLoan(book, draw),
    written_off_at: ending(time, draw),
  })
}

export function closing(book: Book, time: number, draw: Draw): RawEvent {
  return envelope(book, 'loan.closed', time, draw, { loan: anyLoan(book, draw), closed_at: ending(time, draw) })
}

/** An event as it is, but in a currency that the tenant does not have. */
export function inOtherCurrency(event: RawEvent): RawEvent {
  return { ...event, data: { ...event.data, currency: 'XTS' } }
}

function ending(time: number, draw: Draw): number {
  return clamp(time - draw.of([0, 0, MS_PER_HOUR, MS_PER_DAY, 6 * MS_PER_DAY, 50 * MS_PER_DAY, -2 * MS_PER_DAY]))
}

/** Rising due dates; now and then an instalment of nothing. */
function schedule(notBefore: number, firstDue: number, count: number, draw: Draw): RawInstalment[] {
  const step = draw.of([1, 3, 7, 14, 30, 30])
  const size = draw.of([1, 2, 300, 40_000, 250_000, 250_000, 500_000_000_000])
  let due = Math.max(0, firstDue, Math.ceil(notBefore / MS_PER_DAY) - 2)
  return Array.from({ length: count }, () => {
    const nothing = draw.chance(0.04)
    const one = {
      due_date: dateOfDay(due),
      principal_minor: nothing ? 0 : size,
      interest_minor: nothing ? 0 : draw.of([0, 0, 1, Math.floor(size / 50)]),
      fee_minor: nothing ? 0 : draw.of([0, 0, 0, 5]),
    }
    due += Math.max(1, step + draw.of([0, 0, 0, -1, 1]))
    return one
  })
}

/** Mostly a loan that was disbursed, sometimes one that is not known (yet). */
function anyLoan(book: Book, draw: Draw): string {
  return book.disbursed.size > 0 && draw.chance(0.93) ? draw.of([...book.disbursed]) : draw.of(LOANS)
}

function memory(book: Book, loan: string): LoanMemory {
  const known = book.loans.get(loan)
  if (known !== undefined) return known
  const fresh = { loan, schedule: [], next: 0, payments: [] }
  book.loans.set(loan, fresh)
  return fresh
}

function envelope(book: Book, type: string, time: number, draw: Draw, data: Record<string, unknown>): RawEvent {
  book.events++
  return { id: `event-${book.events}`, source: draw.of(['core', 'app']), type, time, subject: 'borrower-1', data }
}

function maybe<Fields>(draw: Draw, probability: number, fields: () => Fields): Fields | Record<string, never> {
  return draw.chance(probability) ? fields() : {}
}

function clamp(ms: number): number {
  return Math.max(0, ms)
}

function date(day: number): string {
  return dateOfDay(Math.max(0, day))
}
