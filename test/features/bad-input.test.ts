import { describe, expect, it } from 'vitest'
import { DEFAULT_TENANT_CONFIGURATION } from '../../features/events/contract.ts'
import { decodeBytes } from '../../features/events/decode.ts'
import { AMOUNT_MINOR_MAX } from '../../features/events/fields.ts'
import { dayOfDate } from '../../features/time.ts'
import { oracleEvaluations, oracleValues } from '../oracle/features.ts'
import type { History } from '../oracle/history.ts'
import { receive } from '../oracle/reception.ts'
import { decoded } from '../pipelines/engine/one-borrower.ts'
import { dateAfter, disbursement, noon, type RawEvent, repayment, transaction } from '../pipelines/run/events.ts'
import { COLUMNS, type EngineEvaluation, runEngine } from './engine-run.ts'

/** What comes out of input that is strange, but for what intake refuses (test/pipelines/run/bad-input-history.test.ts). */

const MANY = 1000
const MS_PER_DAY = 86_400_000

type Tick = { readonly tick: string }
function historyOf(items: readonly (RawEvent | Tick)[]): History {
  return items.map((item, offset) =>
    'tick' in item
      ? { kind: 'tick', day: dayOfDate(item.tick), offset }
      : { kind: 'event', event: decoded(item), offset },
  )
}

const run = (items: readonly (RawEvent | Tick)[]) => runEngine(historyOf(items), DEFAULT_TENANT_CONFIGURATION)

/** Values by column, null where missing. */
function valuesOf({ values }: EngineEvaluation): Record<string, number | null> {
  return Object.fromEntries(COLUMNS.map((name, i) => [name, Number.isNaN(values[i]) ? null : (values[i] as number)]))
}

function lastValues(items: readonly (RawEvent | Tick)[]): Record<string, number | null> {
  return valuesOf(run(items).evaluations.at(-1) as EngineEvaluation)
}

/** The oracle's values after the last item. */
function expectedValues(items: readonly (RawEvent | Tick)[]): Record<string, number | null> {
  const last = receive(historyOf(items), DEFAULT_TENANT_CONFIGURATION).receptions.at(-1)
  if (last === undefined) throw new Error('nothing was received')
  return oracleValues(last.received, DEFAULT_TENANT_CONFIGURATION)
}

const times = <Value>(count: number, make: (i: number) => Value): Value[] =>
  Array.from({ length: count }, (_, i) => make(i))
/** Odd and even ones, so that a sum in doubles would round on the way. */
const atTheBound = (i: number): number => AMOUNT_MINOR_MAX - (i % 3)
const exactSum = Number(times(MANY, atTheBound).reduce((sum, amount) => sum + BigInt(amount), 0n))
const plainSum = times(MANY, atTheBound).reduce((sum, amount) => sum + amount, 0)

function report(i: number, kind: string): RawEvent {
  const data = { kind, reported_at: noon(0, i), amount_minor: atTheBound(i) }
  return { id: `s-${i}`, source: 'court', type: 'signal.reported', time: noon(0, i), subject: 'b', data }
}

/** Outside all windows: with it there is enough history for each of them. */
const FIRST = transaction('first', noon(-400), 'b', { amount_minor: 1 })

describe('amounts near 2^53', () => {
  it.each(['9007199254740991', '9007199254740993', '-9007199254740993', '10000000000001', '1e300', '0.5', '"7"'])(
    '%s is refused as invalid_field, which names the field',
    (amount) => {
      const line = JSON.stringify(transaction('t', noon(0), 'b')).replace(
        '"amount_minor":100',
        `"amount_minor":${amount}`,
      )
      expect(line).toContain(amount)
      expect(decodeBytes(Buffer.from(line), 'default')).toMatchObject({
        ok: false,
        reason: 'invalid_field',
        detail: expect.stringMatching(/^data\.amount_minor: /) as string,
      })
    },
  )

  it('is no use to a test whose amounts a plain sum would add up well', () => {
    expect(exactSum).toBeGreaterThan(Number.MAX_SAFE_INTEGER)
    expect(plainSum).not.toBe(exactSum)
  })

  const loans = (i: number): RawEvent =>
    disbursement(`d-${i}`, noon(0, i), 'b', `l-${i}`, {
      principal_minor: atTheBound(i),
      schedule: [{ due_date: '2024-01-01', principal_minor: atTheBound(i), fee_minor: atTheBound(i) }],
    })
  const cases: [string, RawEvent[], string[]][] = [
    [
      'receipts',
      [FIRST, ...times(MANY, (i) => transaction(`t-${i}`, noon(0, i), 'b', { amount_minor: atTheBound(i) }))],
      ['inflow_sum_1d', 'inflow_sum_30d', 'inflow_sum_180d', 'net_flow_90d'],
    ],
    [
      'payments out',
      [
        FIRST,
        ...times(MANY, (i) =>
          transaction(`t-${i}`, noon(0, i), 'b', { direction: 'out', amount_minor: atTheBound(i) }),
        ),
      ],
      ['outflow_sum_1d', 'outflow_sum_90d'],
    ],
    [
      'money to securities',
      [
        FIRST,
        disbursement('d', noon(0), 'b', 'l'),
        ...times(MANY, (i) => {
          const data = { direction: 'out', amount_minor: atTheBound(i), counterparty_kind: 'securities' }
          return transaction(`t-${i}`, noon(0, i), 'b', data)
        }),
      ],
      ['diverted_sum_30d'],
    ],
    [
      'repayments',
      [
        disbursement('d', noon(0), 'b', 'l'),
        ...times(MANY, (i) => repayment(`r-${i}`, noon(0, i), 'b', 'l', atTheBound(i))),
      ],
      ['repayment_sum_30d', 'repayment_sum_90d'],
    ],
    ['loans', [...times(MANY, loans), transaction('t', noon(2), 'b')], ['outstanding_principal', 'overdue_fee']],
    ['litigation', times(MANY, (i) => report(i, 'litigation')), ['litigation_amount_365d']],
    ['enforcement', times(MANY, (i) => report(i, 'enforcement')), ['enforcement_amount_365d']],
  ]
  it.each(cases)('a thousand %s at the bound sum to the double nearest to the exact sum', (_, events, sums) => {
    const values = lastValues(events)
    for (const name of sums) expect([name, values[name]]).toEqual([name, exactSum])
    expect(values).toEqual(expectedValues(events))
  })
})

