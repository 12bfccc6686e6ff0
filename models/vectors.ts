import type { TestVectors } from './card.ts'
import type { Model } from './model.ts'
import { createScorer } from './scorer.ts'

/**
 * Training computed the known scores with another build of the runtime, whose last bits may differ. A wrong order of
 * inputs or a missing value that takes the wrong branch moves a score by far more.
 */
export const VECTOR_TOLERANCE = 1e-6

/** Scores the known rows; null where all agree, else what disagrees. */
export async function verifyTestVectors(
  model: Model,
  vectors: TestVectors,
): Promise<{ ok: false; reason: 'vectors_invalid' | 'vectors_mismatch'; detail: string } | null> {
  const { inputs } = model.card
  const rows = vectors.inputs.length
  if (vectors.model !== model.id) {
    return {
      ok: false,
      reason: 'vectors_invalid',
      detail: `the test vectors are of ${vectors.model}, not of ${model.id}`,
    }
  }
  if (vectors.scores.length !== rows || vectors.inputs.some((row) => row.length !== inputs.length)) {
    const detail = `the test vectors are not ${rows} rows of ${inputs.length} values with a score each`
    return { ok: false, reason: 'vectors_invalid', detail }
  }
  const matrix = Float64Array.from(vectors.inputs.flat(), (value) => value ?? Number.NaN)
  const scores = await createScorer(model, inputs).score(matrix, inputs.length, rows)
  for (let row = 0; row < rows; row++) {
    const expected = vectors.scores[row] as number
    const actual = scores[row] as number
    // Written so that NaN disagrees.
    if (!(Math.abs(actual - expected) <= VECTOR_TOLERANCE)) {
      const detail = `test vector ${row} scores ${actual}, its file says ${expected}`
      return { ok: false, reason: 'vectors_mismatch', detail }
    }
  }
  return null
}
