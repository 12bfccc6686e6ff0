import { describe, it } from 'vitest'
import { comparePart, SEED, TIMEOUT_MS } from './compare.ts'

describe('the feature engine and the oracle', () => {
  it(`agree bit for bit on random histories, part 2 (seed ${SEED} + 1)`, () => comparePart(1), TIMEOUT_MS)
})
