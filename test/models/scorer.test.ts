import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type TestVectors, testVectors } from '../../models/card.ts'
import { loadModel } from '../../models/load.ts'
import type { Model } from '../../models/model.ts'
import { BATCH_ROWS_MAX, createScorer } from '../../models/scorer.ts'

const FIXTURE = new URL('../fixtures/models/tiny_v1/', import.meta.url)
const INPUTS = [
  'dpd_now@1',
  'failed_debit_count_30d@1',
  'balance_last@1',
  'inflow_trend_30d_90d@1',
  'days_since_salary@1',
  'active_loan_count@1',
]

async function load(): Promise<{ model: Model; vectors: TestVectors }> {
  const loaded = await loadModel(FIXTURE.pathname, new Set(INPUTS))
  if (!loaded.ok) throw new Error(loaded.detail)
  const file = await readFile(new URL('test_vectors.json', FIXTURE), 'utf8')
  return { model: loaded.model, vectors: testVectors.parse(JSON.parse(file)) }
}

const { model, vectors } = await load()
const bits = (scores: Float32Array) => [...new Uint32Array(scores.buffer, scores.byteOffset, scores.length)]

/** Rows whose values are drawn from the known ones, without a period that a batch could share. */
function someRows(rows: number): Float64Array {
  const known = vectors.inputs
  const matrix = new Float64Array(rows * INPUTS.length)
  let seed = 1
  for (let at = 0; at < matrix.length; at++) {
    seed = (seed * 48_271) % 2_147_483_647
    matrix[at] = known[seed % known.length]?.[at % INPUTS.length] ?? Number.NaN
  }
  return matrix
}

describe('a scorer', () => {
  test('gives the known scores, also where values are missing', async () => {
    const matrix = Float64Array.from(vectors.inputs.flat(), (value) => value ?? Number.NaN)
    const scores = await createScorer(model, INPUTS).score(matrix, INPUTS.length, vectors.inputs.length)
    scores.forEach((score, row) => expect(score).toBeCloseTo(vectors.scores[row] as number, 6))
    expect(new Set(scores).size).toBeGreaterThan(10)
  })

  test('gives the same bits one by one and in batches of any size', async () => {
    const rows = 2 * BATCH_ROWS_MAX + 37
    const matrix = someRows(rows)
    const scorer = createScorer(model, INPUTS)
    const whole = bits(await scorer.score(matrix, INPUTS.length, rows))
    for (const size of [1, 3, 64, BATCH_ROWS_MAX, BATCH_ROWS_MAX + 1]) {
      const parts: number[] = []
      for (let first = 0; first < rows; first += size) {
        const count = Math.min(size, rows - first)
        const part = matrix.subarray(first * INPUTS.length, (first + count) * INPUTS.length)
        parts.push(...bits(await scorer.score(part, INPUTS.length, count)))
      }
      expect(parts).toEqual(whole)
    }
  })

  test('gives the same bits where calls overlap', async () => {
    const matrix = someRows(300)
    const scorer = createScorer(model, INPUTS)
    const alone = await scorer.score(matrix, INPUTS.length, 300)
    const reversed = matrix.toReversed()
    const [first, , third] = await Promise.all([
      scorer.score(matrix, INPUTS.length, 300),
      scorer.score(reversed, INPUTS.length, 300),
      scorer.score(matrix, INPUTS.length, 120),
    ])
    expect(bits(first)).toEqual(bits(alone))
    expect(bits(third)).toEqual(bits(alone).slice(0, 120))
  })

  test('finds its inputs by name among other columns', async () => {
    const rows = 50
    const matrix = someRows(rows)
    const expected = bits(await createScorer(model, INPUTS).score(matrix, INPUTS.length, rows))
    const columns = ['utilisation@1', ...INPUTS.toReversed(), 'dpd_now@2']
    const wide = new Float64Array(rows * columns.length).fill(1e9)
    for (let row = 0; row < rows; row++) {
      for (let input = 0; input < INPUTS.length; input++) {
        const column = columns.indexOf(INPUTS[input] as string)
        wide[row * columns.length + column] = matrix[row * INPUTS.length + input] as number
      }
    }
    expect(bits(await createScorer(model, columns).score(wide, columns.length, rows))).toEqual(expected)
  })

  test('scores only the rows it is asked for, and none where there are none', async () => {
    const matrix = someRows(10)
    const scorer = createScorer(model, INPUTS)
    expect(await scorer.score(matrix, INPUTS.length, 4)).toHaveLength(4)
    expect(await scorer.score(matrix, INPUTS.length, 0)).toHaveLength(0)
  })

  test('refuses a matrix that is too short, and columns that lack an input', async () => {
    await expect(createScorer(model, INPUTS).score(new Float64Array(11), 6, 2)).rejects.toThrow('do not fit')
    expect(() => createScorer(model, INPUTS.slice(1))).toThrow('dpd_now@1')
  })
})
