import { DEFAULT_TENANT_CONFIGURATION, type TenantConfiguration } from '../../features/events/contract.ts'
import { decodeValue } from '../../features/events/decode.ts'
import { dayOfDate } from './calendar.ts'
import { oracleValues } from './features.ts'
import type { FeatureValues, History, HistoryItem } from './history.ts'
import { receive } from './reception.ts'

/** Small histories written by hand. The tenant's zone is UTC unless a test is about zones. */

export const UTC: TenantConfiguration = { ...DEFAULT_TENANT_CONFIGURATION, zone: 'UTC' }

export type Item =
  | {
      readonly type: string
      readonly time: number | string
      readonly id?: string
      /** `undefined` for an event about nobody in particular. */
      readonly subject?: string | undefined
      readonly data: object
    }
  | { readonly tick: string }

/** Items at offsets 0, 1, 2 … Events get the ids `event-0`, `event-1` … of their offsets unless they bring one. */
export function history(...items: readonly Item[]): History {
  return items.map((item, offset): HistoryItem => {
    if ('tick' in item) return { kind: 'tick', day: dayOfDate(item.tick), offset }
    const envelope = { id: `event-${offset}`, source: 'test', subject: 'borrower-1' }
    const decoded = decodeValue({ ...envelope, ...item }, 'default')
    if (!decoded.ok) throw new Error(decoded.detail)
    return { kind: 'event', event: decoded.event, offset }
  })
}

/** Values of the last evaluation. */
export function valuesAfter(items: History, configuration = UTC): FeatureValues {
  const last = receive(items, configuration).receptions.findLast(({ evaluated }) => evaluated)
  return oracleValues(last!.received, configuration)
}

/** The named values only. */
export function pick(values: FeatureValues, ...names: readonly string[]): (number | null)[] {
  return names.map((name) => {
    const value = values[name]
    if (value === undefined) throw new Error(`no feature ${name}`)
    return value
  })
}

type When = number | string

export const noon = (date: string): string => `${date}T12:00:00Z`

export function posted(time: When, direction: 'in' | 'out', amount_minor: number, data: object = {}): Item {
  return {
    type: 'transaction.posted',
    time,
    data: { account: 'a', direction, currency: 'CNY', amount_minor, ...data },
  }
}

export function queried(time: When, institution: string, data: object = {}): Item {
  return { type: 'bureau.queried', time, data: { institution, reason: 'loan_approval', queried_at: time, ...data } }
}

/** A loan of equal instalments of principal on the given due dates. */
export function disbursed(
  date: string,
  loan: string,
  principal_minor: number,
  due: readonly string[],
  data: object = {},
): Item {
  const schedule = due.map((due_date) => ({ due_date, principal_minor: principal_minor / due.length }))
  return {
    type: 'loan.disbursed',
    time: noon(date),
    data: { loan, currency: 'CNY', principal_minor, disbursed_at: noon(date), schedule, ...data },
  }
}

/** A repayment booked and paid at noon, unless `data` says otherwise. */
export function paid(date: string, loan: string, amount_minor: number, data: object = {}): Item {
  return {
    type: 'repayment.received',
    time: noon(date),
    data: { loan, currency: 'CNY', amount_minor, paid_at: noon(date), ...data },
  }
}

export function reversedOn(date: string, loan: string, repayment: string): Item {
  return { type: 'repayment.reversed', time: noon(date), data: { loan, repayment } }
}

export function restructured(date: string, loan: string, schedule: readonly [due: string, principal: number][]): Item {
  return {
    type: 'loan.restructured',
    time: noon(date),
    data: {
      loan,
      effective_date: date,
      schedule: schedule.map(([due_date, principal_minor]) => ({ due_date, principal_minor })),
    },
  }
}

export function closed(date: string, loan: string): Item {
  return { type: 'loan.closed', time: noon(date), data: { loan, closed_at: noon(date) } }
}

export function writtenOff(date: string, loan: string): Item {
  return { type: 'loan.written_off', time: noon(date), data: { loan, written_off_at: noon(date) } }
}

/** One tick for each date from the first to the last. */
export function ticks(first: string, last: string): Item[] {
  const result: Item[] = []
  for (let day = dayOfDate(first); day <= dayOfDate(last); day++) {
    result.push({ tick: new Date(day * 86_400_000).toISOString().slice(0, 10) })
  }
  return result
}

export function signalled(time: When, kind: string, data: object = {}): Extract<Item, { type: string }> {
  return { type: 'signal.reported', time, data: { kind, reported_at: time, ...data } }
}

/** A signal about nobody in particular. */
export function index(time: When, kind: string, reference: string, value: number): Item {
  return { ...signalled(time, kind, { reference, value }), subject: undefined }
}

export function contacted(time: When, loan?: string): Item {
  const about = loan === undefined ? {} : { loan }
  return { type: 'contact.recorded', time, data: { ...about, channel: 'call', contacted_at: time } }
}
