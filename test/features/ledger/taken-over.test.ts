import { describe, expect, it } from 'vitest'
import { DEFAULT_TENANT_CONFIGURATION } from '../../../features/events/contract.ts'
import { decodeValue } from '../../../features/events/decode.ts'
import { dateOfDay, dayOfDate } from '../../../features/time.ts'
import type { HistoryItem, OracleCase } from '../../oracle/history.ts'
import { COLUMNS, runEngine } from '../engine-run.ts'
import { LedgerRun } from './run.ts'

const at = (date: string) => `${date}T12:00:00+08:00`
const AS_OF = '2024-06-30'

/** Three of twelve instalments are left, and one of them has been due for 20 days. */
const OPENED = {
  loan: 'L',
  currency: 'CNY',
  principal_minor: 1200,
  disbursed_at: at('2023-08-01'),
  as_of: AS_OF,
  outstanding: { principal_minor: 300, interest_minor: 4, penalty_minor: 2 },
  oldest_unpaid_due_date: '2024-06-10',
  schedule: [
    { due_date: '2024-07-10', principal_minor: 100, interest_minor: 4 },
    { due_date: '2024-08-10', principal_minor: 100, interest_minor: 4 },
  ],
}

function historyUntil(last: string, opened: object, others: readonly object[] = []): OracleCase {
  const events = [
    { id: 'o', source: 'core', type: 'loan.opened', time: at('2024-07-01'), subject: 'b', data: opened },
    ...others,
  ].map((raw) => {
    const decoded = decodeValue(structuredClone(raw), 'default')
    if (!decoded.ok) throw new Error(decoded.detail)
    return decoded.event
  })
  const history: HistoryItem[] = []
  for (let day = dayOfDate(AS_OF); day <= dayOfDate(last); day++) {
    for (const event of events) {
      if (new Date(event.time + 8 * 3_600_000).toISOString().slice(0, 10) !== dateOfDay(day)) continue
      history.push({ kind: 'event', event, offset: history.length })
    }
    history.push({ kind: 'tick', day, offset: history.length })
  }
  return { history, configuration: DEFAULT_TENANT_CONFIGURATION }
}

/** Features at the last tick, null where missing. */
function featuresAt(last: string, opened: object = OPENED, others: readonly object[] = []) {
  const { history, configuration } = historyUntil(last, opened, others)
  const values = runEngine(history, configuration).evaluations.at(-1)!.values
  return (...names: string[]) =>
    names.map((name) => {
      const value = values[COLUMNS.indexOf(name)]!
      return Number.isNaN(value) ? null : value
    })
}

const PAID = {
  id: 'p',
  source: 'core',
  type: 'repayment.received',
  time: at('2024-07-12'),
  subject: 'b',
  data: { loan: 'L', currency: 'CNY', amount_minor: 106, paid_at: at('2024-07-12') },
}

describe('a loan that was taken over', () => {
  it('begins with the position that was given: the balances, and the days since its oldest unpaid due date', () => {
    const one = historyUntil('2024-07-11', OPENED)
    const run = new LedgerRun(one)
    for (const item of one.history) run.take(item)
    const [first] = run.days
    expect(first).toMatchObject({
      date: dayOfDate('2024-07-01'),
      dpd: 21,
      outstanding_principal_minor: 300,
      interest_minor: 4,
      penalty_minor: 2,
      overdue_principal_minor: 100,
      paid_minor: 0,
    })
    const movement = run.movements.find(({ part }) => part === 'principal')
    expect(movement).toMatchObject({ opening_minor: 0, disbursed_minor: 0, taken_over_minor: 300, closing_minor: 300 })
    const [month] = run.months
    expect(month).toBeUndefined()
  })

  it('has a worst DPD of its whole life only where that was given', () => {
    for (const worst_dpd of [undefined, 60]) {
      const one = historyUntil('2024-07-31', worst_dpd === undefined ? OPENED : { ...OPENED, worst_dpd })
      const run = new LedgerRun(one)
      for (const item of one.history) run.take(item)
      expect(run.months).toHaveLength(1)
      expect(run.months[0]).toMatchObject({
        mob: 11,
        worst_dpd: worst_dpd ?? 51,
        is_worst_dpd_known: Number(worst_dpd !== undefined),
      })
    }
  })

  it('leaves features missing that ask for what lies before, and none that does not', () => {
    const early = featuresAt('2024-07-20', OPENED, [PAID])
    expect(early('dpd_now', 'overdue_amount', 'outstanding_principal', 'months_on_book')).toEqual([10, 104, 200, 11])
    expect(early('dpd_max_30d', 'dpd_max_365d', 'repayment_count_30d', 'repayment_count_90d')).toEqual([
      null,
      null,
      null,
      null,
    ])
    expect(early('restructured_count', 'late_16_30_count_365d', 'on_time_streak')).toEqual([null, null, 0])
    expect(early('days_late_last', 'days_late_mean_3')).toEqual([32, null])
    const later = featuresAt('2024-08-09', OPENED, [PAID])
    expect(later('dpd_max_30d', 'dpd_max_90d', 'repayment_count_30d', 'repayment_count_90d')).toEqual([
      31,
      null,
      1,
      null,
    ])
    const muchLater = featuresAt('2024-10-01', OPENED, [PAID])
    expect(muchLater('dpd_max_90d', 'repayment_count_90d', 'repayment_sum_90d', 'dpd_max_180d')).toEqual([
      83,
      1,
      106,
      null,
    ])
  })
})
