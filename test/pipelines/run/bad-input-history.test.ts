import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MS_PER_DAY } from '../../../features/time.ts'
import type { Pipeline } from '../../../pipelines/run/pipeline.ts'
import type { Sql } from '../../../sql/client.ts'
import { temporaryFolder } from '../sources/helpers.ts'
import { dateAfter, disbursement, noon, type RawEvent, repayment, toIncoming, transaction } from './events.ts'
import { openAt } from './open.ts'

/** Bad input against what is already known: each time the same events without it must give the same rows. */

const folder = temporaryFolder()
let pipeline: Pipeline
let sql: Sql

beforeAll(async () => {
  pipeline = await openAt(join(folder, 'data'), { shape: { partitions: 2, slices: 2 }, withoutModel: true })
  sql = pipeline.database.session()
})
afterAll(async () => {
  await sql.close()
  await pipeline.close()
})

const positions = new Map<string, number>()
async function take(tenant: string, lines: readonly RawEvent[], now?: number): Promise<string[]> {
  const partition = now === undefined ? `file:${tenant}` : `http:${tenant}`
  const position = positions.get(partition) ?? 1
  positions.set(partition, position + lines.length)
  const results = await pipeline.take(toIncoming(lines, { tenant, partition, position }), now)
  await pipeline.drain()
  return results.map((result) => result.reason ?? result.status)
}

/** All feature rows of a tenant without what its name decides: the places. */
const rowsOf = (tenant: string): Promise<Record<string, unknown>[]> =>
  sql.query(
    `SELECT * EXCEPT (tenant, partition, offset) FROM features WHERE tenant = '${tenant}'
     ORDER BY borrower, partition, offset`,
  )
const deadLetters = (tenant: string): Promise<Record<string, unknown>[]> =>
  sql.query(
    `SELECT event_id, step, reason, borrower FROM dead_letters WHERE tenant = '${tenant}' ORDER BY source_position, step`,
  )
const closedDays = async (tenant: string): Promise<string[]> => {
  const rows = await sql.query<{ date: string }>(
    `SELECT DISTINCT JSONExtractString(data, 'date') AS date FROM events
     WHERE tenant = '${tenant}' AND type = 'day.closed' ORDER BY date`,
  )
  return rows.map(({ date }) => date)
}

/** Some days of a borrower with a loan and of a neighbour. */
function days(from: number, until: number): RawEvent[] {
  return Array.from({ length: until - from }, (_, i) => from + i).flatMap((day) => [
    transaction(`b-${day}`, noon(day), 'b', { amount_minor: 100 + day, balance_after_minor: 10 * day }),
    transaction(`n-${day}`, noon(day, 1), 'neighbour', { amount_minor: 200 + day }),
  ])
}
const history = [disbursement('loan', noon(0, -1), 'b', 'l'), ...days(0, 40)]

describe('a clock that jumps ten years ahead in one event', () => {
  const jump = transaction('jump', noon(40) + 3652 * MS_PER_DAY, 'b')

  it('in a file: it is refused as future, closes nothing, and nobody loses history', async () => {
    await take('jump', history)
    const before = await rowsOf('jump')
    expect(await take('jump', [jump])).toEqual(['future'])
    expect(await rowsOf('jump')).toEqual(before)
    await take('jump', days(40, 45))
    await take('calm', [...history, ...days(40, 45)])
    expect(await deadLetters('jump')).toEqual([{ event_id: 'jump', step: 'intake', reason: 'future', borrower: 'b' }])
    expect(await closedDays('jump')).toEqual(await closedDays('calm'))
    expect((await closedDays('jump')).at(-1)).toBe(dateAfter(43))
    const rows = await rowsOf('jump')
    expect(rows.filter(({ type }) => type === 'transaction.posted')).toHaveLength(90)
    expect(rows).toEqual(await rowsOf('calm'))
    // The values of 30 days before it still count: the 31 of the window's days and not the new ones alone.
    expect(rows.findLast(({ borrower }) => borrower === 'neighbour')).toMatchObject({ inflow_count_30d: 30 })
  })

  it('live: it is refused against the clock, and nobody loses history', async () => {
    for (const tenant of ['live-jump', 'live-calm']) await take(tenant, history, noon(39, 2))
    expect(await take('live-jump', [jump], noon(40))).toEqual(['future'])
    for (const tenant of ['live-jump', 'live-calm']) await take(tenant, days(40, 42), noon(41, 2))
    expect(await rowsOf('live-jump')).toEqual(await rowsOf('live-calm'))
    expect(await deadLetters('live-calm')).toEqual([])
  })
})

