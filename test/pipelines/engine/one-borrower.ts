import type { Event, PublishedDefinitions } from '../../../features/events/contract.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import { dateOfDay } from '../../../features/time.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import type { OracleCase } from '../../oracle/history.ts'
import { type RawEvent, toIncoming } from '../run/events.ts'

/** A log of one partition and one slice, so that every tick is the borrower's. */
export const ONE_BORROWER_SHAPE = { partitions: 1, slices: 1 }
const TENANT = 'default'

/** The oracle's case as a log: definitions and configuration first, then the items, numbered without gaps. */
export function logOf({ history, configuration }: OracleCase): LogRecord[] {
  return logOfEvents([
    publishing(currentDefinitions(null)),
    control('tenant.configured', TENANT, configuration),
    ...history.map((item) => (item.kind === 'event' ? item.event : closing(item.day))),
  ])
}

/** Offset in `logOf` of the item with this index. */
export function offsetOfItem(index: number): number {
  return index + 2
}

export function logOfEvents(events: readonly Event[]): LogRecord[] {
  return events.map((event, offset) => ({
    partition: 0,
    offset,
    received_at: 0,
    source_partition: 'test',
    source_position: offset,
    event,
  }))
}

export function publishing(definitions: PublishedDefinitions): Event {
  return control('definitions.published', '', definitions)
}

/** The tick of a day, counted from 1970-01-01. */
export function closing(day: number): Event {
  return control('day.closed', TENANT, { date: dateOfDay(day), slice: 0, slices: 1 })
}

/** An event as decoding makes it. */
export function decoded(raw: RawEvent): Event {
  const [item] = toIncoming([raw], { tenant: TENANT, partition: 'test' })
  if (item?.decoded.ok !== true) throw new Error(`not an event: ${JSON.stringify(item?.decoded)}`)
  return item.decoded.event
}

function control(type: string, tenant: string, data: object): Event {
  return { id: type, source: 'foreshock', type, version: 1, time: 0, tenant, subject: '', data } as unknown as Event
}
