import { describe, expect, it } from 'vitest'
import { DEFAULT_TENANT_CONFIGURATION } from '../../../features/events/contract.ts'
import { decodeValue } from '../../../features/events/decode.ts'
import { dayOfDate } from '../../../features/time.ts'
import type { HistoryItem } from '../../oracle/history.ts'
import { LedgerRun } from './run.ts'

const at = (date: string) => `${date}T12:00:00+08:00`
const money = { currency: 'CNY' }
const SCHEDULE = [
  { due_date: '2024-03-10', principal_minor: 500, interest_minor: 5 },
  { due_date: '2024-04-10', principal_minor: 500, interest_minor: 5 },
]

function raw(type: string, date: string, data: object, id = `${type} ${date}`): object {
  return { id: id.replaceAll(' ', '-'), source: 'core', type, time: at(date), subject: 'b', data }
}

function disbursed(loan: string, data: object = {}): object {
  const terms = { loan, ...money, principal_minor: 1000, disbursed_at: at('2024-02-10'), schedule: SCHEDULE }
  return raw('loan.disbursed', '2024-02-10', { ...terms, ...data }, `disbursed-${loan}`)
}

function paid(loan: string, date: string, paidAt = date, data: object = {}): object {
  const payment = { loan, ...money, amount_minor: 505, paid_at: at(paidAt), ...data }
  return raw('repayment.received', date, payment, `paid-${loan}-${date}`)
}

/** What became of these, in this order, with all days of February and March closed after them. */
function takeAll(events: readonly object[]) {
  const run = new LedgerRun({ configuration: DEFAULT_TENANT_CONFIGURATION })
  const decoding: string[] = []
  const items: HistoryItem[] = []
  for (const one of events) {
    const decoded = decodeValue(structuredClone(one), 'default')
    if (decoded.ok) items.push({ kind: 'event', event: decoded.event, offset: items.length })
    else decoding.push(`${decoded.reason} ${decoded.detail}`)
  }
  for (let day = dayOfDate('2024-02-10'); day < dayOfDate('2024-04-01'); day++) {
    items.push({ kind: 'tick', day, offset: items.length })
  }
  for (const item of items) run.take(item)
  const rows = (loan: string) =>
    [run.days, run.movements, run.months].map((list) =>
      list.filter((row) => row.loan === loan).map((row) => ({ ...row, offset: 0 })),
    )
  return { decoding, refused: run.refused.map(({ refusal }) => `${refusal.reason} ${refusal.detail}`), rows }
}

const GOOD = [disbursed('good'), disbursed('other'), paid('good', '2024-03-12')]

/** What is refused at the door or by the ledger, and the reason it gets. */
const BAD: Readonly<Record<string, readonly [after: readonly object[], bad: object, reason: string]>> = {
  'instalments that do not sum to principal': [
    [],
    disbursed('bad', { principal_minor: 1001 }),
    'invalid_field data.schedule: the instalments do not sum to principal_minor',
  ],
  'due dates out of order': [
    [],
    disbursed('bad', { schedule: [...SCHEDULE].reverse() }),
    'invalid_field data.schedule: due dates must rise',
  ],
  'due dates before disbursement': [
    [],
    disbursed('bad', { disbursed_at: at('2024-03-20') }),
    'invalid_field data.schedule: the first due date lies before the loan',
  ],
  'terms from which no schedule can be made': [
    [],
    disbursed('bad', { schedule: undefined, repayment_method: 'bullet' }),
    'invalid_field data.schedule: is missing, and so is one of repayment_method, instalments, first_due_date, annual_rate, day_count',
  ],
  'a position that does not add up': [
    [],
    raw('loan.opened', '2024-02-10', {
      loan: 'bad',
      ...money,
      principal_minor: 2000,
      disbursed_at: at('2023-02-10'),
      as_of: '2024-02-09',
      outstanding: { principal_minor: 1100 },
      schedule: SCHEDULE,
    }),
    'invalid_field data.outstanding: more is outstanding than the schedule asks for: since which due date?',
  ],
  'a payment dated before the loan': [
    [],
    paid('other', '2024-02-11', '2024-02-09'),
    'before_loan 2024-02-09, but loan other was disbursed on 2024-02-10',
  ],
  'a charge dated before the loan': [
    [],
    raw('loan.charged', '2024-02-11', {
      loan: 'other',
      ...money,
      kind: 'fee',
      amount_minor: 1,
      charged_at: at('2024-02-09'),
    }),
    'before_loan 2024-02-09, but loan other was disbursed on 2024-02-10',
  ],
  'a second write-off': [
    [raw('loan.written_off', '2024-03-20', { loan: 'other', written_off_at: at('2024-03-20') })],
    raw('loan.written_off', '2024-03-21', { loan: 'other', written_off_at: at('2024-03-21') }),
    'loan_not_open loan other is written_off',
  ],
  'a restructuring of a closed loan': [
    [raw('loan.closed', '2024-03-20', { loan: 'other', closed_at: at('2024-03-20') })],
    raw('loan.restructured', '2024-03-21', {
      loan: 'other',
      effective_date: '2024-03-21',
      schedule: SCHEDULE.slice(1),
    }),
    'loan_not_open loan other is closed',
  ],
  'another currency': [
    [],
    paid('other', '2024-03-12', '2024-03-12', { currency: 'USD' }),
    "currency_mismatch USD, but the tenant's currency is CNY",
  ],
  'a waiver of more than is owed': [
    [],
    raw('loan.waived', '2024-03-12', { loan: 'other', ...money, interest_minor: 11, waived_at: at('2024-03-12') }),
    'more_than_owed interest_minor 11, but 10 is owed of loan other',
  ],
  'a bill for more than nobody has billed': [
    [],
    raw('loan.billed', '2024-03-12', {
      loan: 'other',
      ...money,
      billed_at: at('2024-03-12'),
      due_date: '2024-03-30',
      principal_minor: 501,
    }),
    'more_than_owed principal_minor 501, but 500 is not billed yet of loan other',
  ],
}

describe('what the ledger can’t take', () => {
  it.each(Object.entries(BAD))(
    '%s is refused with its reason, and nothing else is another',
    (_, [after, bad, reason]) => {
      const without = takeAll([...GOOD, ...after])
      const { decoding, refused, rows } = takeAll([...GOOD, ...after, bad])
      expect([...without.decoding, ...without.refused]).toEqual([])
      expect([...decoding, ...refused]).toEqual([reason])
      for (const loan of ['good', 'other']) {
        expect(without.rows(loan)[0]!.length).toBeGreaterThan(2)
        expect(rows(loan)).toEqual(without.rows(loan))
      }
      expect(rows('bad')).toEqual([[], [], []])
    },
  )
})
