import { describe, it } from 'vitest'
import { comparePart, SEED, TIMEOUT_MS } from './compare.ts'

describe('the feature engine and the oracle', () => {
  it(`agree bit for bit on random histories, part 3 (seed ${SEED} + 2)`, () => comparePart(2), TIMEOUT_MS)
})
