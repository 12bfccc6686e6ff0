import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dayOfDate, MS_PER_DAY, MS_PER_HOUR } from '../../../features/time.ts'
import { configuration, dateAfter, endOfDay, noon, type RawEvent, transaction } from '../run/events.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { IntakeLog } from './log.ts'

const SLICES = 3
const folder = temporaryFolder()
let log: IntakeLog

beforeAll(async () => {
  log = await IntakeLog.open(folder, { partitions: 2, slices: SLICES })
})
afterAll(() => log.database.close())

let ids = 0
const at = (time: number): RawEvent => transaction(`event-${ids++}`, time, 'borrower-1')
const days = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => dateAfter(from + i))
const closeThrough = async (tenant: string, day: number) => {
  while ((await log.intake.closeThrough(tenant, dayOfDate(dateAfter(day)))).length > 0);
}
const restarts = [
  ['', async () => {}],
  [', restarted in between', () => log.restart()],
] as const

describe.each(restarts)('a source without a clock%s', (name, between) => {
  const tenantOf = (what: string) => `${what}${name === '' ? '' : '-restarted'}`

  it('closes a day when two events have reached its end and six hours more', async () => {
    const tenant = tenantOf('six-hours')
    await log.take(tenant, [at(noon(0)), at(noon(0)), at(noon(1))])
    await between()
    await log.take(tenant, [at(endOfDay(0) + 6 * MS_PER_HOUR - 1), at(endOfDay(0) + 6 * MS_PER_HOUR - 1)])
    expect(await log.closedDays(tenant)).toEqual([])
    await between()
    await log.take(tenant, [at(endOfDay(0) + 6 * MS_PER_HOUR), at(endOfDay(0) + 6 * MS_PER_HOUR)])
    expect(await log.closedDays(tenant)).toEqual(days(0, 0))
  })

  it('closes slice by slice, in every partition, and skipped days one by one', async () => {
    const tenant = tenantOf('slices')
    await log.take(tenant, [at(noon(0)), at(noon(1))])
    await between()
    await log.take(tenant, [at(noon(4)), at(noon(4))])
    const ticks = days(0, 3).flatMap((day) =>
      Array.from({ length: SLICES }, (_, slice) => `day.closed/${day}/${slice}`),
    )
    for (const partition of [0, 1]) {
      const rows = await log.sql.query<{ id: string }>(
        `SELECT id FROM events WHERE tenant = '${tenant}' AND partition = ${partition} AND type = 'day.closed' ORDER BY offset`,
      )
      expect(rows.map(({ id }) => id)).toEqual(ticks)
    }
  })

  it('is not led astray by one mistyped year: it closes nothing', async () => {
    const tenant = tenantOf('mistyped')
    await log.take(tenant, [at(noon(0)), at(noon(1)), at(noon(1))])
    await between()
    // Within 400 days of the time reached it is believed, but by itself it reaches nothing: noon of day 3 does.
    expect(await log.outcomes(tenant, [at(noon(390)), at(noon(1)), at(noon(3))])).toEqual(Array(3).fill('accepted'))
    expect(await log.closedDays(tenant)).toEqual(days(0, 2))
    await between()
    expect(await log.outcomes(tenant, [at(noon(4)), at(noon(2))])).toEqual(['accepted', 'accepted'])
    expect(await log.closedDays(tenant)).toEqual(days(0, 3))
    await between()
    // A second one that far makes it true.
    await log.take(tenant, [at(noon(20))])
    await log.take(tenant, [at(noon(391))])
    expect(await log.closedDays(tenant)).toEqual(days(0, 389))
  })

  it('is not led astray by a mistyped year in its very first line either', async () => {
    const tenant = tenantOf('mistyped-first')
    await log.take(tenant, [at(noon(36_500))])
    await between()
    await log.take(tenant, [at(noon(0))])
    await between()
    expect(await log.outcomes(tenant, [at(noon(1)), at(noon(3)), at(noon(2000))])).toEqual([
      'accepted',
      'accepted',
      'future',
    ])
    expect(await log.closedDays(tenant)).toEqual(days(0, 2))
  })

  it('refuses what lies more than 400 days ahead of the time reached', async () => {
    const tenant = tenantOf('future')
    await log.take(tenant, [at(noon(0)), at(noon(2)), at(noon(1))])
    await between()
    const reached = noon(1)
    expect(await log.outcomes(tenant, [at(reached + 400 * MS_PER_DAY + 1), at(reached + 400 * MS_PER_DAY)])).toEqual([
      'future',
      'accepted',
    ])
    expect(await log.deadLetters(tenant)).toEqual([{ source_position: 4, step: 'intake', reason: 'future' }])
  })

  it('closes nothing more at its end, unless somebody asks for it', async () => {
    const tenant = tenantOf('end')
    await log.take(tenant, [at(noon(0)), at(noon(1)), at(noon(5))])
    await between()
    expect(await log.closedDays(tenant)).toEqual(days(0, 0))
    await closeThrough(tenant, 9)
    await between()
    expect(await log.closedDays(tenant)).toEqual(days(0, 9))
    await closeThrough(tenant, 9)
    // What comes then is late, and taken.
    expect(await log.outcomes(tenant, [at(noon(6)), at(noon(10)), at(noon(10))])).toEqual(Array(3).fill('accepted'))
    await between()
    expect(await log.closedDays(tenant)).toEqual(days(0, 9))
    await log.take(tenant, [at(noon(12)), at(noon(12))])
    expect(await log.closedDays(tenant)).toEqual(days(0, 11))
  })

  it('closes from its first event on when asked to, though only one came', async () => {
    const tenant = tenantOf('one-event')
    await log.take(tenant, [at(noon(3))])
    await between()
    await closeThrough(tenant, 5)
    expect(await log.closedDays(tenant)).toEqual(days(3, 5))
  })

  it('takes the time reached as the time at which it received an event', async () => {
    const tenant = tenantOf('received')
    await log.take(tenant, [at(noon(0)), at(noon(1))])
    await between()
    await log.take(tenant, [{ ...at(noon(3)), subject: 'borrower-1' }, at(noon(2)), at(noon(2))])
    const partition = await log.sql.query<{ received: number }>(
      `SELECT toUnixTimestamp64Milli(received_at) AS received FROM events
       WHERE tenant = '${tenant}' AND type = 'transaction.posted' ORDER BY partition, offset`,
    )
    expect(partition.map(({ received }) => received)).toEqual([0, noon(0), noon(1), noon(2), noon(2)])
  })

  it('closes the days of the zone that its tenant configured', async () => {
    const tenant = tenantOf('zone')
    await log.take(tenant, [configuration('c', noon(0), { zone: 'America/New_York' }), at(noon(0)), at(noon(0))])
    await between()
    // 2024-01-01 ends there at 05:00 UTC of the next day.
    const due = Date.UTC(2024, 0, 2, 5) - 1 + 6 * MS_PER_HOUR
    await log.take(tenant, [at(Date.UTC(2023, 11, 31, 12)), at(due - 1), at(due - 1)])
    expect(await log.closedDays(tenant)).toEqual(['2023-12-31'])
    await between()
    await log.take(tenant, [at(due), at(due)])
    expect(await log.closedDays(tenant)).toEqual(['2023-12-31', '2024-01-01'])
  })
})

