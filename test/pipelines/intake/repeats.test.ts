import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { disbursement, noon, type RawEvent, toIncoming, transaction } from '../run/events.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { IntakeLog } from './log.ts'

const folder = temporaryFolder()
let log: IntakeLog

beforeAll(async () => {
  log = await IntakeLog.open(folder, { partitions: 1, slices: 2 })
})
afterAll(() => log.database.close())

/** One event a day from day `from` to day `to`, so that time passes. */
function days(from: number, to: number): RawEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => transaction(`day-${from + i}`, noon(from + i), 'clock'))
}

describe('an event that comes again', () => {
  it('is a repeat by its id and source, and is stored once', async () => {
    const event = transaction('a', noon(0), 'b')
    expect(await log.outcomes('once', [event, event])).toEqual(['accepted', 'repeat'])
    expect(await log.outcomes('once', [event, { ...event, source: 'another bank' }])).toEqual([
      'repeat',
      'invalid_field',
    ])
    expect(await log.outcomes('once', [{ ...event, source: 'another-bank' }])).toEqual(['accepted'])
    expect(await log.ids('once')).toEqual(['a', 'a'])
  })

  it('is a conflict when it says something else, and the first one stands', async () => {
    const event = transaction('a', noon(0), 'b')
    const others = [
      transaction('a', noon(0), 'b', { amount_minor: 101 }),
      transaction('a', noon(0, 1), 'b'),
      transaction('a', noon(0), 'somebody else'.replace(' ', '-')),
      disbursement('a', noon(0), 'b', 'loan'),
    ].map((one) => ({ ...one, source: 'bank' }))
    expect(await log.outcomes('conflict', [event, ...others])).toEqual(['accepted', ...others.map(() => 'conflict')])
    expect(await log.ids('conflict')).toEqual(['a'])
    expect(await log.deadLetters('conflict')).toEqual(
      others.map((_, i) => ({ source_position: i + 2, step: 'intake', reason: 'conflict' })),
    )
  })

  it('is the same whatever the order of its keys and the fields that nobody knows', async () => {
    const event = transaction('a', noon(0), 'b')
    const other = JSON.stringify({
      ...event,
      data: { nickname: 'x', ...Object.fromEntries(Object.entries(event.data).reverse()) },
    })
    expect(await log.outcomes('order', [event, other])).toEqual(['accepted', 'repeat'])
  })

  it('is another event for another tenant', async () => {
    const event = transaction('a', noon(0), 'b')
    expect(await log.outcomes('mine', [event])).toEqual(['accepted'])
    expect(await log.outcomes('yours', [event])).toEqual(['accepted'])
  })

  it.each(['at once', 'after a restart'])('is found in the log however old it is: %s', async (when) => {
    const tenant = `old ${when}`.replaceAll(' ', '-')
    const old = transaction('old', noon(2), 'b')
    expect(await log.outcomes(tenant, [...days(0, 2), old, ...days(3, 60)])).toEqual(Array(62).fill('accepted'))
    if (when === 'after a restart') await log.restart()
    const changed = transaction('old', noon(2), 'b', { amount_minor: 101 })
    expect(await log.outcomes(tenant, [old, changed, ...days(3, 4)])).toEqual([
      'repeat',
      'conflict',
      'repeat',
      'repeat',
    ])
    expect((await log.ids(tenant)).filter((id) => id === 'old')).toEqual(['old'])
  })

  it('is found when the days that made it old were closed by its own batch', async () => {
    const old = transaction('old', noon(40), 'b')
    await log.take('one-batch', [...days(0, 40), old])
    // When the batch begins the event is recent, and memory has it. By its end 60 more days are closed.
    expect((await log.outcomes('one-batch', [...days(41, 100), old])).at(-1)).toBe('repeat')
  })

  it('is found among those dated ahead, long after the day on which it came', async () => {
    const ahead = transaction('ahead', noon(80), 'b')
    await log.take('ahead', [...days(0, 2), ahead, ...days(3, 79)])
    expect((await log.outcomes('ahead', [ahead])).at(-1)).toBe('repeat')
    await log.take('ahead', days(80, 100))
    expect((await log.outcomes('ahead', [ahead])).at(-1)).toBe('repeat')
  })

  it('is found when it was late already the first time', async () => {
    const late = transaction('late', noon(1), 'b')
    await log.take('late', days(0, 70))
    expect(await log.outcomes('late', [late, late])).toEqual(['accepted', 'repeat'])
    expect(await log.outcomes('late', [late])).toEqual(['repeat'])
    await log.restart()
    expect(await log.outcomes('late', [late])).toEqual(['repeat'])
  })

  it('that was refused before is no repeat: it may be sent again', async () => {
    const future = transaction('future', noon(500), 'b')
    expect(await log.outcomes('redrive', [...days(0, 2), future])).toEqual([...Array(3).fill('accepted'), 'future'])
    await log.take('redrive', days(3, 120))
    expect(await log.outcomes('redrive', [future])).toEqual(['accepted'])
  })

  it('of a tenant that sleeps is found as well, and ids of others are not kept for it', async () => {
    await log.take('asleep', [...days(0, 40)])
    await log.take('awake', days(0, 100))
    expect(await log.outcomes('asleep', days(0, 40))).toEqual(Array(41).fill('repeat'))
    expect(log.intake.idsKept('awake')).toBeLessThan(45)
    expect(log.intake.idsKept('asleep')).toBeGreaterThan(30)
  })
})

describe('a position that the log holds', () => {
  it('is passed over whatever stands there now', async () => {
    await log.take('position', [transaction('a', noon(0), 'b'), transaction('c', noon(0), 'b')])
    await log.restart()
    const again = { tenant: 'position', partition: 'file:position' }
    const { results } = await log.intake.take(
      toIncoming([transaction('new', noon(0), 'b')], { ...again, position: 2 }),
      undefined,
    )
    expect(results.map(({ status }) => status)).toEqual(['repeat'])
    const { results: next } = await log.intake.take(
      toIncoming([transaction('new', noon(0), 'b')], { ...again, position: 3 }),
      undefined,
    )
    expect(next.map(({ status }) => status)).toEqual(['accepted'])
  })
})
