import { MS_PER_DAY, MS_PER_HOUR } from '../../../features/time.ts'
import type { SimulatedEvent } from '../../../pipelines/simulator/simulation.ts'
import { localDay } from './replay.ts'

/**
 * What each family of features looks at, counted plainly from the events of one borrower: the 60 days before a day, and
 * the 120 before those as the borrower's usual.
 */

export const WINDOW_DAYS = 60
export const USUAL_DAYS = 120
const INDEX_POINTS_DOWN = 4

type Data = Readonly<Record<string, unknown>>
/** A stretch of time: its events by type, and the postings that moved money. */
type Stretch = {
  readonly byType: ReadonlyMap<string, readonly Data[]>
  readonly postings: readonly SimulatedEvent[]
  readonly repayments: readonly SimulatedEvent[]
  readonly in: readonly SimulatedEvent[]
  readonly out: readonly SimulatedEvent[]
}
export type Window = { readonly now: Stretch; readonly before: Stretch }
/** Is this clearly off what is usual? */
export type Sign = (window: Window) => boolean

/**
 * Every borrower's events, with the indices of the region and industry that stand on the loans, in time order.
 */
export function eventsByBorrower(events: Iterable<SimulatedEvent>): Map<string, SimulatedEvent[]> {
  const own = new Map<string, SimulatedEvent[]>()
  const indices: SimulatedEvent[] = []
  for (const event of events) {
    if (event.subject === undefined) {
      if (event.type === 'signal.reported') indices.push(event)
      continue
    }
    const earlier = own.get(event.subject)
    if (earlier === undefined) own.set(event.subject, [event])
    else earlier.push(event)
  }
  for (const [subject, all] of own) {
    const names = new Set(
      all.filter(({ type }) => type === 'loan.disbursed').flatMap(({ data }) => [data['region'], data['industry']]),
    )
    const about = indices.filter(({ data }) => names.has(data['reference']))
    own.set(
      subject,
      [...all, ...about].sort((a, b) => a.time - b.time),
    )
  }
  return own
}

export function windowOf(events: readonly SimulatedEvent[], day: number): Window {
  const from = firstOn(events, day - WINDOW_DAYS)
  return {
    now: stretchOf(events.slice(from, firstOn(events, day))),
    before: stretchOf(events.slice(firstOn(events, day - WINDOW_DAYS - USUAL_DAYS), from)),
  }
}

/** Place of the first event on or after a day. */
function firstOn(events: readonly SimulatedEvent[], day: number): number {
  const start = day * MS_PER_DAY - 8 * MS_PER_HOUR
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (events[middle]!.time < start) low = middle + 1
    else high = middle
  }
  return low
}

function stretchOf(events: readonly SimulatedEvent[]): Stretch {
  const byType = new Map<string, Data[]>()
  for (const { type, data } of events) {
    const others = byType.get(type)
    if (others === undefined) byType.set(type, [data])
    else others.push(data)
  }
  const postings = events.filter(({ type }) => type === 'transaction.posted')
  const moved = (direction: string) =>
    postings.filter(({ data }) => data['direction'] === direction && data['category'] !== 'failed_debit')
  const repayments = events.filter(({ type }) => type === 'repayment.received')
  return { byType, postings, repayments, in: moved('in'), out: moved('out') }
}

const dataOf = (stretch: Stretch, type: string): readonly Data[] => stretch.byType.get(type) ?? []
const num = (data: Data, field: string): number => Number(data[field])

const paid = (stretch: Stretch) =>
  stretch.in.filter(({ data }) => data['category'] === 'salary').map(({ data }) => num(data, 'amount_minor'))

/** Less than 1.4 usual months of pay in two months. */
function payMissing({ now, before }: Window): boolean {
  const usual = paid(before).sort((a, b) => a - b)
  if (usual.length < 3) return false
  return paid(now).reduce((total, one) => total + one, 0) < 1.4 * usual[Math.floor(usual.length / 2)]!
}

/** Share of the purchases for which something holds; 0 where there are too few to say. */
function shareOfPurchases(stretch: Stretch, holds: (data: Data, time: number) => boolean): number {
  const purchases = stretch.out.filter(({ data }) => data['merchant'] !== undefined)
  if (purchases.length < 10) return 0
  return purchases.filter(({ data, time }) => holds(data, time)).length / purchases.length
}

