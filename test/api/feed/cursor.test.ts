import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from '../../../api/feed/cursor.ts'

const positions = fc.array(fc.nat(Number.MAX_SAFE_INTEGER), { minLength: 1, maxLength: 64 })

describe('a cursor', () => {
  it('gives back its numbers, however large', () => {
    fc.assert(
      fc.property(fc.string(), positions, (tenant, numbers) => {
        const cursor = encodeCursor(tenant, numbers)
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(decodeCursor(tenant, numbers.length, cursor)).toEqual({ ok: true, positions: numbers })
      }),
    )
  })

  it('of another tenant is refused', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), positions, (tenant, other, numbers) => {
        fc.pre(tenant !== other)
        expect(decodeCursor(other, numbers.length, encodeCursor(tenant, numbers)).ok).toBe(false)
      }),
    )
  })

  it('over another number of partitions is refused', () => {
    expect(decodeCursor('bank', 3, encodeCursor('bank', [1, 2])).ok).toBe(false)
  })

  it('with any character changed, left out or added is refused', () => {
    const cursor = encodeCursor('bank', [5, 0, 300])
    for (let i = 0; i < cursor.length; i++) {
      for (const character of 'Ab0_-=+/ .é') {
        if (cursor[i] === character) continue
        expect(decodeCursor('bank', 3, cursor.slice(0, i) + character + cursor.slice(i + 1)).ok).toBe(false)
        expect(decodeCursor('bank', 3, cursor.slice(0, i) + character + cursor.slice(i)).ok).toBe(false)
      }
      expect(decodeCursor('bank', 3, cursor.slice(0, i) + cursor.slice(i + 1)).ok).toBe(false)
    }
    expect(decodeCursor('bank', 3, `${cursor}=`).ok).toBe(false)
  })

  it('of nonsense is refused, and nothing is thrown', () => {
    fc.assert(fc.property(fc.string(), (text) => !decodeCursor('bank', 3, text).ok))
    expect(decodeCursor('bank', 3, 'A'.repeat(1_000_000)).ok).toBe(false)
  })
})
