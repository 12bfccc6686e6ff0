import { describe, it } from 'vitest'
import { comparePart, SEED, TIMEOUT_MS } from './compare.ts'

describe('the feature engine and the oracle', () => {
  it(`agree bit for bit on random histories, part 4 (seed ${SEED} + 3)`, () => comparePart(3), TIMEOUT_MS)
})
