import { CATEGORIES } from '../../features/classification/tables.ts'
import type { ClassificationConfiguration } from '../../features/events/classification.ts'
import { DEFAULT_TENANT_CONFIGURATION, type Event } from '../../features/events/contract.ts'
import { dateOfDay, dayOfDate } from './calendar.ts'
import { type Draw, drawing } from './draw.ts'
import type { HistoryItem, OracleCase } from './history.ts'

/**
 * A random borrower whose loans run for years: paid in time for a while, then late, not at all or in one go; restructured,
 * judged, reported on. Ticks close the days around which a category may change.
 */

const FIRST_DAY = dayOfDate('2023-01-01')
const MS_PER_DAY = 86_400_000
/** Noon in Shanghai. */
const NOON_MS = 4 * 3_600_000
const PRODUCTS = ['cash', 'card', 'sme'] as const
const SPANS = [120, 420, 900, 1600]
/** Days from one due date to the next. */
const PERIODS = [30, 30, 90, 200]
const PRINCIPALS = [100, 900, 901, 1000, 10_000]
const MODES = ['in_time', 'in_time', 'few_days_late', 'not_at_all', 'catch_up'] as const
type Mode = (typeof MODES)[number]

type MadeLoan = {
  readonly token: string
  readonly firstDay: number
  /** What is not paid yet, by due date. */
  owed: { due: number; amount: number }[]
  mode: Mode
  restructured: number
}

/** `isPlain` leaves out what is not told again of days that were closed before: reports, and what others' debts make of a loan. */
export function makeCategoryCase(seed: number, isPlain = false): OracleCase {
  const draw = drawing(seed)
  const classification = isPlain ? { card_products: ['card'] } : configurationOf(draw)
  const configuration = {
    ...DEFAULT_TENANT_CONFIGURATION,
    grace_days: draw.of([0, 0, 0, 3]),
    grace_counts: draw.of(['from_due_date', 'after_grace'] as const),
    ...(classification === undefined ? {} : { classification }),
  }
  const history: HistoryItem[] = []
  const maker = new Maker(draw, history, isPlain)
  const span = draw.of(SPANS)
  for (let day = 0; day < span; day++) maker.day(day)
  return { history, configuration }
}

function configurationOf(draw: Draw): ClassificationConfiguration | undefined {
  if (draw.chance(0.1)) return undefined
  return {
    ...(draw.chance(0.7) ? { retail: draw.chance(0.5) } : {}),
    ...(draw.chance(0.4) ? { other_products: ['sme'] } : {}),
    ...(draw.chance(0.6) ? { card_products: ['card'] } : {}),
    ...(draw.chance(0.3) ? { retail_contagion: true } : {}),
    ...(draw.chance(0.5) ? { technical_overdue: draw.of(['reported', 'assumed'] as const) } : {}),
    ...(draw.chance(0.3) ? { technical_days: draw.below(8) } : {}),
  }
}

class Maker {
  readonly #draw: Draw
  readonly #history: HistoryItem[]
  readonly #loans: MadeLoan[]
  /** Days that are to be closed, and how many days later that is: what comes in between is known, but dated after them. */
  readonly #toClose: number[] = []
  readonly #lag: number
  readonly #isPlain: boolean
  readonly #payments: { readonly id: string; readonly loan: string }[] = []

