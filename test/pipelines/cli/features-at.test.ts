import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_TENANT_CONFIGURATION } from '../../../features/events/contract.ts'
import type { LogRecord } from '../../../features/events/record.ts'
import { borrowerHash } from '../../../features/hash.ts'
import { dayOfDate, MS_PER_DAY } from '../../../features/time.ts'
import { SLICES_DEFAULT } from '../../../pipelines/config.ts'
import { readShape } from '../../../pipelines/run/log-shape.ts'
import { openEmbedded } from '../../../sql/embedded.ts'
import { oracleValues } from '../../oracle/features.ts'
import type { History } from '../../oracle/history.ts'
import { receive } from '../../oracle/reception.ts'
import { readWholeLog } from '../engine/replay.ts'
import { dateAfter, disbursement, endOfDay, noon, type RawEvent, repayment, transaction } from '../run/events.ts'
import { foreshock, queryEvent, startRun, stop, temporaryFolder } from './support.ts'

const folder = temporaryFolder()
const data = join(folder, 'data')
const DAYS = 75

/** A borrower with a loan, a late payment that is taken back, a late event; and somebody else every day. */
function ofBorrower(day: number): RawEvent[] {
  const spend = {
    direction: 'out',
    merchant: `shop-${day % 4}`,
    amount_minor: 900 + day,
    balance_after_minor: 50 * day,
  }
  const reversal = { type: 'repayment.reversed', data: { loan: 'l', repayment: 'r-32' } }
  return [
    // Two, so that the day before closes before anything else happens.
    ...[0, 1].map((i) => transaction(`early-${day}-${i}`, noon(day, i - 120), 'clock')),
    ...(day === 0 ? [disbursement('l', noon(0), 'b', 'l')] : []),
    ...(day % 3 === 0 ? [transaction(`t-${day}`, noon(day, 1), 'b', spend)] : []),
    ...(day === 32 ? [repayment('r-32', noon(32, 2), 'b', 'l')] : []),
    ...(day === 40 ? [{ ...repayment('x-40', noon(40, 2), 'b', 'l'), ...reversal }] : []),
    ...(day === 50 ? [transaction('late', noon(20), 'b', spend), repayment('r-late', noon(31), 'b', 'l')] : []),
    transaction(`c-${day}`, noon(day, 5), 'clock'),
  ]
}

/**
 * Somebody whose warning alone makes ticks come by: that moves time past the value date of a payment which waits for its
 * loan, so that the loan's restructuring, which waits too, finds an instalment settled.
 */
function ofWarned(day: number): RawEvent[] {
  const newSchedule = { schedule: [{ due_date: dateAfter(90), principal_minor: 200_000 }], kind: 'schedule_change' }
  const restructured = {
    ...repayment('w-x', noon(16, 2), 'w', 'lw'),
    type: 'loan.restructured',
    data: { loan: 'lw', effective_date: dateAfter(18), ...newSchedule },
  }
  const paid = repayment('w-p', noon(16, 1), 'w', 'lw')
  const schedule = [19, 49, 79].map((due) => ({ due_date: dateAfter(due), principal_minor: 100_000 }))
  return [
    ...(day < 16 ? [queryEvent('w', day, noon(day, 3)) as RawEvent] : []),
    ...(day === 16 ? [{ ...paid, data: { ...paid.data, paid_at: noon(20) } }, restructured] : []),
    ...(day === 22 ? [disbursement('w-l', noon(17), 'w', 'lw', { disbursed_at: noon(15), schedule })] : []),
  ]
}

let log: LogRecord[][]
let partitions: number
beforeAll(async () => {
  const events = Array.from({ length: DAYS }, (_, day) => [...ofBorrower(day), ...ofWarned(day)]).flat()
  const file = join(folder, 'events.ndjson')
  writeFileSync(file, `${events.map((event) => JSON.stringify(event)).join('\n')}\n`)
  const ingest = ['ingest', file, '--data', data, '--no-model', '--json', '--close-through', dateAfter(DAYS - 1)]
  const { code, stdout, stderr } = await foreshock(...ingest)
  expect(code, stderr).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ dead_letters: {} })
  const shape = readShape(data)
  const database = await openEmbedded(data)
  if (shape === undefined || 'locked' in database) throw new Error('no data')
  log = await readWholeLog(database, shape)
  partitions = shape.partitions
  await database.close()
})

type Answer = {
  evaluated_at: string
  type: string
  partition: number
  offset: number
  features: Record<string, number | null>
}

async function at(borrower: string, time: number | string): Promise<Answer> {
  const { code, stdout, stderr } = await foreshock(
    'features',
    'of',
    borrower,
    '--at',
    `${time}`,
    '--data',
    data,
    '--json',
  )
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as Answer
}

