import { beforeAll, describe, expect, it } from 'vitest'
import { decodeText } from '../../../features/events/decode.ts'
import { dayOfDate } from '../../../features/time.ts'
import { createSimulation, type SimulatedEvent } from '../../../pipelines/simulator/simulation.ts'
import { dpdOn, linesOf, localDay, replayLoans } from './replay.ts'

const START = '2023-11-20'
const PORTFOLIO = { seed: 11, borrowers: 150, start: START }
const DAYS = 731

type Envelope = {
  id: string
  source: string
  type: string
  time: number
  subject: string
  data: Record<string, unknown>
}

describe('a simulated portfolio', () => {
  let text = ''
  let lines: string[] = []
  const events: Envelope[] = []
  const simulated: SimulatedEvent[] = []
  beforeAll(() => {
    text = linesOf(PORTFOLIO, DAYS)
    lines = text.trimEnd().split('\n')
    for (const line of lines) {
      const decoded = decodeText(line, 'default')
      if (!decoded.ok) throw new Error(`${decoded.reason}: ${decoded.detail}\n${line}`)
      if (decoded.dropped_fields > 0) throw new Error(`a field is not in the contract:\n${line}`)
      events.push(decoded.event)
      simulated.push(JSON.parse(line) as SimulatedEvent)
    }
  })

  it('is the same to the byte for the same seed', () => {
    const again = linesOf(PORTFOLIO, 200)
    expect(again.length).toBeGreaterThan(1_000_000)
    expect(text.startsWith(again)).toBe(true)
  })

  it('is another for another seed', () => {
    const other = linesOf({ ...PORTFOLIO, seed: 12 }, 30).split('\n')
    const shared = new Set(lines)
    expect(other.filter((line) => line !== '' && !line.includes('tenant.configured') && shared.has(line))).toEqual([])
  })

  it('gives each borrower the same life, however many there are', () => {
    const alone = linesOf({ ...PORTFOLIO, borrowers: 3 }, 60)
    const own = alone.split('\n').filter((line) => line.includes('"subject":"b-'))
    expect(own.length).toBeGreaterThan(50)
    const all = new Set(lines)
    expect(own.filter((line) => !all.has(line))).toEqual([])
  })

  it('gives as objects what it writes as lines', () => {
    const [written, given] = [createSimulation(PORTFOLIO), createSimulation(PORTFOLIO)]
    for (let i = 0; i < 5; i++) {
      expect(given.day).toBe(dayOfDate(START) + i)
      const { day, events: count, lines: bytes } = written.writeDay()
      const today = given.nextDay()
      expect(today.day).toBe(day)
      expect(today.events).toHaveLength(count)
      expect(today.events.map((event) => `${JSON.stringify(event)}\n`).join('')).toBe(bytes.toString())
    }
  })

  it('begins with the configuration of the tenant', () => {
    expect(events[0]).toMatchObject({
      type: 'tenant.configured',
      data: { zone: 'Asia/Shanghai', currency: 'CNY', institution: 'own-lender', grace_days: 0 },
    })
    expect(events.filter(({ type }) => type === 'tenant.configured')).toHaveLength(1)
  })

  it('writes the tenant into every event when one is given, and none otherwise', () => {
    expect(text).not.toContain('"tenant":')
    const { events: own } = createSimulation({ ...PORTFOLIO, tenant: 'acme' }).nextDay()
    expect(own.every(({ tenant }) => tenant === 'acme')).toBe(true)
  })

  it('is in time order, each day within its date', () => {
    expect(events.filter(({ time }, i) => i > 0 && time < events[i - 1]!.time)).toEqual([])
    const simulation = createSimulation(PORTFOLIO)
    for (let i = 0; i < 40; i++) {
      const { day, events: today } = simulation.nextDay()
      expect(today.filter(({ time }) => localDay(time) !== day)).toEqual([])
    }
  })

  it('has unique ids, numbered by borrower', () => {
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
    const one = events.filter(({ subject }) => subject === 'b-000012').map(({ id }) => id)
    expect(one).toEqual(one.map((_, i) => `b000012-${String(i + 1).padStart(6, '0')}`))
  })

  it('has 300 ± 30 events per borrower and year, in the first year and in the second', () => {
    for (const year of [0, 1]) {
      const from = dayOfDate(START) + year * 365
      const count = events.filter(({ time }) => localDay(time) >= from && localDay(time) < from + 365).length
      expect(count / PORTFOLIO.borrowers).toBeGreaterThan(270)
      expect(count / PORTFOLIO.borrowers).toBeLessThan(330)
    }
  })

  it('has every type of event, every product, channel and region', () => {
    const types = new Set(events.map(({ type }) => type))
    for (const type of [
      'loan.disbursed',
      'loan.restructured',
      'loan.closed',
      'loan.written_off',
      'repayment.received',
      'repayment.reversed',
    ]) {
      expect(types).toContain(type)
    }
    for (const type of [
      'transaction.posted',
      'bureau.queried',
      'signal.reported',
      'contact.recorded',
      'inspection.recorded',
      'loan.classified',
    ]) {
      expect(types).toContain(type)
    }
    const loans = events.filter(({ type }) => type === 'loan.disbursed').map(({ data }) => data)
    expect(new Set(loans.map((loan) => loan['product'])).size).toBe(4)
    expect(new Set(loans.map((loan) => loan['channel'])).size).toBe(4)
    expect(new Set(loans.map((loan) => loan['region'])).size).toBe(6)
  })

  it('values each collateral at the grant and every three months, under the name that stands on its loan', () => {
    const loans = events.filter(({ type, data }) => type === 'loan.disbursed' && 'collateral' in data)
    expect(loans.length).toBeGreaterThan(20)
    const valued = events.filter(({ data }) => data['kind'] === 'collateral_valuation')
    const names = new Set(loans.map(({ data }) => data['collateral']))
    expect(names.size).toBe(loans.length)
    expect(valued.filter(({ data }) => !names.has(data['reference']))).toEqual([])
    for (const loan of loans) {
      const days = valued
        .filter(({ data }) => data['reference'] === loan.data['collateral'])
        .map(({ time }) => localDay(time))
      expect(days[0]).toBe(localDay(loan.time))
      const gaps = days.slice(1).map((day, i) => day - days[i]!)
      expect(gaps.filter((gap) => gap < 60 || gap > 125)).toEqual([])
    }
  })

  it('pays out exactly the principal, at once, on the account that is seen', () => {
    const loans = events.filter(
      ({ type, data }) => type === 'loan.disbursed' && /cash|line/.test(String(data['product'])),
    )
    expect(loans.length).toBeGreaterThan(100)
    const proceeds = new Set(
      events
        .filter(({ data }) => data['category'] === 'loan_proceeds' && data['counterparty_kind'] === 'lender')
        .map(({ time, subject, data }) => `${subject} ${localDay(time)} ${String(data['amount_minor'])}`),
    )
    const missing = loans.filter(
      ({ subject, data }) =>
        !proceeds.has(`${subject} ${localDay(Number(data['disbursed_at']))} ${String(data['principal_minor'])}`),
    )
    expect(missing).toEqual([])
  })

  it('gets in touch about overdue loans alone, and leaves some to come right by themselves', () => {
    const book = [...replayLoans(simulated, dayOfDate(START) + DAYS - 1).values()].flat()
    const byName = new Map(book.map((loan) => [loan.name, loan]))
    const contacts = events.filter(({ type }) => type === 'contact.recorded')
    expect(contacts.length).toBeGreaterThan(300)
    // At the end of the day before it was late, or became so at midnight.
    const early = contacts.filter(({ time, data }) => {
      const loan = byName.get(String(data['loan']))!
      const day = localDay(time)
      return (dpdOn(loan, day - 1) ?? 0) === 0 && (dpdOn(loan, day) ?? 0) === 0
    })
    // One that was paid later on its first day late counts as current at the end of it.
    expect(early.length / contacts.length).toBeLessThan(0.02)
    const contacted = new Set(contacts.map(({ time, data }) => `${String(data['loan'])} ${localDay(time)}`))
    let cured = 0
    let alone = 0
    for (const { name, opened, dpd } of book) {
      let reached = false
      for (let i = 1; i < dpd.length; i++) {
        if (dpd[i - 1]! > 0 && dpd[i] === 0) {
          cured++
          if (!reached && !contacted.has(`${name} ${opened + i}`)) alone++
        }
        reached = dpd[i]! > 0 && (reached || contacted.has(`${name} ${opened + i}`))
      }
    }
    expect(cured).toBeGreaterThan(100)
    expect(alone / cured).toBeGreaterThan(0.25)
    expect(alone / cured).toBeLessThan(0.75)
  })

  it('has financial statements of businesses, whose parts fit together', () => {
    const businesses = new Set(events.filter(({ data }) => 'industry' in data).map(({ subject }) => subject))
    const statements = events.filter(({ data }) => data['kind'] === 'financial_statement')
    expect(statements.length).toBeGreaterThan(5)
    for (const { subject, time, data } of statements) {
      const of = data['statement'] as Record<string, number> & { period_end: string }
      expect(businesses).toContain(subject)
      expect(dayOfDate(of.period_end)).toBeLessThan(localDay(time))
      expect(of.period_end.slice(5)).toMatch(/^(06-30|12-31)$/)
      expect(of['current_liabilities_minor']).toBeLessThanOrEqual(of['total_liabilities_minor']!)
      expect(of['receivables_minor']! + of['inventory_minor']!).toBeLessThan(1.2 * of['current_assets_minor']!)
      expect(of['current_assets_minor']).toBeLessThan(of['total_assets_minor']!)
      expect(of['net_profit_minor']).toBeLessThan(of['operating_profit_minor']!)
    }
  })

  it('carries each account balance on from posting to posting; a failed debit moves nothing', () => {
    const balances = new Map<string, number>()
    let followed = 0
    let broken = 0
    for (const { type, data } of events) {
      if (type !== 'transaction.posted') continue
      // A credit card has no balance of the borrower's own money.
      if (data['account_kind'] === 'credit') {
        expect(data['balance_after_minor']).toBeUndefined()
        continue
      }
      const account = data['account'] as string
      const amount = data['category'] === 'failed_debit' ? 0 : (data['amount_minor'] as number)
      const moved = data['direction'] === 'in' ? amount : -amount
      const before = balances.get(account)
      if (before !== undefined) {
        if (data['balance_after_minor'] === before + moved) followed++
        else broken++
      }
      balances.set(account, data['balance_after_minor'] as number)
    }
    expect(broken).toBe(0)
    expect(followed).toBeGreaterThan(60_000)
  })

  it('books what others asked with a later report, never before it was asked', () => {
    const others = events.filter(({ type, data }) => type === 'bureau.queried' && data['institution'] !== 'own-lender')
    expect(others.length).toBeGreaterThan(200)
    const wrong = others.filter(
      ({ time, data }) =>
        Number(data['queried_at']) >= time || dayOfDate(data['report_date'] as string) !== localDay(time),
    )
    expect(wrong).toEqual([])
  })

  it('reports the indices of industries and regions monthly, about nobody', () => {
    const indices = events.filter(({ data }) => String(data['kind']).endsWith('_index'))
    expect(indices.length).toBe(24 * 14)
    expect(indices.every(({ subject }) => subject === '')).toBe(true)
  })

  it('spends more before the new year than in an ordinary month', () => {
    const spent = (from: string, to: string) =>
      events
        .filter(({ type, time, data }) => {
          const day = localDay(time)
          return type === 'transaction.posted' && 'merchant' in data && day >= dayOfDate(from) && day < dayOfDate(to)
        })
        .reduce((sum, { data }) => sum + Number(data['amount_minor']), 0)
    expect(spent('2025-01-15', '2025-01-29')).toBeGreaterThan(1.25 * spent('2025-03-05', '2025-03-19'))
  })
})

describe('options out of bounds', () => {
  it.each([
    [{ ...PORTFOLIO, seed: -1 }, 'seed'],
    [{ ...PORTFOLIO, seed: 0.5 }, 'seed'],
    [{ ...PORTFOLIO, borrowers: 0 }, 'borrowers'],
    [{ ...PORTFOLIO, start: '2023-02-30' }, 'start'],
    [{ ...PORTFOLIO, start: 'yesterday' }, 'start'],
  ])('%j are refused', (options, name) => {
    expect(() => createSimulation(options)).toThrow(name)
  })
})
