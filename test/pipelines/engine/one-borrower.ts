import type { Event, TenantConfiguration } from '../../../features/events/contract.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import { dateOfDay } from '../../../features/time.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import type { OracleCase } from '../../oracle/history.ts'

/** A log of one partition and one slice, so that every tick is the borrower's. */
export const ONE_BORROWER_SHAPE = { partitions: 1, slices: 1 }
const TENANT = 'default'

/** The oracle's case as a log: definitions and configuration first, then the items, numbered without gaps. */
export function logOf({ history, configuration }: OracleCase): LogRecord[] {
  const events = [
    control('definitions.published', '', currentDefinitions(null)),
    control('tenant.configured', TENANT, configuration),
    ...history.map((item) =>
      item.kind === 'event'
        ? item.event
        : control('day.closed', TENANT, { date: dateOfDay(item.day), slice: 0, slices: 1 }),
    ),
  ]
  return events.map((event, offset) => ({
    partition: 0,
    offset,
    received_at: 0,
    source_partition: 'test',
    source_position: offset,
    event,
  }))
}

/** Offset in `logOf` of the item with this index. */
export function offsetOfItem(index: number): number {
  return index + 2
}

function control(type: string, tenant: string, data: TenantConfiguration | object): Event {
  return { id: type, source: 'foreshock', type, version: 1, time: 0, tenant, subject: '', data } as unknown as Event
}