describe.each(restarts)('a live source%s', (name, between) => {
  const tenantOf = (what: string) => `live-${what}${name === '' ? '' : '-restarted'}`

  it('refuses what lies more than a day ahead of the clock, and takes anything older', async () => {
    const tenant = tenantOf('future')
    const now = noon(100)
    const lines = [at(now + MS_PER_DAY), at(now + MS_PER_DAY + 1), at(now - 3000 * MS_PER_DAY), at(now)]
    expect(await log.outcomes(tenant, lines, now)).toEqual(['accepted', 'future', 'accepted', 'accepted'])
  })

  it('closes its days by the clock, from its first event on, one slice in one partition after the other between the events', async () => {
    const tenant = tenantOf('clock')
    const due = endOfDay(100) + 6 * MS_PER_HOUR
    await log.outcomes(tenant, [{ ...at(noon(90)), id: 'first' }], noon(100))
    await between()
    expect(await log.intake.closeDueSlice(tenant, due - 1)).toEqual([])
    const closeSlice = async () => {
      expect(await log.intake.closeDueSlice(tenant, due)).toHaveLength(1)
      await between()
      expect(await log.intake.closeDueSlice(tenant, due)).toHaveLength(1)
    }
    await closeSlice()
    await between()
    await log.outcomes(tenant, [{ ...at(noon(101)), id: 'second' }], due)
    await between()
    await closeSlice()
    await between()
    await log.outcomes(tenant, [{ ...at(noon(101)), id: 'third' }], due)
    await closeSlice()
    await between()
    expect(await log.intake.closeDueSlice(tenant, due)).toEqual([])
    const partition = (
      await log.sql.query<{ p: number }>(
        `SELECT DISTINCT partition AS p FROM events WHERE tenant = '${tenant}' AND borrower = 'borrower-1'`,
      )
    )[0]?.p
    const rows = await log.sql.query<{ id: string }>(
      `SELECT id FROM events WHERE tenant = '${tenant}' AND partition = ${partition} AND type != 'tenant.configured' ORDER BY offset`,
    )
    const tick = (slice: number) => `day.closed/${dateAfter(100)}/${slice}`
    expect(rows.map(({ id }) => id)).toEqual(['first', tick(0), 'second', tick(1), 'third', tick(2)])
  })

  it('closes the days that nobody was there to close, one by one', async () => {
    const tenant = tenantOf('absent')
    await log.outcomes(tenant, [at(noon(100))], noon(100))
    await between()
    const now = endOfDay(101) + 6 * MS_PER_HOUR
    while ((await log.intake.closeDueSlice(tenant, now)).length > 0) await between()
    expect(await log.closedDays(tenant)).toEqual(days(100, 101))
    const records = (await log.stored(tenant)).filter(({ type }) => type === 'day.closed')
    expect(records.map(({ received_at }) => received_at)).toEqual(records.map(() => now))
  })

  it('is never closed by the time of its events', async () => {
    const tenant = tenantOf('events')
    await log.outcomes(tenant, [at(noon(100)), at(noon(100))], noon(100))
    await between()
    await log.outcomes(tenant, [at(noon(104)), at(noon(104))], noon(103))
    expect(await log.closedDays(tenant)).toEqual([])
  })
})