  constructor(draw: Draw, history: HistoryItem[], isPlain: boolean) {
    this.#isPlain = isPlain
    this.#draw = draw
    this.#history = history
    this.#lag = draw.of([0, 0, 5])
    this.#loans = Array.from({ length: 1 + draw.below(3) }, (_, i) => ({
      token: `l${i}`,
      firstDay: draw.below(i === 0 ? 3 : 60),
      owed: [],
      mode: draw.of(MODES),
      restructured: 0,
    }))
  }

  day(day: number): void {
    for (const loan of this.#loans) this.#dayOf(loan, day)
    if (!this.#isPlain && this.#draw.chance(0.004)) this.#share(day)
    if (this.#isClosed(day)) this.#toClose.push(day)
    if (this.#toClose[0] === day - this.#lag) this.#close(day - this.#lag)
  }

  #close(day: number): void {
    this.#toClose.shift()
    this.#history.push({ kind: 'tick', day: FIRST_DAY + day, offset: this.#history.length })
  }

  #isClosed(day: number): boolean {
    const ages = this.#loans.map((loan) => day - (loan.owed[0]?.due ?? day))
    return ages.some((age) => [1, 7, 8, 90, 91, 121, 181, 271, 361].includes(age)) || this.#draw.chance(0.04)
  }

  #dayOf(loan: MadeLoan, day: number): void {
    const draw = this.#draw
    if (day < loan.firstDay) return
    if (day === loan.firstDay) this.#disburse(loan, day)
    if (draw.chance(0.007)) loan.mode = draw.of(MODES)
    this.#pay(loan, day)
    if (draw.chance(0.0025) && loan.restructured < 3 && loan.owed.length > 0) this.#restructure(loan, day)
    if (draw.chance(0.002)) this.#judge(loan, day)
    const overdue = (loan.owed[0]?.due ?? day) < day
    if (overdue && !this.#isPlain && draw.chance(0.05)) this.#technical(loan, day)
    if (draw.chance(0.0004)) this.#end(loan, day)
    if (draw.chance(0.002) && this.#payments.length > 0) {
      const payment = draw.of(this.#payments)
      this.#event('repayment.reversed', day, { loan: payment.loan, repayment: payment.id })
    }
  }

  #disburse(loan: MadeLoan, day: number): void {
    const draw = this.#draw
    loan.owed = this.#schedule(day + 20 + draw.below(20), 3 + draw.below(24), draw.of(PRINCIPALS))
    this.#event('loan.disbursed', day, {
      loan: loan.token,
      currency: 'CNY',
      product: draw.of(PRODUCTS),
      principal_minor: loan.owed.reduce((sum, one) => sum + one.amount, 0),
      disbursed_at: this.#time(day),
      schedule: scheduleData(loan.owed),
    })
  }

  #schedule(firstDue: number, terms: number, amount: number): { due: number; amount: number }[] {
    const period = this.#draw.of(PERIODS)
    return Array.from({ length: terms }, (_, i) => ({ due: firstDue + period * i, amount }))
  }

  #pay(loan: MadeLoan, day: number): void {
    const draw = this.#draw
    const due = loan.owed.filter((one) => one.due <= day)
    const oldest = due[0]
    if (oldest === undefined) return
    const isDue = {
      in_time: true,
      few_days_late: day - oldest.due >= 1 + draw.below(12),
      not_at_all: false,
      catch_up: draw.chance(0.1),
    }[loan.mode]
    if (!isDue) return
    const paid = loan.mode === 'catch_up' ? due : [oldest]
    const id = `e${this.#history.length}`
    this.#payments.push({ id, loan: loan.token })
    loan.owed = loan.owed.filter((one) => !paid.includes(one))
    // A few are booked later than their value date.
    const paid_at = draw.chance(0.05) ? this.#time(Math.max(0, day - draw.below(20))) : this.#time(day)
    const amount_minor = paid.reduce((sum, one) => sum + one.amount, 0)
    this.#event('repayment.received', day, { loan: loan.token, currency: 'CNY', amount_minor, paid_at })
  }

  #restructure(loan: MadeLoan, day: number): void {
    const draw = this.#draw
    const effective = day + draw.of([0, 0, 0, 5])
    loan.restructured++
    loan.owed = this.#schedule(effective + 1 + draw.below(40), 2 + draw.below(20), draw.of(PRINCIPALS))
    loan.mode = draw.of(['in_time', 'in_time', 'few_days_late', 'not_at_all'] as const)
    this.#event('loan.restructured', day, {
      loan: loan.token,
      effective_date: dateOfDay(FIRST_DAY + effective),
      kind: draw.of(['extension', 'rescheduling']),
      reason: draw.of(['hardship', 'no_difficulty']),
      schedule: scheduleData(loan.owed),
    })
  }

  #judge(loan: MadeLoan, day: number): void {
    const draw = this.#draw
    const date = Math.max(0, day + draw.of([0, 0, -15, 10]))
    const reason = draw.of(['impaired', 'diverted'])
    const category = draw.of([...CATEGORIES, 'pass', 'special_mention'] as const)
    this.#event('loan.classified', day, { loan: loan.token, category, reason, classified_at: this.#time(date) })
  }

  #technical(loan: MadeLoan, day: number): void {
    const reported_at = this.#time(Math.max(0, day - this.#draw.below(4)))
    this.#event('signal.reported', day, { kind: 'technical_overdue', reference: loan.token, reported_at })
  }

  #share(day: number): void {
    const draw = this.#draw
    const reported_at = this.#time(Math.max(0, day + draw.of([0, 0, -10, 7])))
    const value = draw.of([0, 0.1, 0.2, 0.21, 0.5])
    this.#event('signal.reported', day, { kind: 'debts_overdue_share', value, reported_at })
  }

  #end(loan: MadeLoan, day: number): void {
    const isClosed = this.#draw.chance(0.5)
    const at = isClosed ? 'closed_at' : 'written_off_at'
    this.#event(isClosed ? 'loan.closed' : 'loan.written_off', day, { loan: loan.token, [at]: this.#time(day) })
  }

  #time(day: number): number {
    return (FIRST_DAY + day) * MS_PER_DAY + NOON_MS
  }

  #event(type: string, day: number, data: object): void {
    const offset = this.#history.length
    const envelope = { id: `e${offset}`, source: 'made', version: 1, tenant: 'default', subject: 'b' }
    const event = { ...envelope, type, time: this.#time(day) + offset, data } as unknown as Event
    this.#history.push({ kind: 'event', event, offset })
  }
}

function scheduleData(owed: readonly { due: number; amount: number }[]) {
  return owed.map(({ due, amount }) => ({
    due_date: dateOfDay(FIRST_DAY + due),
    principal_minor: amount,
    interest_minor: 0,
    fee_minor: 0,
  }))
}
