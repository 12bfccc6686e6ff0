import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { bandCode } from '../../models/bands.ts'
import { compileRules } from '../../models/rules/compile.ts'
import { checkRules, defineRule, falling, outcome, type Rule, rising, ruleId } from '../../models/rules/define.ts'
import { RULES } from '../../models/rules/index.ts'
import { INCONCLUSIVE, severityCode } from '../../models/severity.ts'

const KNOWN = new Set(CATALOGUE.map(featureId))
const INFINITY = Number.POSITIVE_INFINITY

function ruleWith(change: Partial<Rule>): Rule {
  return {
    name: 'past_due',
    version: 1,
    family: 'repayment-habit',
    feature: 'dpd_now@1',
    unit: 'days',
    bands: rising([1, 'blue'], [5, 'yellow']),
    reason: { zh: '{value} {threshold}', en: '{value} {threshold}' },
    source: 'ours',
    ...change,
  }
}

describe('the rules', () => {
  test('are at least 24, over all five families, on features of the catalogue', () => {
    checkRules(RULES, KNOWN)
    expect(RULES.length).toBeGreaterThanOrEqual(24)
    expect([...new Set(RULES.map((rule) => rule.family))].sort()).toEqual(
      [...new Set(CATALOGUE.map((entry) => entry.family))].sort(),
    )
  })

  test('render a value in the unit that its feature has', () => {
    const units = new Map(CATALOGUE.map((entry) => [featureId(entry), entry.unit]))
    for (const rule of RULES) expect([ruleId(rule), rule.unit]).toEqual([ruleId(rule), units.get(rule.feature)])
  })

  test('never change once published: another threshold is another version', async () => {
    const finite = (_: string, value: unknown) => (Math.abs(Number(value)) === INFINITY ? String(value) : value)
    const golden = JSON.stringify(RULES, finite, 2)
    await expect(`${golden}\n`).toMatchFileSnapshot('golden/rules.json')
  })

  test('leave a healthy borrower alone, also on the day before a payday that comes after 31 days', () => {
    const healthy: Record<string, number> = {
      failed_debit_count_30d: 0,
      days_since_salary: 31,
      inflow_trend_30d_90d: 0.02,
      outflow_trend_30d_90d: 1.4,
      buffer_days_30d: 3,
      overdrawn_count_90d: 1,
      penalty_count_90d: 0,
      cash_share_90d: 1,
      cash_withdrawal_count_30d: 6,
      quasi_cash_count_90d: 1,
      round_amount_share_90d: 1,
      high_risk_merchant_share_90d: 0.5,
      night_share_30d: 0.2,
      hours_repayment_to_spend: 0.5,
      diverted_share_30d: 0.05,
      query_institution_count_30d: 1,
      query_institution_count_90d: 2,
      query_institution_count_180d: 4,
      hard_query_count_7d: 1,
      non_bank_query_count_90d: 2,
      microloan_query_count_90d: 1,
      query_night_count_90d: 0,
      dpd_now: 3,
      dpd_max_90d: 4,
      days_late_mean_3: -1,
      partial_payment_share_6: 0,
      reversal_count_90d: 0,
      paying_account_count_180d: 2,
      overdue_instalment_count: 1,
      active_loan_count: 2,
      instalment_to_inflow_30d: 25,
      next_instalment_cover: 0.4,
      utilisation: 1,
      restructured_count: 0,
      litigation_count_365d: 0,
      enforcement_count_365d: 0,
      guarantor_default_count_365d: 0,
    }
    for (const rule of RULES) {
      const value = healthy[rule.feature.replace('@1', '')]
      expect(value, rule.feature).toBeDefined()
      expect(['none', 'blue'], ruleId(rule)).toContain(outcome(rule, value as number))
    }
  })

  test('use the thresholds of practice where there are some', () => {
    const byName = new Map(RULES.map((rule) => [rule.name, rule]))
    const severityAt = (name: string, value: number) => outcome(byName.get(name) as Rule, value)
    expect([2, 3, 4, 5].map((n) => severityAt('query_institutions_30d', n))).toEqual([
      'blue',
      'yellow',
      'yellow',
      'red',
    ])
    expect([4, 5, 7, 8].map((n) => severityAt('query_institutions_90d', n))).toEqual([
      'blue',
      'yellow',
      'yellow',
      'red',
    ])
    expect([6, 7, 10, 11].map((n) => severityAt('query_institutions_180d', n))).toEqual([
      'blue',
      'yellow',
      'yellow',
      'red',
    ])
    expect([0, 1, 5, 29, 30, 90].map((days) => severityAt('past_due', days))).toEqual([
      'none',
      'blue',
      'yellow',
      'yellow',
      'orange',
      'red',
    ])
  })
})