describe('ticks without events', () => {
  /** Somebody without a loan in the other partition or slice moves time on. */
  const clock = (day: number): RawEvent[] => [0, 1].map((i) => transaction(`c-${day}-${i}`, noon(day, i), 'clock'))

  it('are in the log and make no row where nobody is exposed', async () => {
    await take('idle', [...clock(0), ...clock(100)])
    expect(await closedDays('idle')).toHaveLength(100)
    expect((await rowsOf('idle')).map(({ type }) => type)).toEqual(
      Array.from({ length: 4 }, () => 'transaction.posted'),
    )
    expect(await deadLetters('idle')).toEqual([])
  })

  it('make a row at month ends and where a signal changed of an exposed borrower that was silent for months', async () => {
    await take('silent', [disbursement('loan', noon(0), 'b', 'l'), ...clock(0), ...clock(150)])
    const rows = await sql.query<{ date: string; dpd_now: number; changed: number }>(
      `SELECT toString(toDate(time, 'Asia/Shanghai')) AS date, dpd_now,
         (partition, offset) IN (SELECT partition, offset FROM signals WHERE tenant = 'silent') AS changed
       FROM features WHERE tenant = 'silent' AND borrower = 'b' AND type = 'day.closed' ORDER BY offset`,
    )
    const dpd = rows.map(({ date, dpd_now }) => [date, dpd_now])
    const monthEnds = ['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']
    // Due on 2024-01-31, then a day more each day; the day after it is the first past due.
    expect(dpd.filter(([date]) => monthEnds.includes(date as string))).toEqual([
      ['2024-01-31', 0],
      ['2024-02-29', 29],
      ['2024-03-31', 60],
      ['2024-04-30', 90],
    ])
    expect(dpd).toContainEqual(['2024-02-01', 1])
    expect(rows.filter(({ date, changed }) => !monthEnds.includes(date) && changed === 0)).toEqual([])
    expect(rows.length).toBeLessThan(30)
  })
})

describe('a reversal of an unknown repayment', () => {
  const reversal = (id: string, day: number, loan: string): RawEvent => ({
    ...repayment(id, noon(day, 2), 'b', loan),
    type: 'repayment.reversed',
    data: { loan, repayment: 'never-sent' },
  })

  it('is refused, at once or when its loan has not come, and neither borrower nor neighbour notice', async () => {
    const known = reversal('of-known', 40, 'l')
    const unknown = reversal('of-unknown', 40, 'other')
    await take('reversal', [...history, known, unknown, ...days(41, 46)])
    expect(await deadLetters('reversal')).toEqual([
      { event_id: 'of-known', step: 'apply', reason: 'unknown_repayment', borrower: 'b' },
    ])
    await take('reversal', days(46, 50))
    expect((await deadLetters('reversal')).map(({ event_id, reason }) => [event_id, reason])).toEqual([
      ['of-known', 'unknown_repayment'],
      ['of-unknown', 'unknown_loan'],
    ])
    await take('no-reversal', [...history, ...days(41, 50)])
    const rows = await rowsOf('reversal')
    // The held one has a row of its own place, and nothing else differs.
    expect(rows.filter(({ type }) => type === 'repayment.reversed')).toHaveLength(1)
    expect(rows.filter(({ type }) => type !== 'repayment.reversed')).toEqual(await rowsOf('no-reversal'))
  })
})