describe('control events from outside', () => {
  const tick = {
    id: 't',
    source: 's',
    type: 'day.closed',
    time: noon(0),
    data: { date: '2024-01-01', slice: 0, slices: 1 },
  }

  it('are refused: a tick and definitions always', async () => {
    const definitions = {
      ...tick,
      type: 'definitions.published',
      data: { features: [], rules: [], model: null, decision: 'd' },
    }
    const refused = ['control_from_outside', 'control_from_outside']
    expect(await log.outcomes('outside', [tick, definitions])).toEqual(refused)
    expect(await log.outcomes('outside', [tick, definitions], noon(0))).toEqual(refused)
    expect(await log.stored('outside')).toEqual([])
  })

  it('are refused: a configuration that is not the first event of its tenant', async () => {
    const own = configuration('c', noon(0), { zone: 'Europe/Prague', currency: 'CZK' })
    const other = configuration('d', noon(0), { zone: 'Europe/Paris' })
    expect(await log.outcomes('configured', ['bad line', own, at(noon(0)), other, own])).toEqual([
      'not_json',
      'accepted',
      'accepted',
      'already_configured',
      'repeat',
    ])
    await log.restart()
    expect(await log.outcomes('configured', [other, own])).toEqual(['already_configured', 'repeat'])
    expect(await log.outcomes('unconfigured', [at(noon(0)), own])).toEqual(['accepted', 'already_configured'])
    const stored = (await log.stored('unconfigured')).filter(({ type }) => type === 'tenant.configured')
    expect(stored.map(({ data }) => JSON.parse(data) as unknown)).toMatchObject([
      { zone: 'Asia/Shanghai', currency: 'CNY' },
    ])
  })

  it('are refused: a configuration that comes live', async () => {
    expect(await log.outcomes('live-configured', [configuration('c', noon(0))], noon(0))).toEqual([
      'control_from_outside',
    ])
    expect(await log.stored('live-configured')).toEqual([])
  })
})
