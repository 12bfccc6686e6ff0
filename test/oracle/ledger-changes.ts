import type { EventOf, Instalment as Scheduled } from '../../features/events/contract.ts'
import { scheduleAsDisbursed } from '../../features/ledger/begin.ts'
import { dateOfDay, dayOfDate, type NaiveCalendar } from './calendar.ts'
import type { LedgerEvent } from './history.ts'
import {
  BALANCES,
  type Balance,
  type Flow,
  type Flows,
  type Instalment,
  nothingTaken,
  type Penalty,
  payByInstalment,
  payByPart,
  payBySplit,
  type Taken,
  total,
  unpaid,
  waive,
} from './ledger-money.ts'

export type FirstEvent = EventOf<'loan.disbursed' | 'loan.opened'>

export function isFirst(event: LedgerEvent): event is FirstEvent {
  return event.type === 'loan.disbursed' || event.type === 'loan.opened'
}

/** The business date from which an event counts; of a reversal, which counts as of its payment, that of the event. */
export function dateOfEffect({ type, data, time }: LedgerEvent, calendar: NaiveCalendar): number {
  switch (type) {
    case 'repayment.received':
      return calendar.dayOf(data.paid_at)
    case 'loan.charged':
      return calendar.dayOf(data.charged_at)
    case 'loan.waived':
      return calendar.dayOf(data.waived_at)
    case 'loan.drawn':
      return calendar.dayOf(data.drawn_at)
    case 'loan.billed':
      return calendar.dayOf(data.billed_at)
    case 'loan.paused':
      return dayOfDate(data.from_date)
    case 'loan.restructured':
      return dayOfDate(data.effective_date)
    case 'loan.closed':
      return calendar.dayOf(data.closed_at)
    case 'loan.written_off':
      return calendar.dayOf(data.written_off_at)
    default:
      return calendar.dayOf(time)
  }
}

/** One loan while its entries are gone through. */
export class Folding {
  readonly start: number
  instalments: Instalment[] = []
  readonly penalties: Penalty[] = []
  restructurings = 0
  extensions = 0
  paid_minor = 0
  overpaid_minor = 0
  recovered_minor = 0
  carried: { due: number; key: string } | null = null
  readonly #isByPart: boolean
  readonly #flows: Flows
  /** What restructurings closed, with their effective dates. */
  readonly #closed: { readonly one: Instalment; readonly effective: number }[] = []
  #lastDue: number

  constructor(first: FirstEvent, calendar: NaiveCalendar, isByPart: boolean) {
    this.#isByPart = isByPart
    const names: Flow[] = ['disbursed', 'taken_over', 'accrued', 'allocated', 'reversed', 'waived', 'capitalised']
    this.#flows = Object.fromEntries(names.map((name) => [name, nothingTaken()])) as Flows
    const disbursedDay = calendar.dayOf(first.data.disbursed_at)
    if (first.type === 'loan.disbursed') {
      this.start = disbursedDay
      this.instalments = schedule('0', first.data.schedule ?? fromTerms(first, disbursedDay))
      this.#flows.disbursed.principal = first.data.principal_minor
    } else {
      this.start = Math.max(disbursedDay, dayOfDate(first.data.as_of))
      this.#takeOver(first)
    }
    this.#lastDue = this.instalments.at(-1)?.due ?? 0
  }

