import { describe, expect, it } from 'vitest'
import { featureColumn, featureId } from '../../features/catalogue/define.ts'
import { CATALOGUE } from '../../features/catalogue/index.ts'
import { aggregateKey } from '../../features/window/aggregate.ts'

const FAMILIES = ['cash-flow', 'cash-out', 'multi-lender', 'repayment-habit', 'exposure']

describe('the catalogue', () => {
  it('has at least 40 entries, over all five families', () => {
    expect(CATALOGUE.length).toBeGreaterThanOrEqual(40)
    expect(new Set(CATALOGUE.map((entry) => entry.family))).toEqual(new Set(FAMILIES))
  })

  it('names every version once, and each has a column of its own', () => {
    expect(new Set(CATALOGUE.map(featureId)).size).toBe(CATALOGUE.length)
    expect(new Set(CATALOGUE.map(featureColumn)).size).toBe(CATALOGUE.length)
  })

  it.each(CATALOGUE.map((entry) => [featureId(entry), entry] as const))(
    '%s says what it is in both languages',
    (_, entry) => {
      for (const text of [entry.formula.en, entry.reading.en, entry.missing, entry.source]) expect(text).not.toBe('')
      for (const text of [entry.formula.zh, entry.reading.zh]) expect(text).toMatch(/\p{Script=Han}/u)
      expect(entry.inputs.length).toBeGreaterThan(0)
      // An entry that only passes its input on needs no formula of its own; one with several does.
      if (entry.inputs.length > 1) expect(entry.compute).toBeDefined()
    },
  )

  it('never changes a published entry: a new formula is a new version (update this file only by adding entries)', async () => {
    const golden = CATALOGUE.map((entry) => ({
      id: featureId(entry),
      family: entry.family,
      formula: entry.formula.en,
      unit: entry.unit,
      windows_days: entry.windows_days,
      minimum_history_days: entry.minimum_history_days,
      inputs: entry.inputs.map((input) => ('fact' in input ? input.fact : aggregateKey(input))),
      compute: textOf(entry.compute),
    }))
    await expect(`${JSON.stringify(golden, null, 2)}\n`).toMatchFileSnapshot('golden/catalogue.json')
  })
})

/** The text of a formula, without what the test runner's loader puts around imported names. */
function textOf(compute: ((...values: number[]) => number) | undefined): string {
  return compute === undefined
    ? 'the input'
    : compute
        .toString()
        .replace(/\(0,\s*\w+\.(\w+)\)/g, '$1')
        .replace(/__\w+__\./g, '')
}
