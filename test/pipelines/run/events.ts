import { decodeBytes } from '../../../features/events/decode.ts'
import { MS_PER_DAY, MS_PER_HOUR } from '../../../features/time.ts'
import type { Incoming } from '../../../pipelines/intake/items.ts'

/** An event as it stands in a file or a request. */
export type RawEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly time: number
  readonly subject?: string
  readonly data: Readonly<Record<string, unknown>>
}

/** UTC milliseconds of noon, in the default tenant's zone (Asia/Shanghai), of day `day` after 2024-01-01. */
export function noon(day: number, minutes = 0): number {
  return Date.UTC(2024, 0, 1, 4) + day * MS_PER_DAY + minutes * 60_000
}

/** Last millisecond of day `day` after 2024-01-01 in Asia/Shanghai. */
export function endOfDay(day: number): number {
  return noon(day) + 12 * MS_PER_HOUR - 1
}

/** Day `day` after 2024-01-01, as a date. */
export function dateAfter(day: number): string {
  return new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10)
}

export function transaction(id: string, time: number, subject: string, data: Record<string, unknown> = {}): RawEvent {
  return {
    id,
    source: 'bank',
    type: 'transaction.posted',
    time,
    subject,
    data: { account: `account-of-${subject}`, direction: 'in', currency: 'CNY', amount_minor: 100, ...data },
  }
}

/** A loan of three monthly instalments of 1,000.00, the first due 30 days after it was disbursed. */
export function disbursement(
  id: string,
  time: number,
  subject: string,
  loan: string,
  data: Record<string, unknown> = {},
): RawEvent {
  const day = Math.floor((time - noon(0)) / MS_PER_DAY)
  const schedule = [30, 60, 90].map((after) => ({ due_date: dateAfter(day + after), principal_minor: 100_000 }))
  const terms = { loan, currency: 'CNY', principal_minor: 300_000, disbursed_at: time, schedule }
  return { id, source: 'loans', type: 'loan.disbursed', time, subject, data: { ...terms, ...data } }
}

export function repayment(id: string, time: number, subject: string, loan: string, amount_minor = 100_000): RawEvent {
  const data = { loan, currency: 'CNY', amount_minor, paid_at: time }
  return { id, source: 'loans', type: 'repayment.received', time, subject, data }
}

export function configuration(id: string, time: number, data: Record<string, unknown> = {}): RawEvent {
  return { id, source: 'loans', type: 'tenant.configured', time, data }
}

/** What a source hands over: one item per line (an object is made a line), numbered on from `position`. */
export function toIncoming(
  lines: readonly (RawEvent | string)[],
  place: { readonly tenant: string; readonly partition: string; readonly position?: number },
): Incoming[] {
  return lines.map((line, i) => {
    const bytes = Buffer.from(typeof line === 'string' ? line : JSON.stringify(line))
    return {
      tenant: place.tenant,
      source_partition: place.partition,
      source_position: (place.position ?? 1) + i,
      item: 0,
      bytes,
      decoded: decodeBytes(bytes, place.tenant),
    }
  })
}