  /** What is outstanding beyond the schedule is one instalment since the oldest unpaid due date. */
  #takeOver({ data }: EventOf<'loan.opened'>): void {
    const { outstanding } = data
    const given = data.schedule ?? []
    const due = given.filter((one) => one.due_date <= data.as_of)
    const rest = {
      due_date: data.oldest_unpaid_due_date ?? '',
      principal_minor: outstanding.principal_minor - sumOf(given, 'principal_minor'),
      interest_minor: outstanding.interest_minor - sumOf(due, 'interest_minor'),
      fee_minor: outstanding.fee_minor - sumOf(due, 'fee_minor'),
    }
    this.instalments = schedule('0', rest.due_date === '' ? given : [rest, ...given])
    this.#flows.taken_over = {
      principal: outstanding.principal_minor,
      interest: outstanding.interest_minor,
      fee: outstanding.fee_minor,
      penalty: outstanding.penalty_minor,
    }
    const day = Math.min(this.start, this.instalments[0]?.due ?? this.start)
    this.penalties.push({ day, owed: outstanding.penalty_minor, paid: 0 })
  }

  pay({ data }: EventOf<'repayment.received'>, value: number): Taken {
    this.paid_minor += data.amount_minor
    const { instalments, penalties } = this
    if (data.split !== undefined) {
      const { taken, rest, uncharged } = payBySplit(instalments, penalties, data.split, value)
      this.#flows.accrued.penalty += uncharged
      return this.#received(taken, rest)
    }
    const way = this.#isByPart ? payByPart : payByInstalment
    const { taken, rest } = way(instalments, penalties, data.amount_minor, value)
    return this.#received(taken, rest)
  }

  #received(taken: Taken, rest: number): Taken {
    this.#add('allocated', taken)
    this.overpaid_minor += rest
    return taken
  }

  /** A payment came and went. */
  takeBack(taken: Taken | undefined): void {
    if (taken === undefined) return
    this.#add('allocated', taken)
    this.#add('reversed', taken)
  }

  /** From the effective date on the old schedule is closed; what was paid of it pays the new one. */
  restructure({ data }: EventOf<'loan.restructured'>, staying: ReadonlySet<string>, isEffective: boolean): void {
    const effective = dayOfDate(data.effective_date)
    const closed = this.instalments.filter((one) => !staying.has(one.key))
    const added = schedule(`r${this.restructurings}`, data.schedule)
    const { capitalised, allocated } = this.#flows
    for (const one of closed) {
      this.#closed.push({ one, effective })
      capitalised.principal -= one.owed.principal - one.paid.principal
      if (one.due > effective) continue
      capitalised.interest -= one.owed.interest - one.paid.interest
      capitalised.fee -= one.owed.fee - one.paid.fee
    }
    for (const one of added) capitalised.principal += one.owed.principal
    this.#carry(data.dpd === 'carried', closed, added, effective)
    const carried = closed.reduce((sum, one) => sum + total(one.paid), 0)
    if (isEffective) {
      const { taken, rest } = payByInstalment(added, [], carried, effective)
      for (const part of BALANCES) capitalised[part] -= taken[part]
      this.overpaid_minor += rest
      // What the new schedule does not ask for leaves the principal that it was paid on.
      allocated.principal -= rest
      capitalised.principal -= rest
    }
    if (added.length > 0) this.#lastDue = added.at(-1)!.due
    this.instalments = byDueDate([...this.instalments.filter((one) => staying.has(one.key)), ...added])
  }

  #carry(isCarried: boolean, closed: readonly Instalment[], added: readonly Instalment[], effective: number): void {
    const { carried } = this
    const still = this.instalments.some((one) => one.key === carried?.key && one.settled === null) ? carried : null
    const overdue = closed.filter((one) => one.settled === null && one.due < effective).map((one) => one.due)
    const oldest = Math.min(...overdue, still?.due ?? Number.POSITIVE_INFINITY)
    this.carried = null
    if (isCarried && added.length > 0 && Number.isFinite(oldest)) this.carried = { due: oldest, key: added[0]!.key }
  }

  /** Puts off by whole months what is due from the first day on and not settled, now or at the place of the pause. */
  pause({ data }: EventOf<'loan.paused'>, staying: ReadonlySet<string>): void {
    const from = dayOfDate(data.from_date)
    const isPutOff = (one: Instalment) => one.due >= from && one.settled === null && !staying.has(one.key)
    const first = this.instalments.find(isPutOff)
    if (first === undefined) return
    let months = 1
    while (monthsLater(first.due, months) <= dayOfDate(data.until_date)) months++
    if (this.instalments.at(-1)!.due === this.#lastDue) this.#lastDue = monthsLater(this.#lastDue, months)
    const later = this.instalments.map((one) => (isPutOff(one) ? { ...one, due: monthsLater(one.due, months) } : one))
    this.instalments = byDueDate(later)
  }

  change(event: LedgerEvent, value: number, index: number): void {
    if (event.type === 'loan.charged') this.#charge(event, value, index)
    else if (event.type === 'loan.waived') {
      this.#add('waived', waive(this.instalments, this.penalties, event.data, value))
    } else if (event.type === 'loan.drawn') this.#draw(event.data.amount_minor, value, index)
    else if (event.type === 'loan.billed') this.#bill(event, value, index)
  }

  #charge({ data }: EventOf<'loan.charged'>, value: number, index: number): void {
    if (data.kind === 'penalty') {
      const oldest = this.instalments.find((one) => one.settled === null)
      this.penalties.push({ day: Math.min(value, oldest?.due ?? value), owed: data.amount_minor, paid: 0 })
      this.#flows.accrued.penalty += data.amount_minor
      return
    }
    const due_date = data.due_date ?? dateOfDay(value)
    this.#insert(`f${index}`, { due_date, principal_minor: 0, interest_minor: 0, fee_minor: data.amount_minor })
  }

  #draw(amount: number, value: number, index: number): void {
    this.#flows.disbursed.principal += amount
    const last = this.instalments.at(-1)
    if (last !== undefined && last.due >= this.#lastDue) {
      const owed = { ...last.owed, principal: last.owed.principal + amount }
      this.instalments = [...this.instalments.slice(0, -1), { ...last, owed, settled: null }]
    } else {
      const due_date = dateOfDay(Math.max(this.#lastDue, value))
      this.instalments.push(
        ...schedule(`d${index}`, [{ due_date, principal_minor: amount, interest_minor: 0, fee_minor: 0 }]),
      )
    }
  }

  #bill({ data }: EventOf<'loan.billed'>, value: number, index: number): void {
    const last = this.instalments.at(-1)
    const asked = Math.min(data.principal_minor, last === undefined ? 0 : last.owed.principal - last.paid.principal)
    if (last !== undefined && asked > 0) {
      const less = { ...last, owed: { ...last.owed, principal: last.owed.principal - asked } }
      if (unpaid(less) === 0) less.settled ??= value
      this.instalments = [...this.instalments.slice(0, -1), ...(total(less.owed) > 0 ? [less] : [])]
    }
    this.#insert(`b${index}`, { ...data, principal_minor: asked })
  }

  #insert(key: string, one: Scheduled): void {
    this.instalments = byDueDate([...this.instalments, ...schedule(key, [one])])
  }

  /** With what accrued by `day`: interest and fees on their due dates, or when they were paid earlier. */
  flowsThrough(day: number): Flows {
    const accrued = { ...this.#flows.accrued }
    for (const part of ['interest', 'fee'] as const) {
      for (const one of this.instalments) accrued[part] += one.due <= day ? one.owed[part] : one.paid[part]
      for (const { one, effective } of this.#closed) {
        accrued[part] += one.due <= effective ? one.owed[part] : one.paid[part]
      }
      accrued[part] -= this.#flows.taken_over[part]
    }
    return { ...this.#flows, accrued }
  }

  #add(flow: Flow, taken: Taken): void {
    for (const part of BALANCES as readonly Balance[]) this.#flows[flow][part] += taken[part]
  }
}

