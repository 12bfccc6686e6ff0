import { dayOfDate, MS_PER_DAY, MS_PER_HOUR } from '../../../features/time.ts'
import {
  createSimulation,
  type SimulatedEvent,
  type SimulationOptions,
} from '../../../pipelines/simulator/simulation.ts'

/** A slow, obvious reading of simulated events: what a loan was asked for, what was paid, and how late it is. */

type Instalment = { readonly due: number; readonly total: number }
type Payment = { readonly id: string; readonly day: number; readonly amount: number; reversed: number }
export type ReplayedLoan = {
  readonly name: string
  readonly principal: number
  readonly opened: number
  readonly schedule: readonly Instalment[]
  readonly payments: Payment[]
  restructured: { day: number; schedule: readonly Instalment[] } | undefined
  closed: number
  closed_reason: string
  written_off: number
  /** DPD at the end of each day from `opened` on. */
  dpd: number[]
}

const LATER = Number.POSITIVE_INFINITY

/** Business date in Shanghai. */
export function localDay(ms: number): number {
  return Math.floor((ms + 8 * MS_PER_HOUR) / MS_PER_DAY)
}

/** All events of so many days. */
export function eventsOf(options: SimulationOptions, days: number): SimulatedEvent[] {
  const simulation = createSimulation(options)
  const events: SimulatedEvent[] = []
  for (let day = 0; day < days; day++) events.push(...simulation.nextDay().events)
  return events
}

/** The lines of so many days. */
export function linesOf(options: SimulationOptions, days: number): string {
  const simulation = createSimulation(options)
  let text = ''
  for (let day = 0; day < days; day++) text += simulation.writeDay().lines.toString('latin1')
  return text
}

type Part = { principal_minor: number; interest_minor: number; fee_minor?: number; due_date: string }

function scheduleOf(data: Readonly<Record<string, unknown>>): Instalment[] {
  return (data['schedule'] as Part[]).map((part) => ({
    due: dayOfDate(part.due_date),
    total: part.principal_minor + part.interest_minor + (part.fee_minor ?? 0),
  }))
}

/** Every loan by borrower. `lastDay` is the last day that DPD is computed for. */
export function replayLoans(events: readonly SimulatedEvent[], lastDay: number): Map<string, ReplayedLoan[]> {
  const loans = new Map<string, ReplayedLoan>()
  const byBorrower = new Map<string, ReplayedLoan[]>()
  for (const { id, type, time, subject, data } of events) {
    const loan = loans.get(String(data['loan']))
    if (type === 'loan.disbursed') {
      const fresh: ReplayedLoan = {
        name: String(data['loan']),
        principal: Number(data['principal_minor']),
        opened: localDay(time),
        schedule: scheduleOf(data),
        payments: [],
        restructured: undefined,
        closed: LATER,
        closed_reason: '',
        written_off: LATER,
        dpd: [],
      }
      if (loan !== undefined) throw new Error(`${String(data['loan'])} is disbursed twice`)
      loans.set(String(data['loan']), fresh)
      byBorrower.set(subject!, [...(byBorrower.get(subject!) ?? []), fresh])
      continue
    }
    if (!type.startsWith('loan.') && !type.startsWith('repayment.')) continue
    if (loan === undefined) throw new Error(`${id} concerns a loan that was never disbursed`)
    if (loan.closed !== LATER || loan.written_off !== LATER) throw new Error(`${id} concerns a loan that is over`)
    if (type === 'loan.closed') {
      loan.closed = localDay(time)
      loan.closed_reason = String(data['reason'])
    } else if (type === 'loan.written_off') loan.written_off = localDay(time)
    else if (type === 'loan.restructured') loan.restructured = { day: localDay(time), schedule: scheduleOf(data) }
    else if (type === 'repayment.received') {
      const penalty = (data['split'] as { penalty_minor: number } | undefined)?.penalty_minor ?? 0
      const amount = Number(data['amount_minor']) - penalty
      loan.payments.push({ id, day: localDay(Number(data['paid_at'])), amount, reversed: LATER })
    } else if (type === 'repayment.reversed') {
      const payment = loan.payments.find((one) => one.id === data['repayment'])
      if (payment === undefined) throw new Error(`${id} reverses a repayment that was never received`)
      payment.reversed = localDay(time)
    }
  }
  for (const loan of loans.values()) computeDpd(loan, lastDay)
  return byBorrower
}

/** Total paid and not taken back, as of the end of a day. */
export function paidBy(loan: ReplayedLoan, day: number): number {
  return loan.payments.reduce((sum, one) => (one.day <= day && one.reversed > day ? sum + one.amount : sum), 0)
}

/** What the loan asks for in all: after a restructuring what was settled before, and the new schedule. */
export function askedFor(loan: ReplayedLoan, day: number): readonly Instalment[] {
  if (loan.restructured === undefined || day < loan.restructured.day) return loan.schedule
  let left = paidBy(loan, loan.restructured.day - 1)
  const settled: Instalment[] = []
  for (const one of loan.schedule) {
    if (one.total > left) break
    left -= one.total
    settled.push(one)
  }
  return [...settled, ...loan.restructured.schedule]
}

function computeDpd(loan: ReplayedLoan, lastDay: number): void {
  const end = Math.min(loan.closed, loan.written_off, lastDay)
  for (let day = loan.opened; day <= end; day++) {
    let left = paidBy(loan, day)
    const oldest = askedFor(loan, day).find((one) => {
      left -= one.total
      return left < 0
    })
    loan.dpd.push(oldest !== undefined && oldest.due < day ? day - oldest.due : 0)
  }
}

/** DPD at the end of a day; undefined when the loan was not open then. */
export function dpdOn(loan: ReplayedLoan, day: number): number | undefined {
  return Math.min(loan.closed, loan.written_off) <= day ? undefined : loan.dpd[day - loan.opened]
}