describe('a thousand events at one time', () => {
  const at = (i: number): RawEvent =>
    transaction(`t-${i}`, noon(0), 'b', { amount_minor: i + 1, balance_after_minor: i })
  const events = times(MANY, at)

  it('all count, in log order, and the last balance is that of the last', () => {
    const evaluations = run([FIRST, ...events]).evaluations.slice(1)
    expect(evaluations.map(({ time, late_ms }) => [time, late_ms])).toEqual(times(MANY, () => [noon(0), 0]))
    expect(evaluations.map((one) => valuesOf(one)['inflow_count_1d'])).toEqual(times(MANY, (i) => i + 1))
    expect(evaluations.map((one) => valuesOf(one)['balance_last'])).toEqual(times(MANY, (i) => i))
    expect(lastValues([...events].reverse())['balance_last']).toBe(0)
    expect(lastValues(events)).toEqual(expectedValues(events))
    // The balance that stood from then on is the last one's too.
    const later = [FIRST, ...events, transaction('later', noon(5), 'b')]
    expect(lastValues(later)['balance_mean_30d']).toBe(MANY - 1)
    expect(lastValues(later)).toEqual(expectedValues(later))
  })

  it('leave a window together, a day after their time to the millisecond', () => {
    const end = noon(0) + MS_PER_DAY
    const counts = run([FIRST, ...events, transaction('before', end - 1, 'b'), transaction('at', end, 'b')]).evaluations
    expect(counts.slice(-2).map((one) => valuesOf(one)['inflow_count_1d'])).toEqual([MANY + 1, 2])
  })
})

describe('an event three months late', () => {
  const known = [
    FIRST,
    ...times(119, (i) => transaction(`t-${i}`, noon(i + 1), 'b', { amount_minor: 100 + i, balance_after_minor: i })),
  ]
  const late = transaction('late', noon(28), 'b', { amount_minor: 7_000, balance_after_minor: -5 })
  const after = transaction('after', noon(120), 'b')

  it('changes what follows and never what was said, and is flagged with how late it was', () => {
    const disturbed = run([...known, late, after]).evaluations
    const undisturbed = run([...known, after]).evaluations
    expect(disturbed.slice(0, 120)).toEqual(undisturbed.slice(0, 120))
    expect(disturbed.slice(119).map(({ late_ms }) => late_ms)).toEqual([0, 91 * MS_PER_DAY, 0])
    // T stays where it was.
    expect(disturbed[120]?.time).toBe(noon(119))
    const sums = disturbed.slice(119).map((one) => valuesOf(one))
    expect(sums.map((one) => one['inflow_count_180d'])).toEqual([119, 120, 121])
    expect(sums.map((one) => one['inflow_count_90d'])).toEqual([90, 90, 90])
    expect(sums.map((one) => one['balance_last'])).toEqual([118, 118, 118])
    const expected = oracleEvaluations(historyOf([...known, late, after]), DEFAULT_TENANT_CONFIGURATION)
    expect(disturbed.map(valuesOf)).toEqual(expected.map(({ values }) => values))
  })

  it('pays, as a repayment, from its place on with its own value date', () => {
    const loan = disbursement('d', noon(0), 'b', 'l')
    const before = [loan, ...known.slice(1)]
    // The first instalment falls due on day 30.
    const payment = repayment('late', noon(28), 'b', 'l')
    const { evaluations } = run([...before, payment])
    expect(valuesOf(evaluations.at(-2) as EngineEvaluation)['dpd_now']).toBe(119 - 30)
    expect(evaluations.at(-1)?.late_ms).toBe(91 * MS_PER_DAY)
    expect(valuesOf(evaluations.at(-1) as EngineEvaluation)['dpd_now']).toBe(119 - 60)
    expect(lastValues([...before, payment])).toEqual(expectedValues([...before, payment]))
  })
})

