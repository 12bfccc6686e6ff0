import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { createCalendar, dateOfDay } from '../../../../features/time.ts'
import { ROUNDING_MINOR_MAX } from '../../../../pipelines/importers/berka/balance-order.ts'
import { imported, ofType } from './read.ts'

const FOLDER = fileURLToPath(new URL('../../../../../shared/data/berka', import.meta.url))
const TRANSACTIONS = 'trans_1993-01_to_1994-03_truncated.asc'
const present = existsSync(join(FOLDER, TRANSACTIONS))
if (!present) console.warn('SKIPPED: the Berka data is not in ../shared/data/berka, the importer was not tried on it')

const prague = createCalendar('Europe/Prague')
const dateAt = (ms: number) => dateOfDay(prague.dayOf(ms))

/** The source, read again and in the plainest way: fields without quotes, whole lines only. */
async function source(file: string): Promise<string[][]> {
  const lines = (await readFile(join(FOLDER, file), 'latin1')).split('\r\n')
  return lines.slice(1, -1).map((line) => line.replaceAll('"', '').split(';'))
}

/** Haléř of an amount with two places. */
const minor = (text: string) => BigInt(text.replace('.', ''))
const sum = (values: readonly bigint[]) => values.reduce((a, b) => a + b, 0n)

// The bank's data is not part of this repository; without it the invented fixture alone is tested, and this says so.
describe.skipIf(!present)('the Berka slice', () => {
  let result: Awaited<ReturnType<typeof imported>>
  let rows: string[][]
  beforeAll(async () => {
    // Every line is decoded in here: what does not decode throws.
    result = await imported(FOLDER)
    rows = await source(TRANSACTIONS)
  }, 60_000)

  test('every whole row is one transaction, with its account, owner, date, amount and balance', async () => {
    const owners = new Map(
      (await source('disp.asc')).filter((row) => row[3] === 'OWNER').map((row) => [row[2], row[1]]),
    )
    const transactions = new Map(ofType(result.events, 'transaction.posted').map((one) => [one.id, one]))
    expect(rows).toHaveLength(49_102)
    expect(ofType(result.events, 'transaction.posted')).toHaveLength(49_102)
    expect(transactions.size).toBe(49_102)
    const wrong = rows.filter((row) => {
      const event = transactions.get(`trans-${row[0]}`)
      return !(
        event !== undefined &&
        event.subject === `client-${owners.get(row[1])}` &&
        event.data.account === `account-${row[1]}` &&
        dateAt(event.time).slice(2).replaceAll('-', '') === row[2] &&
        event.data.direction === (row[3] === 'PRIJEM' ? 'in' : 'out') &&
        BigInt(event.data.amount_minor) === minor(row[5]!) &&
        BigInt(event.data.balance_after_minor!) === minor(row[6]!)
      )
    })
    expect(wrong).toEqual([])
  })

  test('transactions, loans and repayments add up to the source, to the haléř', async () => {
    const amounts = (take: (row: string[]) => boolean) => sum(rows.filter(take).map((row) => minor(row[5]!)))
    const { summary } = result
    expect(BigInt(summary.inflow_minor)).toBe(amounts((row) => row[3] === 'PRIJEM'))
    expect(BigInt(summary.outflow_minor)).toBe(amounts((row) => row[3] !== 'PRIJEM'))
    const repayments = ofType(result.events, 'repayment.received')
    expect(repayments).toHaveLength(123)
    expect(sum(repayments.map((one) => BigInt(one.data.amount_minor)))).toBe(amounts((row) => row[7] === 'UVER'))
    const granted = (await source('loan.asc')).filter((row) => row[2]! <= '940331')
    const loans = ofType(result.events, 'loan.disbursed')
    expect(loans.map((loan) => loan.id).sort()).toEqual(granted.map((row) => `loan-${row[0]}`).sort())
    expect(loans).toHaveLength(38)
    const scheduled = loans.flatMap((loan) => loan.data.schedule!.map((one) => BigInt(one.principal_minor)))
    expect(sum(scheduled)).toBe(sum(granted.map((row) => BigInt(row[3]!) * 100n)))
    expect(summary).toMatchObject({
      transactions: 49_102,
      inflow_minor: 17_736_629_630,
      outflow_minor: 13_812_015_350,
      borrowers: 1229,
      loans: 38,
      loans_principal_minor: 465_639_600,
      loans_later: 644,
      repayments: 123,
      repayments_minor: 48_356_580,
      events: 1 + 49_102 + 38 + 123,
    })
  })

  test('the cut last row, and nothing else, is refused', () => {
    expect(result.summary.refused).toEqual([
      { file: TRANSACTIONS, line: 49_104, reason: 'cut_row', text: '3526882;11021;940331;"PRIJE' },
    ])
  })

  test('events are in time order, the configuration first', () => {
    const { events } = result
    expect(events[0]!.type).toBe('tenant.configured')
    expect(events.filter((event, i) => i > 0 && events[i - 1]!.time > event.time)).toEqual([])
  })

  test('in that order the running balances close, but for 28 account-days on the day of the cut', () => {
    const balances = new Map<string, number>()
    const worst = new Map<string, number>()
    for (const { data, time } of ofType(result.events, 'transaction.posted')) {
      const moved = data.direction === 'in' ? data.amount_minor : -data.amount_minor
      const off = Math.abs(data.balance_after_minor! - (balances.get(data.account) ?? 0) - moved)
      const day = `${data.account} ${dateAt(time)}`
      worst.set(day, Math.max(worst.get(day) ?? 0, off))
      balances.set(data.account, data.balance_after_minor!)
    }
    const days = [...worst]
    const open = days.filter(([, off]) => off > ROUNDING_MINOR_MAX)
    expect(result.summary).toMatchObject({
      account_days: days.length,
      account_days_closed: days.filter(([, off]) => off === 0).length,
      account_days_within_rounding: days.filter(([, off]) => off > 0 && off <= ROUNDING_MINOR_MAX).length,
      account_days_not_closed: open.length,
      account_days_not_searched: 0,
    })
    expect([days.length, open.length]).toEqual([39_960, 28])
    expect(result.summary.account_days_within_rounding).toBe(2273)
    expect(open.every(([day]) => day.endsWith('1994-03-31'))).toBe(true)
  })

  test('on 1994-02-28 one of 31 loans is past due: 5314', () => {
    const repayments = ofType(result.events, 'repayment.received')
    const granted = ofType(result.events, 'loan.disbursed').filter((loan) => dateAt(loan.time) <= '1994-02-28')
    const overdue = granted.filter(({ data }) => {
      const due = data
        .schedule!.filter((one) => one.due_date < '1994-02-28')
        .reduce((s, one) => s + one.principal_minor, 0)
      const paid = repayments
        .filter((one) => one.data.loan === data.loan && dateAt(one.data.paid_at) <= '1994-02-28')
        .reduce((s, one) => s + one.data.amount_minor, 0)
      return paid < due
    })
    expect(granted).toHaveLength(31)
    expect(overdue.map((loan) => loan.data.loan)).toEqual(['loan-5314'])
  })

  test('every payment falls on a due date of its loan and is an instalment to the haléř', () => {
    const schedules = new Map(
      ofType(result.events, 'loan.disbursed').map((loan) => [loan.data.loan, loan.data.schedule]),
    )
    const amiss = ofType(result.events, 'repayment.received').filter(({ data }) => {
      const instalment = schedules.get(data.loan)!.find((one) => one.due_date === dateAt(data.paid_at))
      return instalment?.principal_minor !== data.amount_minor
    })
    expect(amiss).toEqual([])
  })

  test('penalty interest and negative balances are kept', () => {
    const transactions = ofType(result.events, 'transaction.posted')
    expect(transactions.filter((one) => one.data.category === 'penalty_interest')).toHaveLength(64)
    expect(transactions.filter((one) => one.data.balance_after_minor! < 0)).toHaveLength(93)
  })

  test('a loan says nothing about how it ended', () => {
    const keys = new Set(ofType(result.events, 'loan.disbursed').flatMap((loan) => Object.keys(loan.data)))
    expect([...keys].sort()).toEqual(['currency', 'disbursed_at', 'loan', 'principal_minor', 'region', 'schedule'])
    expect(result.lines.filter((line) => line.includes('status'))).toEqual([])
  })
})