/** An instalment of nothing is none: nobody can be late with it, or pay it. */
function schedule(prefix: string, scheduled: readonly Scheduled[]): Instalment[] {
  const instalments = scheduled.map((one, index) => ({
    key: `${prefix}/${index}`,
    due: dayOfDate(one.due_date),
    owed: { fee: one.fee_minor, interest: one.interest_minor, principal: one.principal_minor },
    paid: { fee: 0, interest: 0, principal: 0 },
    settled: null,
    touches: 0,
  }))
  return instalments.filter((one) => unpaid(one) > 0)
}

/** How a schedule is made of terms has a test of its own. */
function fromTerms({ data }: EventOf<'loan.disbursed'>, disbursedDay: number): Scheduled[] {
  const numbers = scheduleAsDisbursed(data, disbursedDay)
  return Array.from({ length: numbers.length / 4 }, (_, k) => ({
    due_date: dateOfDay(numbers[k * 4]!),
    principal_minor: numbers[k * 4 + 1]!,
    interest_minor: numbers[k * 4 + 2]!,
    fee_minor: numbers[k * 4 + 3]!,
  }))
}

/** Sorting is stable: of equal due dates the older schedule's comes first. */
function byDueDate(instalments: readonly Instalment[]): Instalment[] {
  return [...instalments].sort((a, b) => a.due - b.due)
}

function sumOf(instalments: readonly Scheduled[], part: Exclude<keyof Scheduled, 'due_date'>): number {
  return instalments.reduce((sum, one) => sum + one[part], 0)
}

/** The same day of the month so many months later, or the month's last. */
function monthsLater(day: number, months: number): number {
  const date = new Date(day * 86_400_000)
  const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1))
  const days = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate()
  return first.getTime() / 86_400_000 + Math.min(date.getUTCDate(), days) - 1
}
