import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { modelCard } from '../../models/card.ts'
import { baselineBands, stabilityIndex } from '../../models/shift.ts'

const FOLDER = fileURLToPath(new URL('../../../shared/data/metrics', import.meta.url))
const present = existsSync(FOLDER)
if (!present) console.warn('SKIPPED: ../shared/data/metrics is absent, the stability index was not compared with it')

const card = modelCard.parse(
  JSON.parse(readFileSync(new URL('../../models/dpd30_90_gbm_v1/card.json', import.meta.url), 'utf8')),
)

// The vectors are somebody else's and not part of the project: without them the test says so and is left out.
describe.skipIf(!present)('published stability indices (../shared/data/metrics)', () => {
  const read = (name: string) => readFileSync(`${FOLDER}/${name}`, 'utf8')

  /** A column of the published vectors. */
  function column(name: string): number[] {
    const [head = '', ...lines] = read('metrics_vectors.csv').trimEnd().split(/\r?\n/)
    const place = head.split(',').indexOf(name)
    return lines.map((line) => Number(line.split(',')[place]))
  }

  function bins(actual: readonly number[], base: readonly number[], cuts: readonly number[]) {
    const edges = [Number.NEGATIVE_INFINITY, ...cuts, Number.POSITIVE_INFINITY]
    return edges.slice(0, -1).map((lower, i) => {
      const count = (values: readonly number[]) =>
        values.filter((value) => value >= lower && value < edges[i + 1]!).length
      return { band: String(lower), actual: count(actual), expected: count(base) }
    })
  }

  test.each([
    ['PSI(test=feature, base=base_feature, cuts 0.3/0.5/0.7)', 'feature', 'base_feature', [0.3, 0.5, 0.7]],
    ['PSI(test_B, base_B, cuts 0.4/0.8)', 'test_B', 'base_B', [0.4, 0.8]],
  ] as const)('%s', (name, actual, base, cuts) => {
    const index = stabilityIndex(bins(column(actual), column(base), cuts))
    const expected = JSON.parse(read('expected.json')) as Record<string, Record<string, number>>
    expect(index).toBeCloseTo(expected['metrics_vectors.csv']![name]!, 14)
  })
})

describe('the stability index', () => {
  test('is 0 for equal shares, counts an empty bin as half a row, and needs rows on both sides', () => {
    expect(
      stabilityIndex([
        { band: 'a', expected: 1, actual: 2 },
        { band: 'b', expected: 3, actual: 6 },
      ]),
    ).toBe(0)
    const bins = [
      { band: 'a', expected: 5, actual: 9 },
      { band: 'b', expected: 5, actual: 0 },
    ]
    const half = 0.5 / 9
    const index = (1 - 0.5) * Math.log(1 / 0.5) + (half - 0.5) * Math.log(half / 0.5)
    expect(stabilityIndex(bins)).toBeCloseTo(index, 12)
    expect(() => stabilityIndex([{ band: 'a', expected: 5, actual: 0 }])).toThrow('both sides')
  })
})

describe('the baseline of a card', () => {
  test('is its test rows by band, all of them', () => {
    expect(Object.fromEntries(baselineBands(card)!)).toEqual({
      red: 24,
      orange: 82,
      yellow: 127,
      blue: 234,
      none: 3382,
    })
  })

  test('is not there when the card does not have every threshold', () => {
    const { precision } = card.metrics
    expect(baselineBands({ ...card, metrics: { ...card.metrics, precision: precision.slice(1) } })).toBeUndefined()
  })
})