const hourOf = (ms: number) => Math.floor(((ms + 8 * MS_PER_HOUR) % MS_PER_DAY) / MS_PER_HOUR)
const isNight = (ms: number) => hourOf(ms) < 5
const isDayOff = (ms: number) => [0, 6].includes((localDay(ms) + 4) % 7)

function returned({ now }: Window): boolean {
  const back = now.in.filter(({ data }) => data['counterparty_kind'] === 'person')
  return now.out.some(
    ({ time, data }) =>
      data['merchant'] !== undefined &&
      back.some(
        (one) =>
          one.time > time &&
          one.time <= time + 48 * MS_PER_HOUR &&
          Math.abs(num(one.data, 'amount_minor') / num(data, 'amount_minor') - 1) <= 0.05,
      ),
  )
}

function inParts({ now }: Window): boolean {
  const counts = new Map<string, number>()
  for (const { time, data } of now.out) {
    const party = data['merchant'] ?? data['counterparty']
    if (typeof party !== 'string' || data['counterparty_kind'] === 'own_account') continue
    const key = `${localDay(time)} ${party}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts.values()].some((count) => count >= 3)
}

const belowLimit = (amount: number) => [1_000_000, 5_000_000].some((limit) => amount < limit && amount >= 0.95 * limit)

/** Share of a loan's proceeds that left within 30 days to where they should not: first in, first out over the balance. */
function diverted({ now, before }: Window): boolean {
  const own = [...before.postings, ...now.postings].filter(({ data }) => data['account_kind'] === undefined)
  return own.some((proceeds, at) => {
    if (proceeds.data['counterparty'] !== 'own-lender' || proceeds.data['category'] !== 'loan_proceeds') return false
    const principal = num(proceeds.data, 'amount_minor')
    let ahead = Math.max(0, num(proceeds.data, 'balance_after_minor') - principal)
    let left = principal
    let away = 0
    for (const { time, data } of own.slice(at + 1)) {
      if (time > proceeds.time + 30 * MS_PER_DAY || left === 0) break
      if (data['direction'] === 'in' || data['category'] === 'failed_debit') continue
      const amount = num(data, 'amount_minor')
      const first = Math.min(ahead, amount)
      const ofLoan = Math.min(left, amount - first)
      ahead -= first
      left -= ofLoan
      const kind = String(data['counterparty_kind'])
      if (
        ['securities', 'property', 'lender', 'own_account'].includes(kind) ||
        data['category'] === 'cash_withdrawal'
      ) {
        if (data['counterparty'] !== 'own-lender') away += ofLoan
      }
    }
    return away > 0.3 * principal
  })
}

function paidWithBorrowed({ now }: Window): boolean {
  const borrowed = now.in.filter(
    ({ data }) => data['counterparty_kind'] === 'lender' && data['counterparty'] !== 'own-lender',
  )
  return now.repayments.some(({ data, time }) =>
    borrowed.some(
      (one) =>
        one.time < time &&
        one.time >= time - 3 * MS_PER_DAY &&
        num(one.data, 'amount_minor') >= num(data, 'amount_minor'),
    ),
  )
}

const asked = (stretch: Stretch) =>
  dataOf(stretch, 'bureau.queried').filter(
    (data) =>
      data['institution'] !== 'own-lender' &&
      ['loan_approval', 'card_approval', 'guarantee_review'].includes(String(data['reason'])),
  )
const askedBy = (types: readonly string[]) => (window: Window) =>
  asked(window.now).filter((data) => types.includes(String(data['institution_type']))).length >= 1

const reported = (stretch: Stretch, kind: string) =>
  dataOf(stretch, 'signal.reported').filter((data) => data['kind'] === kind)
const isReported = (kind: string) => (window: Window) => reported(window.now, kind).length > 0

function changed(field: string): Sign {
  return ({ now, before }) => {
    const usual = new Set(dataOf(before, 'repayment.received').map((data) => data[field]))
    return usual.size > 0 && dataOf(now, 'repayment.received').some((data) => !usual.has(data[field]))
  }
}

/** Less than 85 % of an instalment, as the loan's payments before it were. */
function lessThanUsual({ now, before }: Window): boolean {
  const usual = new Map(dataOf(before, 'repayment.received').map((data) => [data['loan'], num(data, 'amount_minor')]))
  return dataOf(now, 'repayment.received').some(
    (data) => num(data, 'amount_minor') < 0.85 * (usual.get(data['loan']) ?? 0),
  )
}

function fallingValue({ now, before }: Window): boolean {
  return reported(now, 'collateral_valuation').some((data) => {
    const earlier = reported(before, 'collateral_valuation').filter((one) => one['reference'] === data['reference'])
    return earlier.some((one) => num(data, 'amount_minor') < 0.85 * num(one, 'amount_minor'))
  })
}

function indexDown({ now, before }: Window): boolean {
  return ['industry_index', 'region_index'].some((kind) => {
    const first = reported(before, kind)[0]
    const last = reported(now, kind).at(-1)
    return first !== undefined && last !== undefined && num(last, 'value') < num(first, 'value') - INDEX_POINTS_DOWN
  })
}

type Statement = Readonly<Record<string, number>>
const weakStatement = ({ now }: Window) =>
  reported(now, 'financial_statement').some((data) => {
    const of = data['statement'] as Statement
    return (
      of['current_assets_minor']! < of['current_liabilities_minor']! ||
      of['operating_profit_minor']! < of['interest_expense_minor']!
    )
  })

export const SIGNS: Readonly<Record<string, Readonly<Record<string, Sign>>>> = {
  'cash-flow': {
    'pay smaller or missing': payMissing,
    'below zero': ({ now }) => now.postings.some(({ data }) => num(data, 'balance_after_minor') < 0),
    'balance nearly gone': ({ now, before }) => {
      const mean = (stretch: Stretch) => {
        const balances = dataOf(stretch, 'transaction.posted').filter(
          (data) => data['balance_after_minor'] !== undefined,
        )
        return balances.reduce((total, data) => total + num(data, 'balance_after_minor'), 0) / balances.length
      }
      return mean(now) < 0.5 * mean(before)
    },
    'debits failed': ({ now }) =>
      dataOf(now, 'transaction.posted').filter((data) => data['category'] === 'failed_debit').length >= 2,
  },
  'cash-out': {
    'back from a person': returned,
    'in parts': inParts,
    'just below a limit': ({ now }) => now.out.some(({ data }) => belowLimit(num(data, 'amount_minor'))),
    'on credit': ({ now }) => shareOfPurchases(now, (data) => data['account_kind'] === 'credit') > 0.5,
    'card not present': ({ now }) =>
      shareOfPurchases(now, (data) => ['online', 'manual'].includes(String(data['entry_mode']))) > 0.45,
    'by night': ({ now }) => shareOfPurchases(now, (_, time) => isNight(time)) > 0.1,
    'proceeds diverted': diverted,
    'paid with borrowed money': paidWithBorrowed,
    'drawn again': ({ now }) =>
      dataOf(now, 'loan.disbursed').some((data) => data['credit_limit_minor'] === data['principal_minor']),
  },
  'multi-lender': {
    'two more queries than usual': ({ now, before }) => asked(now).length >= 2 + asked(before).length / 2,
    'fast lenders': askedBy(['microloan', 'online']),
    'nights and weekends': ({ now }) =>
      asked(now).some((data) => isNight(num(data, 'queried_at')) || isDayOff(num(data, 'queried_at'))),
    consolidation: askedBy(['debt_consolidation']),
  },
  'repayment habit': {
    'other account': changed('account'),
    'other payer': changed('payer'),
    'other channel': changed('channel'),
    'less than an instalment': lessThanUsual,
    'taken back': ({ now }) => dataOf(now, 'repayment.reversed').length > 0,
    'own debit failed': ({ now }) =>
      dataOf(now, 'transaction.posted').some(
        (data) => data['category'] === 'failed_debit' && data['counterparty_kind'] === 'lender',
      ),
    contacted: ({ now }) => dataOf(now, 'contact.recorded').length > 0,
  },
  exposure: {
    // An extended loan cannot be 30 days past due within the 60 days after it.
    extended: ({ now, before }) =>
      [...dataOf(before, 'loan.restructured'), ...dataOf(now, 'loan.restructured')].some(
        (data) => data['kind'] === 'extension',
      ),
    sued: isReported('litigation'),
    enforced: isReported('enforcement'),
    'guarantor defaulted': isReported('guarantor_default'),
    'collateral worth less': fallingValue,
    'weak statement': weakStatement,
    'industry or region down': indexDown,
  },
}