describe('an empty history', () => {
  const zero = ['litigation', 'enforcement', 'guarantor_default'].flatMap((kind) =>
    kind === 'guarantor_default' ? [`${kind}_count_365d`] : [`${kind}_count_365d`, `${kind}_amount_365d`],
  )
  const missing = COLUMNS.filter((name) => !zero.includes(name))
  const only = (type: string, data: Record<string, unknown>): RawEvent => ({
    id: 'only',
    source: 'desk',
    type,
    time: noon(0),
    subject: 'b',
    data,
  })

  it('of a contact alone has 0 where silence says none (courts, guarantors) and misses all else', () => {
    const values = lastValues([only('contact.recorded', { channel: 'call', contacted_at: noon(0) })])
    for (const name of zero) expect([name, values[name]]).toEqual([name, 0])
    expect(missing.filter((name) => values[name] !== null)).toEqual([])
  })

  it('of a signal alone has that signal besides', () => {
    const data = { kind: 'litigation', reported_at: noon(0), amount_minor: 500 }
    const values = lastValues([only('signal.reported', data)])
    expect(values).toMatchObject({ litigation_count_365d: 1, litigation_amount_365d: 500, enforcement_count_365d: 0 })
    expect(missing.filter((name) => values[name] !== null)).toEqual([])
  })
})

describe('ticks without events', () => {
  it('evaluate nobody who has no loan that runs', () => {
    const { evaluations, refused } = run([
      transaction('t', noon(0), 'b'),
      ...times(60, (day) => ({ tick: dateAfter(day) })),
      transaction('after', noon(60), 'b'),
    ])
    expect({ rows: evaluations.length, refused }).toEqual({ rows: 2, refused: [] })
    expect(evaluations.map((one) => valuesOf(one)['inflow_count_90d'])).toEqual([null, null])
    expect(valuesOf(evaluations[1] as EngineEvaluation)['inflow_count_30d']).toBe(1)
  })

  it('evaluate an exposed borrower every day, whose days past due rise by one and whose windows empty', () => {
    const items = [
      transaction('t', noon(0), 'b'),
      disbursement('d', noon(0), 'b', 'l'),
      ...times(200, (day) => ({ tick: dateAfter(day) })),
    ]
    const { evaluations } = run(items)
    const values = evaluations.slice(2).map(valuesOf)
    expect(values.map((one) => one['dpd_now'])).toEqual(times(200, (day) => Math.max(0, day - 30)))
    expect(values.map((one) => one['inflow_count_30d'])).toEqual(times(200, (day) => (day < 30 ? null : 0)))
    const expected = oracleEvaluations(historyOf(items), DEFAULT_TENANT_CONFIGURATION)
    expect(evaluations.map(valuesOf)).toEqual(expected.map((one) => one.values))
  })
})

describe('a reversal of an unknown repayment', () => {
  const reversal = (id: string, day: number, loan: string): RawEvent => ({
    ...repayment(id, noon(day), 'b', loan),
    type: 'repayment.reversed',
    data: { loan, repayment: 'never-sent' },
  })
  const known = [disbursement('d', noon(0), 'b', 'l'), repayment('r', noon(1), 'b', 'l', 5_000)]

  it('of a known loan is refused as unknown_repayment without a trace', () => {
    const items = [...known, reversal('x', 2, 'l'), repayment('r-2', noon(3), 'b', 'l', 5_000)]
    const { evaluations, refused } = run(items)
    expect(refused).toEqual([{ offset: 2, reason: 'unknown_repayment' }])
    const without = run(items.filter((_, i) => i !== 2)).evaluations
    expect(evaluations.map(valuesOf)).toEqual(without.map(valuesOf))
  })

  it('of an unknown loan is held, and refused as unknown_loan with the seventh day closed since', () => {
    const days = (count: number): Tick[] => times(count, (day) => ({ tick: dateAfter(2 + day) }))
    expect(run([...known, reversal('x', 2, 'other'), ...days(6)]).refused).toEqual([])
    const held = run([...known, reversal('x', 2, 'other'), ...days(7)])
    expect(held.refused).toEqual([{ offset: 2, reason: 'unknown_loan' }])
    const without = run([...known, ...days(7)]).evaluations
    expect(held.evaluations.slice(-7).map(valuesOf)).toEqual(without.slice(-7).map(valuesOf))
  })
})
