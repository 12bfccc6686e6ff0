import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hash64 } from '../../../features/hash.ts'
import { RecentIds, type Seen } from '../../../pipelines/intake/recent-ids.ts'

const SEED = 20_260_601
const RUNS = 60

/** What a table of ids must do, as plainly as can be said. */
class PlainIds {
  readonly ids = new Map<string, { content: number; day: number }>()

  lookUp([high, low, , content]: Uint32Array): Seen {
    const known = this.ids.get(`${high}:${low}`)
    if (known === undefined) return 'new'
    return known.content === content ? 'repeat' : 'conflict'
  }

  add([high, low, , content]: Uint32Array, day: number): void {
    const id = `${high}:${low}`
    if (!this.ids.has(id)) this.ids.set(id, { content: content as number, day: Math.max(-1, day) })
  }

  forgetBefore(day: number): void {
    for (const [id, known] of this.ids) if (known.day < Math.max(-1, day) && known.day < 65_533) this.ids.delete(id)
  }
}

/** Few halves, so that ids share them, their keys, and the ends of tables. */
const half = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 40 }), weight: 2 },
  { arbitrary: fc.integer({ min: 0x0fff_ffe0, max: 0x0fff_ffff }), weight: 1 },
  { arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }), weight: 3 },
)
const hashes = fc
  .tuple(half, fc.oneof(fc.constantFrom(0, 1), half), fc.nat(1), fc.nat(1))
  .map((words) => Uint32Array.from(words))
const day = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 50 }), weight: 20 },
  { arbitrary: fc.constantFrom(-1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 65_532, 70_000), weight: 1 },
)
const step = fc.oneof(
  { arbitrary: fc.record({ kind: fc.constant('add' as const), hashes, day }), weight: 60 },
  { arbitrary: fc.record({ kind: fc.constant('forget' as const), day: fc.integer({ min: 0, max: 55 }) }), weight: 1 },
)

describe('the ids received lately', () => {
  it(`are those of a plain map, whatever comes and is forgotten (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 800, size: 'max' }), (steps) => {
        const recent = new RecentIds()
        const plain = new PlainIds()
        const asked: Uint32Array[] = []
        for (const one of steps) {
          if (one.kind === 'forget') {
            recent.forgetBefore(one.day)
            plain.forgetBefore(one.day)
          } else {
            asked.push(one.hashes)
            if (recent.lookUp(one.hashes, 0) !== plain.lookUp(one.hashes))
              expect.fail(`${one.hashes.join()} as it came`)
            recent.add(one.hashes, 0, one.day)
            plain.add(one.hashes, one.day)
          }
          if (recent.size !== plain.ids.size) expect.fail(`${recent.size} ids, not ${plain.ids.size}`)
        }
        expect(asked.map((ids) => recent.lookUp(ids, 0))).toEqual(asked.map((ids) => plain.lookUp(ids)))
      }),
      { seed: SEED, numRuns: RUNS },
    )
  })

  it('take at most 18 bytes each where there are many, and as much less when most are forgotten', () => {
    const recent = new RecentIds()
    const ids = 300_000
    const one = new Uint32Array(4)
    const hashesOf = (id: number) => {
      hash64(`id-${id}`, one, 0)
      hash64(`content-${id}`, one, 2)
      return one
    }
    for (let id = 0; id < ids; id++) recent.add(hashesOf(id), 0, id % 40)
    expect(recent.size).toBe(ids)
    const full = recent.bytes
    expect(full / ids).toBeLessThan(18)
    recent.forgetBefore(30)
    expect(recent.size).toBe(ids / 4)
    expect(recent.bytes).toBeLessThan(full / 3)
    for (let id = 0; id < ids; id += 7) {
      const isKept = id % 40 >= 30
      expect(recent.lookUp(hashesOf(id), 0)).toBe(isKept ? 'repeat' : 'new')
      one[3] = (one[3] as number) ^ 1
      expect(recent.lookUp(one, 0)).toBe(isKept ? 'conflict' : 'new')
    }
  })
})
