import { beforeAll, describe, expect, it } from 'vitest'
import { decodeText } from '../../../features/events/decode.ts'
import { dayOfDate } from '../../../features/time.ts'
import { createSimulation } from '../../../pipelines/simulator/simulation.ts'
import { linesOf, localDay } from './replay.ts'

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
  beforeAll(() => {
    text = linesOf(PORTFOLIO, DAYS)
    lines = text.trimEnd().split('\n')
    for (const line of lines) {
      const decoded = decodeText(line, 'default')
      if (!decoded.ok) throw new Error(`${decoded.reason}: ${decoded.detail}\n${line}`)
      if (decoded.dropped_fields > 0) throw new Error(`a field is not in the contract:\n${line}`)
      events.push(decoded.event)
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
      'loan.closed',
      'loan.written_off',
      'repayment.received',
      'repayment.reversed',
    ]) {
      expect(types).toContain(type)
    }
    for (const type of ['transaction.posted', 'bureau.queried', 'signal.reported']) expect(types).toContain(type)
    const loans = events.filter(({ type }) => type === 'loan.disbursed').map(({ data }) => data)
    expect(new Set(loans.map((loan) => loan['product'])).size).toBe(4)
    expect(new Set(loans.map((loan) => loan['channel'])).size).toBe(4)
    expect(new Set(loans.map((loan) => loan['region'])).size).toBe(6)
  })

  it('carries each account balance on from posting to posting; a failed debit moves nothing', () => {
    const balances = new Map<string, number>()
    let followed = 0
    let broken = 0
    for (const { type, data } of events) {
      if (type !== 'transaction.posted') continue
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
