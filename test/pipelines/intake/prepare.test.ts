import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hash64, hash64Joined } from '../../../features/hash.ts'

describe('the hashes that the log holds', () => {
  it('of joined texts are those of the text that joining makes', () => {
    const joined = new Uint32Array(2)
    const one = new Uint32Array(2)
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (texts) => {
        hash64Joined(texts, joined, 0)
        hash64(texts.join('\u0000'), one, 0)
        expect([...joined]).toEqual([...one])
      }),
      { seed: 3, numRuns: 500 },
    )
  })
})