/** The oracle's values of borrower `b` at a time: of what was received and dated by then. */
function expected(time: number): Record<string, number | null> {
  const records = log[borrowerHash('default', 'b') % partitions] ?? []
  const end = records.findLastIndex((one) => one.event.tenant === 'default' && one.received_at <= time) + 1
  const slice = Math.floor(borrowerHash('default', 'b') / partitions) % SLICES_DEFAULT
  const history: History = records.slice(0, end).flatMap(({ event, offset }): History => {
    if (event.time > time) return []
    if (event.type === 'day.closed') {
      return event.data.slice === slice ? [{ kind: 'tick', day: dayOfDate(event.data.date), offset }] : []
    }
    return event.subject === 'b' ? [{ kind: 'event', event, offset }] : []
  })
  const last = receive(history, DEFAULT_TENANT_CONFIGURATION).receptions.at(-1)
  if (last === undefined) throw new Error('nothing was received')
  return oracleValues({ ...last.received, time }, DEFAULT_TENANT_CONFIGURATION)
}

describe('features of --at', () => {
  type Row = Record<string, number | string | null>
  async function storedRows(where: string): Promise<(Row & { time_ms: number; offset: number })[]> {
    const query = `SELECT *, toUnixTimestamp64Milli(time) AS time_ms FROM features WHERE ${where} ORDER BY offset`
    const { stdout } = await foreshock('sql', query, '--data', data, '--format', 'JSONEachRow')
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Row & { time_ms: number; offset: number })
  }

  it.each([
    ['an event', "borrower = 'b' AND id_day IN (0, 33, 40)", 4],
    ['a tick', "borrower = 'b' AND type = 'day.closed' AND id_day IN (30, 59)", 2],
    [
      'a tick of a borrower who was swept for a warning',
      "borrower = 'w' AND type = 'day.closed' AND id_day IN (30, 59)",
      2,
    ],
  ])('gives at the time of %s what its row says', async (_, where, count) => {
    const day = "dateDiff('day', toDateTime64('2024-01-01 00:00:00', 3, 'UTC'), time + INTERVAL 8 HOUR)"
    const rows = await storedRows(where.replace('id_day', day))
    expect(rows).toHaveLength(count)
    // Of several rows at one time the last is what held then.
    for (const row of rows.filter(({ time_ms }, i) => rows[i + 1]?.time_ms !== time_ms)) {
      const { features, evaluated_at } = await at(String(row['borrower']), row.time_ms)
      expect(evaluated_at).toBe(new Date(row.time_ms).toISOString())
      expect(features).toEqual(Object.fromEntries(Object.keys(features).map((name) => [name, row[name]])))
    }
  })

  it.each([
    ['between two events', noon(10) + 12_345],
    ['between due date and payment', noon(31, 600)],
    ['after a reversal', noon(41, 3)],
    ['just before late events', noon(50, -1)],
    ['after late events', noon(50, 200)],
    ['long after the last record', endOfDay(DAYS + 100)],
  ])('gives %s what the oracle makes of `events`', async (_, time) => {
    const { features, evaluated_at } = await at('b', time)
    expect(evaluated_at).toBe(new Date(time).toISOString())
    expect(features).toEqual(expected(time))
  })

  it('takes a time with its zone, for people too', async () => {
    const { stdout } = await foreshock('features', 'of', 'b', '--at', '2024-02-04T12:00:00+08:00', '--data', data)
    expect(stdout).toMatch(/^borrower b of tenant default, evaluated at 2024-02-04T04:00:00\.000Z \(/)
    expect(stdout).toMatch(/^dpd_now +\d+ +days$/m)
  })

  it.each([
    [['b', '--at', 'yesterday'], 2, /^--at yesterday is no time: .*\n$/],
    [['b', '--at', '2024-02-04T12:00:00'], 2, /^--at 2024-02-04T12:00:00 is no time: .*\n$/],
    [
      ['b', '--at', `${noon(0) - MS_PER_DAY}`],
      1,
      /^tenant default has no features of borrower b by 2023-12-31T04.*\n$/,
    ],
    [['nobody', '--at', `${noon(9)}`], 1, /^tenant default has no features of borrower nobody by .*\n$/],
  ] as const)('%j: exit %i and one line', async (args, code, line) => {
    const outcome = await foreshock('features', 'of', ...args, '--data', data)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(line)
  })

  it('answers the same through the process that holds the directory', async () => {
    const times = [noon(10) + 12_345, noon(50, 200)]
    const alone = [await at('b', times[0] as number), await at('b', times[1] as number)]
    const running = await startRun(data)
    for (const [i, time] of times.entries()) expect(await at('b', time)).toEqual(alone[i])
    expect((await stop(running)).code).toBe(0)
  })
})
