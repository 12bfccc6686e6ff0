import { AMOUNT_MINOR_MAX } from '../../features/events/fields.ts'
import { dateOfDay } from './calendar.ts'
import type { Draw } from './draw.ts'
import {
  AMOUNTS,
  anyLoan,
  type Book,
  CHANNELS,
  clamp,
  date,
  envelope,
  LOANS,
  maybe,
  memory,
  type RawEvent,
  type RawInstalment,
} from './make.ts'
import { MS_PER_DAY, MS_PER_HOUR } from './view.ts'

/** Random events of a borrower's loans: disbursement, repayment and what becomes of both. */

type Way = 'exact' | 'half' | 'over' | 'tiny' | 'any' | 'split' | 'odd_split' | 'interest' | 'interest_split' | 'all'
const WAYS: readonly Way[] = [
  'exact',
  'exact',
  'exact',
  'exact',
  'half',
  'over',
  'tiny',
  'any',
  'split',
  'odd_split',
  'interest',
  'interest_split',
]

export const INDUSTRIES = ['retail', 'farming']
export const REGIONS = ['north', 'south', 'retail']

/** How long before its event a loan was disbursed. */
const AGES = [0, 0, 0, MS_PER_HOUR, 3 * MS_PER_DAY, 60 * MS_PER_DAY, 400 * MS_PER_DAY, -MS_PER_DAY]

/** Mostly of a loan not seen yet; of a known one it is a conflict. */
export function disbursement(book: Book, time: number, draw: Draw, age = draw.of(AGES)): RawEvent {
  const fresh = LOANS.filter((loan) => !book.disbursed.has(loan))
  const loan = fresh.length > 0 && draw.chance(0.9) ? draw.of(fresh) : draw.of([...LOANS, 'loan-unknown'])
  const disbursed_at = clamp(time - age)
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
    ...maybe(draw, 0.8, () => ({ industry: draw.of(INDUSTRIES) })),
    ...maybe(draw, 0.8, () => ({ region: draw.of(REGIONS) })),
    ...maybe(draw, 0.5, () => ({
      credit_limit_minor: draw.of([0, principal, Math.min(2 * principal, AMOUNT_MINOR_MAX), 3_000_000]),
    })),
  })
}

/** What the schedule asks for, a part of it, more than it, or something else; sometimes with its split. */
export function repayment(
  book: Book,
  time: number,
  draw: Draw,
  loan = anyLoan(book, draw),
  way = draw.of(WAYS),
): RawEvent {
  const known = memory(book, loan)
  const instalment = known.schedule[known.next] ?? { due_date: '', principal_minor: 1, interest_minor: 0, fee_minor: 0 }
  const scheduled = totalOf(instalment)
  if (!['tiny', 'half', 'interest', 'interest_split'].includes(way)) known.next++
  const charges = instalment.interest_minor + instalment.fee_minor
  const other = {
    half: Math.floor(scheduled / 2),
    over: scheduled * 2 + 7,
    tiny: 1,
    any: draw.of(AMOUNTS),
    interest: charges + draw.of([0, 0, 1]),
    all: known.schedule.slice(known.next).reduce((sum, one) => sum + totalOf(one), scheduled),
  }
  let amount = other[way as keyof typeof other] ?? scheduled
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
  if (way === 'interest_split') split.principal_minor = 0
  const splitSum = split.principal_minor + split.interest_minor + split.fee_minor + split.penalty_minor
  const withSplit = way.endsWith('split') && splitSum > 0 && splitSum <= AMOUNT_MINOR_MAX
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
    ...maybe(draw, 0.4, () => ({ payer: draw.of(['payer-1', 'payer-2', 'payer-3']) })),
    ...maybe(draw, 0.5, () => ({ channel: draw.of(CHANNELS) })),
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
    ...maybe(draw, 0.7, () => ({ kind: draw.of(['extension', 'extension', 'new_schedule']) })),
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

function ending(time: number, draw: Draw): number {
  return clamp(time - draw.of([0, 0, MS_PER_HOUR, MS_PER_DAY, 6 * MS_PER_DAY, 50 * MS_PER_DAY, -2 * MS_PER_DAY]))
}

function totalOf(one: RawInstalment): number {
  return one.principal_minor + one.interest_minor + one.fee_minor
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
