import { describe, expect, it } from 'vitest'
import type { Event, PublishedDefinitions } from '../../../features/events/contract.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import { currentDefinitions } from '../../../pipelines/engine/definitions.ts'
import { dateAfter, disbursement, noon, type RawEvent, toIncoming, transaction } from '../run/events.ts'
import type { CollectedRows } from './collected.ts'
import { ONE_BORROWER_SHAPE } from './one-borrower.ts'
import { newEngine, process } from './replay.ts'

const all = currentDefinitions(null)
const without = (rule: string): PublishedDefinitions => ({ ...all, rules: all.rules.filter((one) => one !== rule) })

function control(type: string, tenant: string, data: object): Event {
  return { id: type, source: 'foreshock', type, version: 1, time: 0, tenant, subject: '', data } as unknown as Event
}
const publish = (definitions: PublishedDefinitions): Event => control('definitions.published', '', definitions)
const close = (day: number): Event => control('day.closed', 'default', { date: dateAfter(day), slice: 0, slices: 1 })
const closeDays = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => close(from + i))

function decoded(raw: RawEvent): Event {
  const [item] = toIncoming([raw], { tenant: 'default', partition: 'p' })
  if (item?.decoded.ok !== true) throw new Error('not an event')
  return item.decoded.event
}

function logOf(events: readonly Event[]): LogRecord[] {
  return events.map((event, offset) => ({
    partition: 0,
    offset,
    received_at: 0,
    source_partition: 'p',
    source_position: offset,
    event,
  }))
}

/** The feed as `type day`. */
function feedOf(rows: CollectedRows): string[] {
  return [...rows.rows]
    .filter(([key]) => key.startsWith('warnings '))
    .map(([, row]) => JSON.parse(row) as { type: string; time: number })
    .map(({ type, time }) => `${type} ${Math.round((time - noon(0)) / 86_400_000)}`)
}

/** A borrower with a loan that runs, and on day 1 a lawsuit: a yellow signal of one rule for a year. */
const sued = [
  decoded(disbursement('loan', noon(0), 'b', 'l')),
  decoded({
    ...transaction('lawsuit', noon(1), 'b'),
    type: 'signal.reported',
    data: { kind: 'litigation', reported_at: noon(1) },
  }),
]

describe('a change of the definitions in force', () => {
  it('keeps a warning open that other rules still hold open', async () => {
    const log = logOf([publish(all), ...sued, ...closeDays(0, 2), publish(without('overdrawn@1')), ...closeDays(3, 20)])
    expect(feedOf(await process(newEngine(ONE_BORROWER_SHAPE), log))).toEqual(['opened 1'])
  })

  it('lets a warning end, after its quiet days, that only a withdrawn rule held open', async () => {
    const log = logOf([
      publish(all),
      ...sued,
      ...closeDays(0, 2),
      publish(without('litigation@1')),
      ...closeDays(3, 20),
    ])
    // The borrower was last evaluated at the end of day 2: days 3 to 9 are quiet.
    for (const batch of [1, 5, 100]) {
      expect(feedOf(await process(newEngine(ONE_BORROWER_SHAPE), log, batch))).toEqual(['opened 1', 'cleared 9'])
    }
  })

  it('lets a rule speak again that comes back', async () => {
    const definitions = [publish(without('litigation@1')), ...closeDays(3, 20), publish(all), close(21)]
    const log = logOf([publish(all), ...sued, ...closeDays(0, 2), ...definitions])
    expect(feedOf(await process(newEngine(ONE_BORROWER_SHAPE), log))).toEqual(['opened 1', 'cleared 9', 'opened 21'])
  })
})
