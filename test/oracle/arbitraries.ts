import fc from 'fast-check'
import { DEFAULT_BUCKETS_DPD, type TenantConfiguration } from '../../features/events/contract.ts'
import type { OracleCase } from './history.ts'
import { OWN_INSTITUTION } from './make.ts'
import { GAPS, historyOf, LATENESS, type Script, STEP_KINDS, type Step } from './script.ts'
import { MS_PER_DAY } from './view.ts'

/** Random borrowers for fast-check. A failing one shrinks by its steps: fewer, plainer, closer together. */

const ZONES = { 'Asia/Shanghai': 'CNY', 'Europe/Prague': 'CZK', 'America/Sao_Paulo': 'BRL' } as const

/** Around changes of the clock in the three zones, leap days, year ends, and the first days there are. */
const STARTS = [
  '2024-01-20',
  '2023-10-01',
  '2018-10-20',
  '2018-02-01',
  '1994-03-01',
  '1988-03-20',
  '2019-12-15',
  '1970-02-01',
]

const BUCKETS = [...DEFAULT_BUCKETS_DPD]

function weighted<Name extends string>(weights: Record<Name, number>): fc.Arbitrary<Name> {
  const names = Object.keys(weights) as Name[]
  return fc.oneof<fc.WeightedArbitrary<Name>[]>(
    ...names.map((name) => ({ weight: Math.round(weights[name] * 100), arbitrary: fc.constant(name) })),
  )
}

const configurations: fc.Arbitrary<TenantConfiguration> = fc
  .record({
    zone: fc.constantFrom(...(Object.keys(ZONES) as (keyof typeof ZONES)[])),
    buckets: fc.constantFrom<number[]>(BUCKETS, BUCKETS, [1, 30, 60, 90, 120, 150], [5, 20]),
    grace_days: fc.constantFrom(0, 0, 1, 3, 10),
    grace_counts: fc.constantFrom('from_due_date' as const, 'after_grace' as const),
    has_institution: fc.boolean(),
  })
  .map(({ has_institution, ...rest }) => ({
    ...rest,
    currency: ZONES[rest.zone],
    ...(has_institution ? { institution: OWN_INSTITUTION } : {}),
  }))

const step: fc.Arbitrary<Step> = fc.record({
  kind: weighted(STEP_KINDS),
  gap: weighted(GAPS),
  late: weighted(LATENESS),
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
})

const steps = (minLength: number, maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(step, { minLength, maxLength, size: 'max' })

type Length = Pick<Script, 'steps' | 'ticks_max'>
const short: fc.Arbitrary<Length> = fc.record({ steps: steps(8, 28), ticks_max: fc.constantFrom(5, 15, 40) })
const long: fc.Arbitrary<Length> = fc.record({ steps: steps(30, 120), ticks_max: fc.constant(130) })

const scripts = fc.record({
  configuration: configurations,
  start: fc
    .tuple(fc.constantFrom(...STARTS), fc.integer({ min: 0, max: 20 * MS_PER_DAY }))
    .map(([date, after]) => Date.parse(`${date}T00:00:00Z`) + after),
  span_days: fc.constantFrom(1, 10, 40, 100, 100, 200, 200, 350, 500),
  starts_with_loan: fc.boolean(),
  without: fc.constantFrom<Script['without']>(
    [],
    [],
    [],
    ['bureau'],
    ['disbursement', 'repayment'],
    ['write_off', 'closing'],
  ),
  ticks_from: fc.constantFrom(0, 0.2, 0.5, 0.8, 1),
  ticks_keep_up: fc.boolean(),
  report_dates: fc.constantFrom('none' as const, 'some' as const, 'all' as const),
})

const ofLength = (lengths: fc.Arbitrary<Length>): fc.Arbitrary<OracleCase> =>
  fc.tuple(scripts, lengths).map(([script, length]) => historyOf({ ...script, ...length }))

/** Histories of one borrower over 1 to 500 days: 30 to 120 steps, with at most 130 ticks. */
export const longOracleCases: fc.Arbitrary<OracleCase> = ofLength(long)

/**
 * The same, but mostly of 8 to 28 steps and 40 ticks: an evaluation costs the more, the longer the history, and there
 * are to be many.
 */
export const oracleCases: fc.Arbitrary<OracleCase> = fc.oneof(
  { weight: 9, arbitrary: ofLength(short) },
  { weight: 1, arbitrary: longOracleCases },
)
