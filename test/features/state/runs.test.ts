import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RunStore } from '../../../features/state/runs.ts'

const SEED = 20_260_601
const RUNS = 150
/** Small chunks, so that a few owners fill many, and some outgrow half of one. */
const CHUNK_SHIFT = 8
const CHUNK_BYTES = 4 * 2 ** CHUNK_SHIFT
const OWNERS = 40

const owner = fc.oneof(fc.integer({ min: 0, max: OWNERS }), fc.constant(5000))
const length = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 12 }), weight: 3 },
  { arbitrary: fc.integer({ min: 0, max: 140 }), weight: 3 },
  { arbitrary: fc.integer({ min: 120, max: 700 }), weight: 1 },
)
const step = fc.record({
  kind: fc.constantFrom('write' as const, 'resize' as const, 'drop' as const),
  owner,
  length,
  part: fc.double({ min: 0, max: 1, noNaN: true }),
})

/** The same with an array for each owner. */
class PlainRuns {
  readonly runs = new Map<number, number[]>()

  of(owner: number): number[] {
    return this.runs.get(owner) ?? []
  }
}

function wordsOf(store: RunStore, owner: number): number[] {
  const words = new Uint32Array(store.length(owner))
  expect(store.read(owner, words)).toBe(words.length)
  return [...words]
}

describe('runs of words', () => {
  it(`are those of plain arrays, whatever grows, shrinks and goes (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 400, size: 'max' }), (steps) => {
        const store = new RunStore(CHUNK_SHIFT)
        const plain = new PlainRuns()
        let word = 0
        for (const { kind, owner, length, part } of steps) {
          const before = plain.of(owner)
          if (kind === 'write') {
            const words = Uint32Array.from({ length: length + 3 }, () => word++)
            store.write(owner, words, 3, length)
            plain.runs.set(owner, [...words.subarray(3)])
          } else if (kind === 'drop') {
            const from = Math.floor(part * before.length)
            const count = Math.min(length, before.length - from)
            if (before.length > 0) store.drop(owner, from, count)
            plain.runs.set(owner, before.toSpliced(from, count))
          } else {
            store.resize(owner, length)
            for (let k = before.length; k < length; k++) store.words[store.at + k] = word + k
            plain.runs.set(
              owner,
              Array.from({ length }, (_, k) => before[k] ?? word + k),
            )
          }
          if (store.length(owner) !== plain.of(owner).length) expect.fail(`the length of ${owner} after ${kind}`)
        }
        for (const owner of [...plain.runs.keys(), OWNERS + 1]) expect(wordsOf(store, owner)).toEqual(plain.of(owner))
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  it('leave no hole behind where owners grow one after the other, however often', () => {
    const store = new RunStore(CHUNK_SHIFT)
    const word = new Uint32Array(100)
    const used = (words: number) => {
      for (let one = 0; one < 1000; one++) store.write(one, word, 0, words)
      return store.chunks * CHUNK_BYTES
    }
    for (let words = 1; words < 60; words++) used(words)
    // A thousand blocks of 61 words, four in a chunk of 256 that have 64 each, and the chunks that are not full yet.
    expect(used(60)).toBe(250 * CHUNK_BYTES)
    for (let words = 59; words > 0; words--) used(words)
    expect(used(3)).toBeLessThan(20 * CHUNK_BYTES)
    const { bytes } = store
    used(60)
    expect(store.bytes).toBe(bytes)
    used(0)
    expect(store.chunks).toBe(0)
  })
})
