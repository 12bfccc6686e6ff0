import { describe, expect, test } from 'vitest'
import { bandAt, bandThreshold } from '../../models/bands.ts'
import { falling, type Rule, rising } from '../../models/rules/define.ts'
import { RULES } from '../../models/rules/index.ts'
import { renderReason, renderValue } from '../../models/rules/reason.ts'

function reasonOf(name: string, value: number) {
  const rule = RULES.find((one) => one.name === name) as Rule
  return renderReason(rule, value, bandAt(rule.bands, value), 'CNY')
}

describe('a reason', () => {
  test('says value and threshold in both languages', () => {
    expect(reasonOf('past_due', 12)).toEqual({
      zh: '当前逾期 12 天，达到 5 天',
      en: '12 days past due, threshold 5 days',
    })
    expect(reasonOf('query_institutions_90d', 9)).toEqual({
      zh: '近90天被 9 家机构硬查询，达到 8 家',
      en: '9 institutions made hard queries in 90 days, threshold 8',
    })
  })

  test('says shares in per cent', () => {
    expect(reasonOf('diverted_proceeds', 0.34567).en).toBe(
      '34.6 % of the principal went to securities or property within 30 days of disbursement, threshold 30 %',
    )
  })

  test('names the bound that was crossed: the upper one where low values are bad', () => {
    expect(reasonOf('instalment_not_covered', -2.5).en).toBe('the balance is -2.5 of the next instalment, below 0')
    expect(reasonOf('instalment_not_covered', 0.1).en).toBe('the balance is 0.1 of the next instalment, below 0.25')
  })

  test('has words for a value that has gone missing', () => {
    const rule = RULES.find((one) => one.name === 'salary_gap') as Rule
    const band = bandAt(rule.bands, 50)
    expect(renderReason(rule, Number.NaN, band, 'CNY')).toEqual({
      zh: '距上次工资（或养老金）入账 （暂缺），达到 46 天',
      en: '(not available) since the last salary or pension, threshold 46 days',
    })
  })

  test('leaves no hole in any rule and any firing band', () => {
    for (const rule of RULES) {
      for (const band of rule.bands.filter((one) => one.severity !== 'none')) {
        const { zh, en } = renderReason(rule, Number.isFinite(band.lower) ? band.lower : band.upper - 1, band, 'CNY')
        expect(`${zh} ${en}`).not.toMatch(/[{}]|NaN|Infinity|undefined/)
      }
    }
  })
})

describe('a value', () => {
  test.each([
    [123456789, 'minor', 'CNY', '1,234,567.89 CNY'],
    [-5, 'minor', 'CNY', '-0.05 CNY'],
    [0, 'minor', 'CNY', '0.00 CNY'],
    [1234, 'minor', 'JPY', '1,234 JPY'],
    [1234567, 'minor', 'KWD', '1,234.567 KWD'],
    [9007199254740991, 'minor', 'CNY', '90,071,992,547,409.91 CNY'],
    [1, 'days', 'CNY', '1 day'],
    [7.25, 'days', 'CNY', '7.3 days'],
    [100, 'days', 'CNY', '100 days'],
    [0.04, 'hours', 'CNY', '0 hours'],
    [18, 'months', 'CNY', '18 months'],
    [0.5, 'share', 'CNY', '50 %'],
    [0.01234, 'probability', 'CNY', '1.23 %'],
    [-0.001, 'ratio', 'CNY', '0'],
    [40, 'count', 'CNY', '40'],
  ] as const)('%d as %s in %s reads %s', (value, unit, currency, text) => {
    expect(renderValue(value, unit, currency, 'en')).toBe(text)
  })
})

describe('the threshold of a band', () => {
  test('is its edge towards the milder neighbour', () => {
    const up = rising([1, 'blue'], [5, 'red'])
    expect(up.slice(1).map((band) => bandThreshold(up, band))).toEqual([1, 5])
    const down = falling([0, 'red'], [3, 'blue'])
    expect(down.slice(0, 2).map((band) => bandThreshold(down, band))).toEqual([0, 3])
  })
})
