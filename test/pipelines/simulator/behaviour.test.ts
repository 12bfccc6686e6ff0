import { beforeAll, describe, expect, it } from 'vitest'
import { dayOfDate, firstDayOfMonth, lastDayOfMonth, monthOfDay } from '../../../features/time.ts'
import type { SimulatedEvent } from '../../../pipelines/simulator/simulation.ts'
import { askedFor, dpdOn, eventsOf, localDay, paidBy, type ReplayedLoan, replayLoans } from './replay.ts'

const START = dayOfDate('2023-01-01')
const DAYS = 760
const LAST_DAY = START + DAYS - 1
/** A month end row of one borrower whose open loans are all current and who never was at 30 before. */
type Row = { readonly subject: string; readonly day: number; readonly bad: boolean }

describe('what becomes of simulated borrowers', () => {
  let events: SimulatedEvent[] = []
  let book = new Map<string, ReplayedLoan[]>()
  let loans: ReplayedLoan[] = []
  const rows: Row[] = []
  beforeAll(() => {
    events = eventsOf({ seed: 5, borrowers: 400, start: '2023-01-01' }, DAYS)
    book = replayLoans(events, LAST_DAY)
    loans = [...book.values()].flat()
    for (const day of monthEnds()) {
      if (day + 90 > LAST_DAY) break
      for (const [subject, own] of book) {
        const open = own.filter((loan) => dpdOn(loan, day) !== undefined)
        if (open.length === 0 || open.some((loan) => dpdOn(loan, day)! > 0)) continue
        if (own.some((loan) => loan.dpd.slice(0, day - loan.opened + 1).some((dpd) => dpd >= 30))) continue
        rows.push({ subject, day, bad: open.some((loan) => isBad(loan, day)) })
      }
    }
  })

  it('2 to 4 of 100 current borrowers are 30 days past due within 90 days', () => {
    expect(rows.length).toBeGreaterThan(2000)
    expect(rateOf(rows)).toBeGreaterThan(0.015)
    expect(rateOf(rows)).toBeLessThan(0.045)
  })

  it('most who are up to 30 days late at a month end get well, most who are later get worse', () => {
    const moves = { early: { better: 0, worse: 0 }, late: { better: 0, worse: 0 } }
    for (const day of monthEnds()) {
      const next = lastDayOfMonth(monthOfDay(day) + 1)
      if (next > LAST_DAY) break
      for (const loan of loans) {
        const dpd = dpdOn(loan, day) ?? 0
        if (dpd === 0) continue
        const move = moves[dpd <= 30 ? 'early' : 'late']
        const then = loan.written_off <= next ? 1e6 : (dpdOn(loan, next) ?? 0)
        if (then === 0) move.better++
        else if (then > Math.max(dpd, 30)) move.worse++
      }
    }
    expect(moves.early.better).toBeGreaterThan(moves.early.worse)
    expect(moves.late.worse).toBeGreaterThan(3 * moves.late.better)
    expect(moves.late.better).toBeGreaterThan(0)
  })

  it('a loan is never paid more than it asks for, and is closed when that is paid', () => {
    let closed = 0
    for (const loan of loans) {
      const last = Math.min(loan.closed, loan.written_off, LAST_DAY)
      const asked = askedFor(loan, last).reduce((sum, one) => sum + one.total, 0)
      const paid = paidBy(loan, last)
      expect(paid).toBeLessThanOrEqual(asked)
      if (loan.closed_reason === 'paid_off') {
        expect(paid).toBe(asked)
        closed++
      } else if (loan.closed_reason === 'prepaid') expect(paid).toBeGreaterThanOrEqual(loan.principal)
      else expect(paid).toBeLessThan(asked)
    }
    expect(closed).toBeGreaterThan(100)
  })

  it('writes off most loans between 120 and 180 days past due', () => {
    const dpd = loans.filter((loan) => loan.written_off <= LAST_DAY).map((loan) => loan.dpd.at(-1)!)
    expect(dpd.length).toBeGreaterThan(20)
    expect(Math.min(...dpd)).toBeGreaterThanOrEqual(120)
    expect(dpd.filter((one) => one <= 190).length / dpd.length).toBeGreaterThan(0.8)
  })

  it('has partial, early, late and returned payments', () => {
    const payments = loans.flatMap((loan) => loan.payments.map((payment) => ({ loan, payment })))
    const partial = payments.filter(({ loan, payment }) => payment.amount < 0.8 * loan.schedule[0]!.total)
    const early = payments.filter(({ loan, payment }) => {
      const next = loan.schedule.find((one) => one.due >= payment.day)
      return next !== undefined && next.due - payment.day > 0 && next.due - payment.day <= 4
    })
    expect(partial.length).toBeGreaterThan(30)
    expect(early.length).toBeGreaterThan(300)
    expect(payments.filter(({ payment }) => payment.reversed <= LAST_DAY).length).toBeGreaterThan(5)
    expect(loans.filter((loan) => loan.closed_reason === 'prepaid').length).toBeGreaterThan(10)
  })

  it('no event gives the answer away: of those with any one label in a month, few are bad', () => {
    const known = new Map(rows.map((row) => [`${row.subject} ${monthOfDay(row.day)}`, row]))
    const seen = new Map<string, Set<Row>>()
    for (const { subject, type, time, data } of events) {
      const row = subject === undefined ? undefined : known.get(`${subject} ${monthOfDay(localDay(time))}`)
      if (row === undefined) continue
      for (const label of labelsOf(type, data)) {
        const found = seen.get(label)
        if (found === undefined) seen.set(label, new Set([row]))
        else found.add(row)
      }
    }
    const telling: string[] = []
    let judged = 0
    for (const [label, found] of seen) {
      if (found.size < 20) continue
      judged++
      // Its rate less two deviations: even knowing the hidden condition itself would give some 0.3.
      const rate = rateOf([...found])
      if (rate - 2 * Math.sqrt((rate * (1 - rate)) / found.size) > 0.2) telling.push(label)
    }
    expect(telling).toEqual([])
    expect(judged).toBeGreaterThan(60)
  })

  it('no event names the hidden condition', () => {
    const words = /stretched|distress|defaulting|recovering|stable|strain|loudness|spiral|oddit|latent|hidden/i
    const said = new Set<string>()
    for (const { data } of events) {
      for (const key in data) {
        said.add(key)
        if (typeof data[key] === 'string') said.add(data[key])
      }
    }
    expect([...said].filter((one) => words.test(one))).toEqual([])
  })

  it('some defaults come without a sign, and the strange are mostly healthy', () => {
    const asked = new Map<string, number>()
    for (const { subject, type, data } of events) {
      if (type !== 'bureau.queried' || data['institution'] === 'own-lender') continue
      const key = `${subject!} ${monthOfDay(localDay(Number(data['queried_at'])))}`
      asked.set(key, (asked.get(key) ?? 0) + 1)
    }
    const queries = ({ subject, day }: Row) => asked.get(`${subject} ${monthOfDay(day)}`) ?? 0
    const bad = rows.filter((row) => row.bad)
    expect(bad.filter((row) => queries(row) === 0).length / bad.length).toBeGreaterThan(0.3)
    const strange = rows.filter((row) => queries(row) >= 2)
    expect(strange.length).toBeGreaterThan(30)
    expect(rateOf(strange)).toBeLessThan(0.5)
    expect(rateOf(strange)).toBeGreaterThan(rateOf(rows))
  })
})

function monthEnds(): number[] {
  const ends: number[] = []
  for (let month = monthOfDay(START); firstDayOfMonth(month) <= LAST_DAY; month++) ends.push(lastDayOfMonth(month))
  return ends
}

function isBad(loan: ReplayedLoan, day: number): boolean {
  if (loan.written_off <= day + 90) return true
  return loan.dpd.slice(day + 1 - loan.opened, day + 91 - loan.opened).some((dpd) => dpd >= 30)
}

function rateOf(some: readonly Row[]): number {
  return some.filter((row) => row.bad).length / some.length
}

const TOKENS = new Set(['loan', 'account', 'repayment', 'reference', 'payer', 'counterparty', 'merchant', 'guarantor'])

/** Everything in an event that is a word and not an identifier of one case. */
function labelsOf(type: string, data: Readonly<Record<string, unknown>>): string[] {
  const labels = [type]
  for (const key in data) {
    const value = data[key]
    if (typeof value === 'string' && !TOKENS.has(key)) labels.push(`${key}=${value}`)
  }
  return labels
}