describe('defineRule', () => {
  test.each<[string, Partial<Rule>, RegExp]>([
    [
      'a gap',
      {
        bands: [
          { lower: -INFINITY, upper: 1, severity: 'none' },
          { lower: 2, upper: INFINITY, severity: 'red' },
        ],
      },
      /gap or an overlap at 1/,
    ],
    [
      'an overlap',
      {
        bands: [
          { lower: -INFINITY, upper: 3, severity: 'none' },
          { lower: 2, upper: INFINITY, severity: 'red' },
        ],
      },
      /gap or an overlap at 3/,
    ],
    [
      'a finite beginning',
      { bands: [{ lower: 0, upper: INFINITY, severity: 'red' }] },
      /gap or an overlap at -Infinity/,
    ],
    ['a finite end', { bands: [{ lower: -INFINITY, upper: 9, severity: 'red' }] }, /ends at 9/],
    ['an empty band', { bands: rising([5, 'blue'], [5, 'red']) }, /empty band from 5 to 5/],
    ['an edge that is NaN', { bands: rising([Number.NaN, 'blue']) }, /empty band/],
    ['no bands', { bands: [] }, /no bands/],
    ['bands that never fire', { bands: rising([5, 'none']) }, /never fire/],
    ['a feature without version', { feature: 'dpd_now' }, /not name@version/],
    ['version 0', { version: 0 }, /version/],
    ['a name of two words', { name: 'past due' }, /name/],
    [
      'a reason without its value',
      { reason: { zh: '{threshold}', en: '{value} {threshold}' } },
      /no \{value\} .*\(zh\)/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => defineRule(ruleWith(change))).toThrow(message)
  })

  test('freezes what it accepts', () => {
    const rule = defineRule(ruleWith({}))
    expect(Object.isFrozen(rule) && Object.isFrozen(rule.bands) && rule.bands.every(Object.isFrozen)).toBe(true)
  })
})

describe('a list of rules', () => {
  test('is refused where a rule reads a feature that is not in the catalogue', () => {
    const rule = defineRule(ruleWith({ feature: 'dpd_now@2' }))
    expect(() => checkRules([rule], KNOWN)).toThrow('past_due@1 reads dpd_now@2')
    expect(() => compileRules([rule], [...KNOWN])).toThrow('past_due@1 reads dpd_now@2')
  })

  test('is refused where it has a name@version twice; two versions of one name are fine', () => {
    const rule = defineRule(ruleWith({}))
    expect(() => checkRules([rule, rule], KNOWN)).toThrow('listed twice')
    checkRules([rule, defineRule(ruleWith({ version: 2 }))], KNOWN)
  })
})

describe('an outcome', () => {
  test('counts the lower bound in and the upper bound out', () => {
    const rule = defineRule(ruleWith({ bands: falling([0, 'red'], [10, 'blue']) }))
    expect([-0.5, -0, 0, 9.999, 10, INFINITY, -INFINITY].map((value) => outcome(rule, value))).toEqual([
      'red',
      'blue',
      'blue',
      'blue',
      'none',
      'none',
      'red',
    ])
  })

  test('is inconclusive where the value is missing', () => {
    expect(outcome(defineRule(ruleWith({})), Number.NaN)).toBe('inconclusive')
    expect(bandCode(ruleWith({}).bands, Number.NaN)).toBe(INCONCLUSIVE)
  })
})

describe('compiled rules', () => {
  const columns = [...KNOWN]
  const compiled = compileRules(RULES, columns)
  const edges = RULES.flatMap((rule) => rule.bands.map((band) => band.upper)).filter(Number.isFinite)

  test('say the same as the rules one by one, at every edge, beside it, and where values are missing', () => {
    const value = fc.oneof(
      fc.constantFrom(...edges),
      fc.double(),
      fc.constantFrom(Number.NaN, INFINITY, -INFINITY, 0, -0, 1, 2, 3),
      fc.constantFrom(...edges.map((edge) => edge - 1e-9)),
    )
    const row = fc.array(value, { minLength: columns.length, maxLength: columns.length })
    fc.assert(
      fc.property(row, fc.nat(5), (values, base) => {
        const matrix = new Float64Array(base + values.length)
        matrix.set(values, base)
        const out = new Uint8Array(RULES.length)
        compiled.evaluate(matrix, base, out)
        const expected = RULES.map((rule) => {
          const said = outcome(rule, values[columns.indexOf(rule.feature)] as number)
          return said === 'inconclusive' ? INCONCLUSIVE : severityCode(said)
        })
        expect([...out]).toEqual(expected)
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})
