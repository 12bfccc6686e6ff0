import { describe, expect, it } from 'vitest'
import { ORACLE_FEATURE_NAMES } from '../../oracle/features.ts'
import { COLUMNS } from '../engine-run.ts'
import { comparePart, SEED, TIMEOUT_MS } from './compare.ts'

describe('the feature engine and the oracle', () => {
  it('know the same features', () => {
    expect([...COLUMNS].sort()).toEqual([...ORACLE_FEATURE_NAMES].sort())
  })

  it(`agree bit for bit on random histories, part 1 (seed ${SEED} + 0)`, () => comparePart(0), TIMEOUT_MS)
})
